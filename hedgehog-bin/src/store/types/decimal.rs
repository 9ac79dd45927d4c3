//! Exact decimals: `numeric` on PostgreSQL, plain text on SQLite.

use std::fmt;
use std::io::Write;

use bigdecimal::BigDecimal;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Numeric, Text};
use diesel::sqlite::{Sqlite, SqliteValue};

use super::{numeric, sql};
use crate::market::{parse_decimal, plain_text};

/// An exact decimal as it stands in a column.
///
/// Diesel's own mapping on SQLite goes through a 64-bit float, which changes nearly every price of 8 decimals.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Exact)]
pub struct Decimal(pub BigDecimal);

/// Digits before the point, and after it, that a column takes.
///
/// Far beyond any market. It exists because `1e999999999` is a small [`BigDecimal`] and a gigabyte of text.
const MAX_DIGITS: u64 = 1000;

fn checked(value: &BigDecimal) -> Result<&BigDecimal, String> {
    let scale = value.fractional_digit_count();
    if scale.unsigned_abs() > MAX_DIGITS || value.digits() > 2 * MAX_DIGITS {
        return Err(format!(
            "a decimal of scale {scale} does not fit: at most {MAX_DIGITS} digits on each side of the point"
        ));
    }
    Ok(value)
}

impl ToSql<sql::Exact, Pg> for Decimal {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let value = checked(&self.0)?;
        let mut bytes = Vec::with_capacity(24);
        if !numeric::write(value, &mut bytes) {
            return <BigDecimal as ToSql<Numeric, Pg>>::to_sql(value, out);
        }
        out.write_all(&bytes)?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Exact, Pg> for Decimal {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <BigDecimal as FromSql<Numeric, Pg>>::from_sql(value).map(Decimal)
    }
}

impl ToSql<sql::Exact, Sqlite> for Decimal {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(plain_text(checked(&self.0)?));
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Exact, Sqlite> for Decimal {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Decimal(parse_decimal(&text)?))
    }
}

impl From<BigDecimal> for Decimal {
    fn from(value: BigDecimal) -> Self {
        Decimal(value)
    }
}

impl From<Decimal> for BigDecimal {
    fn from(value: Decimal) -> Self {
        value.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain_text(&self.0))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
