//! `decimal_sum`: the exact sum, under one name on both back ends and in sqlite3's own shell.

use bigdecimal::BigDecimal;
use diesel::QueryResult;
use diesel::sqlite::{SqliteAggregateFunction, SqliteConnection};

use super::types::sql;
use crate::market::parse_decimal;

#[diesel::declare_sql_function]
extern "SQL" {
    /// The exact sum of a decimal column; null over no rows.
    ///
    /// SQL's own `sum` goes through a float on SQLite, and so does not compile on these columns.
    #[aggregate]
    fn decimal_sum(x: sql::Exact) -> Nullable<sql::Exact>;
}

/// The same function as SQLite sees it: decimals are text there.
///
/// Apart, because diesel writes the registration only for the types it knows by name.
mod on_sqlite {
    #[diesel::declare_sql_function]
    extern "SQL" {
        #[aggregate]
        fn decimal_sum(x: diesel::sql_types::Text) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
    }

    pub(super) use decimal_sum_utils::register_impl;
}

/// Makes the sum known to a connection.
pub(super) fn register(connection: &mut SqliteConnection) -> QueryResult<()> {
    on_sqlite::register_impl::<Sum, _>(connection)
}

/// A running sum, or the first text that is no decimal.
///
/// Junk becomes the result, which then cannot be read as a decimal: the query fails loudly, without a panic inside
/// SQLite's callback and without a sum that is quietly too small.
struct Sum(Result<BigDecimal, String>);

impl Default for Sum {
    fn default() -> Self {
        Sum(Ok(BigDecimal::default()))
    }
}

impl SqliteAggregateFunction<String> for Sum {
    type Output = Option<String>;

    fn step(&mut self, text: String) {
        if let Ok(sum) = &mut self.0 {
            match parse_decimal(&text) {
                Ok(value) => *sum += value,
                Err(_) => self.0 = Err(text),
            }
        }
    }

    fn finalize(sum: Option<Self>) -> Self::Output {
        sum.map(|sum| {
            sum.0
                .map_or_else(|junk| format!("not a decimal: {junk}"), |sum| sum.to_plain_string())
        })
    }
}
