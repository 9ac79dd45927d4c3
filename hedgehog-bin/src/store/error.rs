//! What can go wrong with a database, sorted by what the caller can do about it.

use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel_async::pooled_connection::PoolError as ManagerError;
use diesel_async::pooled_connection::deadpool::PoolError;

use super::connect::Location;
use super::migrate::Database;

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
    #[error("database {location} cannot be reached")]
    Unreachable {
        /// Which database.
        location: Location,
        /// What the driver says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// Somebody else holds what is needed for longer than one waits.
    #[error("database {location} is busy")]
    Busy {
        /// Which database.
        location: Location,
        /// What the driver says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
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
        expected: Database,
        /// Whose it is.
        found: Database,
    },

    /// The schema could not be brought up to date.
    #[error("database {location} could not be migrated")]
    Migration {
        /// Which database.
        location: Location,
        /// What the driver says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A value does not fit its column, or what stands in a column is not what it should hold.
    #[error("database {location} holds or was given a value that does not fit its column")]
    BadData {
        /// Which database.
        location: Location,
        /// What the driver says.
        #[source]
        source: QueryError,
    },

    /// The database refused the query, or found nothing where one row was asked for.
    #[error("database {location} refused a query")]
    Query {
        /// Which database.
        location: Location,
        /// What the driver says.
        #[source]
        source: QueryError,
    },
}

impl StoreError {
    /// Whether the same call may succeed later, with nothing changed by anybody.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    /// Whether the query failed because a row with the same key stands already.
    pub fn is_unique_violation(&self) -> bool {
        matches!(
            self,
            Self::Query {
                source: QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _),
                ..
            }
        )
    }

    pub(super) fn from_query(location: &Location, source: QueryError) -> Self {
        let location = location.clone();
        match &source {
            QueryError::SerializationError(_) | QueryError::DeserializationError(_) => {
                Self::BadData { location, source }
            }
            QueryError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => Self::Unreachable {
                    location,
                    source: source.into(),
                },
                DatabaseErrorKind::SerializationFailure => Self::Busy {
                    location,
                    source: source.into(),
                },
                DatabaseErrorKind::CheckViolation | DatabaseErrorKind::NotNullViolation => {
                    Self::BadData { location, source }
                }
                _ if is_lock(information.message()) => Self::Busy {
                    location,
                    source: source.into(),
                },
                _ if is_lost_connection(information.message()) => Self::Unreachable {
                    location,
                    source: source.into(),
                },
                _ => Self::Query { location, source },
            },
            _ => Self::Query { location, source },
        }
    }

    pub(super) fn from_pool(location: &Location, source: PoolError) -> Self {
        match source {
            PoolError::Backend(ManagerError::QueryError(source)) => Self::from_query(location, source),
            PoolError::Backend(ManagerError::ConnectionError(ConnectionError::CouldntSetupConfiguration(source))) => {
                match Self::from_query(location, source) {
                    // `PRAGMA`s fail on what is not a database file.
                    Self::Query { location, source } => Self::Unreachable {
                        location,
                        source: source.into(),
                    },
                    other => other,
                }
            }
            PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => Self::Busy {
                location: location.clone(),
                source: source.into(),
            },
            _ => Self::Unreachable {
                location: location.clone(),
                source: source.into(),
            },
        }
    }
}

/// SQLite's words for `SQLITE_BUSY` and `SQLITE_LOCKED`, and PostgreSQL's to the loser of a deadlock; diesel keeps no
/// code for them.
fn is_lock(message: &str) -> bool {
    ["database is locked", "database table is locked", "deadlock detected"]
        .iter()
        .any(|words| message.contains(words))
}

/// PostgreSQL's last words on a connection it ends, and its first ones while it starts; diesel keeps no SQLSTATE.
fn is_lost_connection(message: &str) -> bool {
    message.starts_with("terminating connection") || message.starts_with("the database system is")
}
