//! What a behaviour runs on: SQLite files or a PostgreSQL server, and databases there that nobody else uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hedgehog_bin::databases::{ALL, DATA_WAREHOUSE, NAIVE, STREAMER};
use hedgehog_bin::store::{Database, Db, Decimal, Moment, StoreError};
use hedgehog_tests::postgres::Postgres;
use tempfile::TempDir;

/// One of the two back ends. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Engine {
    /// Files in this folder.
    Sqlite(Arc<SqliteFiles>),
    /// Databases of this server.
    Postgres(Arc<Postgres>),
}

/// A folder for database files; gone with its last user.
pub(crate) struct SqliteFiles {
    folder: TempDir,
    made: AtomicU32,
}

impl Engine {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(Arc::new(SqliteFiles {
            folder: TempDir::new().expect("a folder for temporary files"),
            made: AtomicU32::new(0),
        }))
    }

    /// The databases that can be kept on it.
    pub(crate) fn databases(&self) -> &'static [&'static Database] {
        match self {
            Self::Sqlite(_) => ALL,
            Self::Postgres(_) => &[STREAMER, NAIVE, DATA_WAREHOUSE],
        }
    }

    /// Where its migrations lie, below those of an app.
    pub(crate) fn dialect(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The URL of a new database.
    pub(crate) fn url(&self, database: &'static Database) -> String {
        match self {
            Self::Sqlite(files) => {
                let number = files.made.fetch_add(1, Ordering::Relaxed);
                files
                    .folder
                    .path()
                    .join(format!("{database}-{number}.db"))
                    .display()
                    .to_string()
            }
            Self::Postgres(server) => server.database().expect("the server makes databases"),
        }
    }

    /// A new database, open.
    pub(crate) async fn open(&self, database: &'static Database) -> Fresh {
        let url = self.url(database);
        let db = Db::open(&url, database).await.expect("a new database opens");
        Fresh { db, database, url }
    }
}

/// An open database nobody else uses.
pub(crate) struct Fresh {
    pub(crate) db: Db,
    pub(crate) database: &'static Database,
    pub(crate) url: String,
}

impl Fresh {
    /// A second handle on the same database, with connections of its own, as another process would have.
    pub(crate) async fn again(&self) -> Result<Db, StoreError> {
        Db::open(&self.url, self.database).await
    }
}

pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal(text.parse().expect("a decimal"))
}

/// A moment with microseconds, and others after it.
pub(crate) fn moment(offset: i64) -> Moment {
    Moment::from_micros(1_770_000_000_123_456 + offset)
}
