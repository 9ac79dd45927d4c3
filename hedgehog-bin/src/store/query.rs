//! What both back ends can run.
//!
//! Queries are ordinary diesel. What a method accepts is a query that is valid on *both* back ends; one that is not is
//! a compile error where it is written. Two habits of diesel's do not fit this: `as_select()` and `into_boxed()` pin one
//! back end. Use [`columns`] for the first, `filter(column.eq(x).or(any.into_sql::<Bool>()))` for the second.

use diesel::Selectable;
use diesel_async::methods::{ExecuteDsl, LoadQuery};

use super::connect::{Lite, Pg};

/// A query that both back ends can run and that yields rows of `U`.
pub trait Rows<'q, U>: LoadQuery<'q, Pg, U> + LoadQuery<'q, Lite, U> + Send + 'q {}
impl<'q, U, Q: LoadQuery<'q, Pg, U> + LoadQuery<'q, Lite, U> + Send + 'q> Rows<'q, U> for Q {}

/// A statement that both back ends can run.
pub trait Statement: ExecuteDsl<Pg> + ExecuteDsl<Lite> + Send {}
impl<Q: ExecuteDsl<Pg> + ExecuteDsl<Lite> + Send> Statement for Q {}

/// The columns of a row struct, selected by field name: `settings::table.select(columns::<Setting>())`.
///
/// Diesel's `as_select()` without its tie to one back end.
pub fn columns<S: Selectable<diesel::pg::Pg>>() -> S::SelectExpression {
    S::construct_selection()
}
