//! Answers for people. Nothing here is meant to be parsed: that is what `--json` is for.
//!
//! Every function is pure: data and the width of the caller's terminal in, lines out. Invariant: no line is wider than
//! that terminal, so that none is broken by it.

mod listing;
mod status;
mod table;
mod text;
mod tree;

pub(super) use listing::{settings, symbols};
pub(super) use status::status;
pub(super) use tree::tree;

use super::protocol::View;

/// Where nobody has said how wide the terminal is: what fits everywhere.
const WIDTH: usize = 80;
/// Narrower than this no table can be read, and the terminal may break its lines.
const NARROWEST: usize = 40;

impl View {
    /// How many columns a line may take.
    fn columns(&self) -> usize {
        self.width.map_or(WIDTH, |width| usize::from(width).max(NARROWEST))
    }
}
