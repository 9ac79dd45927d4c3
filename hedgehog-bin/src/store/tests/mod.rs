//! The store on SQLite files of the tests' own: what is private to it, or what only SQLite has.
//!
//! What both back ends must do is shown on both by the test target `databases`.

mod decimals;
mod errors;
mod files;
mod schema;
mod transactions;

use bigdecimal::BigDecimal;
use tempfile::TempDir;

use super::{Database, Db, Decimal, Moment, StoreError};
use schema::DATABASE;

/// An open database nobody else uses.
struct Fresh {
    db: Db,
    database: &'static Database,
    url: String,
    /// Gone with it.
    _folder: TempDir,
}

impl Fresh {
    async fn open() -> Self {
        Self::open_as(DATABASE).await
    }

    async fn open_as(database: &'static Database) -> Self {
        let folder = TempDir::new().expect("a folder for temporary files");
        let url = folder.path().join(format!("{database}.db")).display().to_string();
        let db = Db::open(&url, database).await.expect("a new database opens");
        Fresh {
            db,
            database,
            url,
            _folder: folder,
        }
    }

    /// A second handle on the same database, with connections of its own, as another process would have.
    async fn again(&self) -> Result<Db, StoreError> {
        Db::open(&self.url, self.database).await
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal(text.parse::<BigDecimal>().expect("a decimal"))
}

/// A moment with microseconds, and others after it.
fn moment(offset: i64) -> Moment {
    Moment::from_micros(1_770_000_000_123_456 + offset)
}
