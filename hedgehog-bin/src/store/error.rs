//! What can go wrong with a database, sorted by what the caller can do about it.
//!
//! Each error tells its cause in its own line: whoever shows it, in whatever way, shows "connection refused" and "disk is full" too.

use std::error::Error;

use deadpool::managed::TimeoutType;
use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel_async::pooled_connection::PoolError as ManagerError;
use diesel_async::pooled_connection::deadpool::PoolError;

use super::database::Database;
use super::location::Location;
use crate::causes::causes;

/// Why a database could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names a kind of database that is not spoken here.
    #[error("{url} is neither the path of an SQLite file nor postgres://USER@HOST/DATABASE")]
    UnsupportedUrl {
        /// As given, without its password.
        url: Location,
    },

    /// No connection: server down, file or folder unreadable, connection lost.
    #[error("database {location} cannot be reached: {}", causes(&**cause))]
    Unreachable {
        /// Which database.
        location: Location,
        /// What the driver says.
        cause: Box<dyn Error + Send + Sync>,
    },

    /// Somebody else holds what is needed for longer than one waits.
    #[error("database {location} is busy: {}", causes(&**cause))]
    Busy {
        /// Which database.
        location: Location,
        /// What the driver says.
        cause: Box<dyn Error + Send + Sync>,
    },

    /// A newer program has migrated the database. Nothing was changed.
    #[error(
        "database {location} has schema version {found}, newer than {newest_known}, the newest this program knows: \
         use a newer hedgehog or another database"
    )]
    NewerSchema {
        /// Which database.
        location: Location,
        /// The newest version that was applied to it.
        found: String,
        /// The newest version this program can apply.
        newest_known: String,
    },

    /// The database belongs to another app. Nothing was changed.
    #[error("database {location} belongs to {found}, not to {expected}: give each app a database of its own")]
    OtherApp {
        /// Which database.
        location: Location,
        /// Whose it should be.
        expected: &'static Database,
        /// Whose it is.
        found: &'static Database,
    },

    /// The schema could not be brought up to date.
    #[error("database {location} could not be migrated: {}", causes(&**cause))]
    Migration {
        /// Which database.
        location: Location,
        /// What the driver says.
        cause: Box<dyn Error + Send + Sync>,
    },

    /// A value does not fit its column, or what stands in a column is not what it should hold.
    #[error("database {location} holds or was given a value that does not fit its column: {cause}")]
    BadData {
        /// Which database.
        location: Location,
        /// What the driver says.
        cause: QueryError,
    },

    /// The disk is full. It goes on when there is room.
    #[error("database {location} cannot grow, the disk is full: {cause}")]
    Full {
        /// Which database.
        location: Location,
        /// What the driver says.
        cause: QueryError,
    },

    /// It holds another venue's trades and orders. Nothing was changed.
    #[error(
        "database {location} belongs to {}, not to {}: give each venue databases of its own",
        short(held),
        short(wanted)
    )]
    OtherVenue {
        /// Which database.
        location: Location,
        /// Whose it is.
        held: String,
        /// Who asked.
        wanted: String,
    },

    /// Another program writes to it. Nothing was changed.
    #[error(
        "database {location} is in use by another hedgehog (process {pid} on {host}): stop that one, or give this one a database of \
         its own"
    )]
    Held {
        /// Which database.
        location: Location,
        /// Where the other program runs.
        host: String,
        /// Its process there.
        pid: i64,
    },

    /// Another program has taken it over since it was opened. Nothing is written any more.
    #[error("database {location} was taken over by another hedgehog: this one writes nothing more to it")]
    TakenOver {
        /// Which database.
        location: Location,
    },

    /// Its file was deleted, moved or replaced since it was opened. Nothing is written any more: it would go where nobody finds it.
    #[error("the file of database {location} was deleted or replaced while it was open: put it back, and start again")]
    Replaced {
        /// Which database.
        location: Location,
    },

    /// The database refused the query, or found nothing where one row was asked for.
    #[error("database {location} refused a query: {cause}")]
    Query {
        /// Which database.
        location: Location,
        /// What the driver says.
        cause: QueryError,
    },
}

impl StoreError {
    /// Whether the same call may succeed later, with nothing changed by anybody.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. } | Self::Full { .. })
    }

    /// Whether the query failed because a row with the same key stands already.
    pub fn is_unique_violation(&self) -> bool {
        matches!(
            self,
            Self::Query {
                cause: QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _),
                ..
            }
        )
    }

    pub(super) fn from_query(location: &Location, cause: QueryError) -> Self {
        let location = location.clone();
        let busy = |cause: QueryError| Self::Busy {
            location: location.clone(),
            cause: cause.into(),
        };
        let unreachable = |cause: QueryError| Self::Unreachable {
            location: location.clone(),
            cause: cause.into(),
        };
        match &cause {
            QueryError::SerializationError(_) | QueryError::DeserializationError(_) => {
                Self::BadData { location, cause }
            }
            QueryError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => unreachable(cause),
                DatabaseErrorKind::SerializationFailure => busy(cause),
                DatabaseErrorKind::CheckViolation | DatabaseErrorKind::NotNullViolation => {
                    Self::BadData { location, cause }
                }
                _ if is_lock(information.message()) => busy(cause),
                _ if is_full(information.message()) => Self::Full { location, cause },
                _ if is_lost_connection(information.message()) => unreachable(cause),
                _ => Self::Query { location, cause },
            },
            _ => Self::Query { location, cause },
        }
    }

    pub(super) fn from_pool(location: &Location, cause: PoolError) -> Self {
        let unreachable = |cause: Box<dyn Error + Send + Sync>| Self::Unreachable {
            location: location.clone(),
            cause,
        };
        match cause {
            PoolError::Backend(ManagerError::QueryError(cause)) => Self::from_query(location, cause),
            PoolError::Backend(ManagerError::ConnectionError(ConnectionError::CouldntSetupConfiguration(cause))) => {
                match Self::from_query(location, cause) {
                    // `PRAGMA`s fail on what is not a database file.
                    Self::Query { cause, .. } => unreachable(cause.into()),
                    other => other,
                }
            }
            // Without the pool's own words around it.
            PoolError::Backend(ManagerError::ConnectionError(cause)) => unreachable(cause.into()),
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy {
                location: location.clone(),
                cause: "every connection is in use".into(),
            },
            PoolError::Timeout(_) => unreachable("no answer to the connection within 10 s".into()),
            _ => unreachable(cause.into()),
        }
    }
}

/// A venue as a person tells it apart: of a recording's hash the beginning.
fn short(venue: &str) -> &str {
    match venue.strip_prefix("replay:") {
        Some(hash) => &venue[..venue.len() - hash.len() + hash.floor_char_boundary(8)],
        None => venue,
    }
}

/// SQLite's words for `SQLITE_BUSY` and `SQLITE_LOCKED`, and PostgreSQL's to the loser of a deadlock; diesel keeps no
/// code for them.
fn is_lock(message: &str) -> bool {
    [
        "database is locked",
        "database table is locked",
        "deadlock detected",
        "due to lock timeout",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// SQLite's words for `SQLITE_FULL`, and the operating system's that PostgreSQL repeats. It has words of its own where part of a page
/// fits (`mdextend`: "wrote only 4096 of 8192 bytes").
fn is_full(message: &str) -> bool {
    [
        "disk is full",
        "No space left on device",
        "Disk quota exceeded",
        ": wrote only ",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// PostgreSQL's last words on a connection it ends, and its first ones while it starts; diesel keeps no SQLSTATE.
fn is_lost_connection(message: &str) -> bool {
    message.starts_with("terminating connection") || message.starts_with("the database system is")
}
