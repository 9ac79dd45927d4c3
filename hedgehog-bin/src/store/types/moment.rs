//! A moment in UTC, to the microsecond: `timestamp` on PostgreSQL, an integer on SQLite.

use std::fmt;
use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::BigInt;
use diesel::sqlite::{Sqlite, SqliteValue};

use super::sql;

/// A moment in UTC, to the microsecond.
///
/// Microseconds, because whole seconds leave the order of rows within one second open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Moment)]
pub struct Moment(i64);

/// PostgreSQL counts from 2000-01-01; this is that day in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl Moment {
    /// The wall clock's now.
    #[must_use]
    pub fn now() -> Self {
        Moment(Utc::now().timestamp_micros())
    }

    /// The moment so many microseconds after 1970-01-01.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Moment(micros)
    }

    /// Microseconds since 1970-01-01.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The same moment for calendars; `None` beyond the years that chrono knows.
    #[must_use]
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

impl ToSql<sql::Moment, Pg> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self
            .0
            .checked_sub(POSTGRES_EPOCH)
            .ok_or("a moment before PostgreSQL's calendar")?;
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Moment, Pg> for Moment {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = i64::from_be_bytes(value.as_bytes().try_into()?);
        // `infinity` is the greatest i64 there.
        Ok(Moment(micros.checked_add(POSTGRES_EPOCH).ok_or("not a finite moment")?))
    }
}

impl ToSql<sql::Moment, Sqlite> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0);
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Moment, Sqlite> for Moment {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Moment)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
