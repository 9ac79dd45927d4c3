//! What the ledger knows and the rows do not: the ledger tells it, the rows take it.

use super::gap_rows::Change;
use crate::market::Symbol;

/// What the database does not know yet of one stream.
#[derive(Clone, Debug)]
pub(super) struct Unsaved {
    pub(super) symbol: Symbol,
    /// Epoch and trade id.
    pub(super) position: Option<(i32, i64)>,
    pub(super) changes: Vec<Change>,
}
