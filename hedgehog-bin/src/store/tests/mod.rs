//! The store against real databases.
//!
//! On SQLite files of their own by default; with `HEDGEHOG_TEST_POSTGRES=postgres://USER@HOST/DATABASE` the tests that
//! call [`Fresh::open`] run on databases made there instead. Tests of what only SQLite has call [`Fresh::sqlite`].

mod batches;
mod columns;
mod decimals;
mod errors;
mod migrations;
mod transactions;

use std::path::PathBuf;

use bigdecimal::BigDecimal;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tempfile::TempDir;

use super::{Database, Db, Decimal, Moment, StoreError};

/// A database nobody else uses.
struct Fresh {
    url: String,
    database: Database,
    db: Db,
    /// Gone with it.
    _folder: Option<TempDir>,
}

impl Fresh {
    async fn open(database: Database) -> Self {
        match std::env::var("HEDGEHOG_TEST_POSTGRES") {
            Ok(server) => Self::postgres(&server, database).await,
            Err(_) => Self::sqlite(database).await,
        }
    }

    async fn sqlite(database: Database) -> Self {
        let folder = TempDir::new().expect("a folder for temporary files");
        let url = path(&folder, database).display().to_string();
        let db = Db::open(&url, database).await.expect("a new file opens");
        Fresh { url, database, db, _folder: Some(folder) }
    }

    async fn postgres(server: &str, database: Database) -> Self {
        let name = format!("hedgehog_{}", uuid::Uuid::now_v7().simple());
        let mut connection = AsyncPgConnection::establish(server).await.expect("the named server answers");
        connection.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the user may make databases");
        let mut url = url::Url::parse(server).expect("a URL");
        url.set_path(&name);
        let url = url.to_string();
        let db = Db::open(&url, database).await.expect("a new database opens");
        Fresh { url, database, db, _folder: None }
    }

    /// A second handle on the same database, with connections of its own, as another process would have.
    async fn again(&self) -> Result<Db, StoreError> {
        Db::open(&self.url, self.database).await
    }
}

fn path(folder: &TempDir, database: Database) -> PathBuf {
    folder.path().join(format!("{database}.db"))
}

fn decimal(text: &str) -> Decimal {
    Decimal(text.parse::<BigDecimal>().expect("a decimal"))
}

/// A moment with microseconds, and others after it.
fn moment(offset: i64) -> Moment {
    Moment::from_micros(1_770_000_000_123_456 + offset)
}
