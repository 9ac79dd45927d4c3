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

use bigdecimal::BigDecimal;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tempfile::TempDir;

use super::{Database, Db, Decimal, Moment, StoreError};

/// Where a database can be made that nobody else uses.
struct Place {
    url: String,
    /// Gone with it.
    _folder: Option<TempDir>,
}

impl Place {
    async fn new(database: Database) -> Self {
        match std::env::var("HEDGEHOG_TEST_POSTGRES") {
            Ok(server) if database.has_postgres() => Self::postgres(&server).await,
            _ => Self::sqlite(database),
        }
    }

    fn sqlite(database: Database) -> Self {
        let folder = TempDir::new().expect("a folder for temporary files");
        let url = folder.path().join(format!("{database}.db")).display().to_string();
        Place {
            url,
            _folder: Some(folder),
        }
    }

    async fn postgres(server: &str) -> Self {
        let name = format!("hedgehog_{}", uuid::Uuid::now_v7().simple());
        let mut connection = AsyncPgConnection::establish(server)
            .await
            .expect("the named server answers");
        connection
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("the user may make databases");
        let mut url = url::Url::parse(server).expect("a URL");
        url.set_path(&name);
        Place {
            url: url.into(),
            _folder: None,
        }
    }
}

/// An open database nobody else uses.
struct Fresh {
    db: Db,
    database: Database,
    place: Place,
}

impl Fresh {
    async fn open(database: Database) -> Self {
        Self::at(Place::new(database).await, database).await
    }

    async fn sqlite(database: Database) -> Self {
        Self::at(Place::sqlite(database), database).await
    }

    async fn at(place: Place, database: Database) -> Self {
        let db = Db::open(&place.url, database).await.expect("a new database opens");
        Fresh { db, database, place }
    }

    /// A second handle on the same database, with connections of its own, as another process would have.
    async fn again(&self) -> Result<Db, StoreError> {
        Db::open(&self.place.url, self.database).await
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal(text.parse::<BigDecimal>().expect("a decimal"))
}

/// A moment with microseconds, and others after it.
fn moment(offset: i64) -> Moment {
    Moment::from_micros(1_770_000_000_123_456 + offset)
}
