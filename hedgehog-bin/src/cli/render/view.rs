//! How a person wants an answer to look.

/// Where nobody has said how wide the terminal is: what fits everywhere.
const WIDTH: usize = 80;
/// Narrower than this no table can be read, and the terminal may break its lines.
const NARROWEST: usize = 40;

/// How an answer is shown to a person; a program takes the other form of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct View {
    /// Columns of the terminal; `None` where there is none.
    pub(in super::super) width: Option<u16>,
    /// Also what is long or off.
    pub(in super::super) all: bool,
    /// Also the traders.
    pub(in super::super) traders: bool,
    /// A tree in Graphviz's language instead of a drawing.
    pub(in super::super) dot: bool,
}

impl View {
    /// How many columns a line may take.
    pub(super) fn columns(self) -> usize {
        self.width.map_or(WIDTH, |width| usize::from(width).max(NARROWEST))
    }
}
