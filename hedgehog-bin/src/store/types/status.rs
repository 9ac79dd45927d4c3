//! Columns that hold one of a few words.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};

use super::sql;

/// A word that is none of those the column may hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not one of {known}")]
pub struct UnknownText {
    /// What stood there.
    pub word: String,
    /// The words that may stand there, separated by commas.
    pub known: String,
}

macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        $name:ident: $sql:ty { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
        #[diesel(sql_type = $sql)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the column.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownText;

            fn from_str(word: &str) -> Result<Self, UnknownText> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word).ok_or_else(|| UnknownText {
                    word: word.to_owned(),
                    known: [$($word),+].join(", "),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }

        impl ToSql<$sql, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.as_str().as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                Ok(std::str::from_utf8(value.as_bytes())?.parse()?)
            }
        }

        impl ToSql<$sql, Sqlite> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(self.as_str());
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql, Sqlite> for $name {
            fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
                Ok(<String as FromSql<Text, Sqlite>>::from_sql(value)?.parse()?)
            }
        }
    };
}

text_enum! {
    /// Whether a symbol is streamed.
    StreamingStatus: sql::StreamingStatus {
        /// Streamed, also after the next start.
        On = "on",
        /// Not streamed.
        Off = "off",
    }
}

text_enum! {
    /// Whether a symbol is traded.
    TradingStatus: sql::TradingStatus {
        /// Traded, also after the next start.
        On = "on",
        /// Not traded.
        Off = "off",
        /// Open trades finish, none is opened.
        Shutdown = "shutdown",
    }
}

text_enum! {
    /// Whether a topic is stored.
    SubscriberStatus: sql::SubscriberStatus {
        /// Stored, also after the next start.
        On = "on",
        /// Not stored.
        Off = "off",
    }
}

text_enum! {
    /// Where a trader stands in its cycle.
    TraderState: Text {
        /// No order placed yet.
        Ready = "ready",
        /// The buy order is open.
        Buying = "buying",
        /// The buy order is filled, the sell order open.
        Selling = "selling",
        /// The sell order is filled.
        Finished = "finished",
        /// Ended without a full cycle.
        Cancelled = "cancelled",
    }
}

impl TraderState {
    /// Whether the trader is never started again.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }
}
