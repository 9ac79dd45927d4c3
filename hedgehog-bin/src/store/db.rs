//! One handle for both back ends.
//!
//! Its methods are not called `load`, `execute` or `first`: diesel-async implements those on every type there is, and its
//! versions would win. What a method takes is said in [`query`](super::query).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::dsl::sql;
use diesel::result::Error as QueryError;
use diesel_async::pooled_connection::deadpool::Pool;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::connect::{self, Lite, Pg};
use super::database::Database;
use super::error::StoreError;
use super::location::Location;
use super::migrate::{self, Among};
use super::native::{Blocking, Native};
use super::query::{Rows, Statement};
use super::seal::{Broken, Seal};
use super::target::Target;
use super::transaction::{Connection, Transaction};
use super::types::Moment;
use super::types::sql::Moment as Timestamp;

/// A database of one app. Cheap to clone; all clones share their connections.
///
/// # Cancel safety
///
/// Dropping a call's future leaves the database consistent: a single statement is done or not done, a
/// [`Transaction`] that was not committed is rolled back. On SQLite the drop waits for the running statement, which needs
/// tokio's multi-threaded runtime.
#[derive(Clone)]
pub struct Db {
    pools: Arc<Pools>,
    location: Location,
    /// Asked before each write.
    seal: Arc<Seal>,
}

enum Pools {
    Pg(Pool<Pg>),
    Lite { writer: Pool<Lite>, readers: Pool<Lite> },
}

impl Db {
    /// Opens a database, makes it where it is an SQLite file that does not exist, and brings its schema up to date.
    ///
    /// `url` is the path of an SQLite file (also as `sqlite://PATH`) or `postgres://USER:PASSWORD@HOST/DATABASE`. Safe to
    /// call from several processes at once. Needs tokio's multi-threaded runtime.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerSchema`] leaves the database as it was.
    pub async fn open(url: &str, database: &'static Database) -> Result<Self, StoreError> {
        Self::open_among(url, database, &[]).await
    }

    /// As [`open`](Self::open), where one of these may stand at the address by mistake.
    ///
    /// # Errors
    ///
    /// [`StoreError::OtherApp`] too, which names the one that was found; without it that one would pass for a newer schema.
    pub async fn open_among(
        url: &str,
        database: &'static Database,
        others: &'static [&'static Database],
    ) -> Result<Self, StoreError> {
        let among = Among { database, others };
        let (target, location) = Target::parse(url)?;
        let mut file = None;
        let pools = match target {
            Target::Postgres { url } if database.postgres.is_some() => {
                let pool = connect::postgres_pool(&url);
                migrate::postgres(&pool, among, &location).await?;
                Pools::Pg(pool)
            }
            Target::Postgres { .. } => return Err(StoreError::UnsupportedUrl { url: location }),
            Target::Sqlite { path } => {
                // The log and the index beside it get the rights of the file.
                connect::make_private(Path::new(&path));
                let writer = connect::sqlite_writer(&path, database.durability);
                migrate::sqlite(&writer, among, &location).await?;
                let readers = connect::sqlite_readers(&path);
                file = Some(path);
                Pools::Lite { writer, readers }
            }
        };
        Ok(Db {
            pools: Arc::new(pools),
            location,
            seal: Arc::new(Seal::new(file.as_deref().map(Path::new))),
        })
    }

    /// Where the database is, without a password.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// All rows a `SELECT` yields.
    ///
    /// A statement that writes and returns rows goes through [`run_returning`](Self::run_returning): on SQLite this one
    /// reads beside the writer and may not write.
    pub fn fetch<'a, 'q: 'a, U: Send + 'q>(
        &'a self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<Vec<U>, StoreError>> {
        async move { self.told(self.reader().await?.fetch(query).await) }.boxed()
    }

    /// The first row a `SELECT` yields, if any. All are fetched: put a `limit(1)` where there may be many.
    pub fn fetch_optional<'a, 'q: 'a, U: Send + 'q>(
        &'a self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<Option<U>, StoreError>> {
        async move { Ok(self.fetch(query).await?.into_iter().next()) }.boxed()
    }

    /// The one row a `SELECT` yields (`count_star()`, a row by its key).
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`] with diesel's `NotFound` when there is none.
    pub fn fetch_one<'a, 'q: 'a, U: Send + 'q>(
        &'a self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<U, StoreError>> {
        async move {
            let row = self.fetch_optional(query).await?;
            row.ok_or_else(|| StoreError::from_query(&self.location, QueryError::NotFound))
        }
        .boxed()
    }

    /// Runs one statement by itself; how many rows it changed.
    pub fn run<'a>(&'a self, statement: impl Statement + 'a) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move { self.told(self.writer().await?.run(statement).await) }.boxed()
    }

    /// Runs one statement by itself that writes and returns rows (`.returning(..)`).
    pub fn run_returning<'a, 'q: 'a, U: Send + 'q>(
        &'a self,
        statement: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<Vec<U>, StoreError>> {
        async move { self.told(self.writer().await?.fetch(statement).await) }.boxed()
    }

    /// Begins a unit of writing: all of it happens at [`commit`](Transaction::commit), or none.
    ///
    /// On SQLite it takes its turn to write at once, and holds it: keep it short, and never call `run` or `begin` on the
    /// `Db` while one is open.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Transaction::begin(self.writer().await?, &self.location).await
    }

    /// The same turn to write, for who writes to each back end in its own way.
    pub async fn begin_native(&self) -> Result<Native, StoreError> {
        Ok(match self.writer().await? {
            connection @ Connection::Pg(_) => Native::Postgres(Transaction::begin(connection, &self.location).await?),
            Connection::Lite(connection) => Native::Sqlite(Blocking::new(connection, &self.location)),
        })
    }

    /// Now, by the clock that everybody who uses the database shares.
    pub(super) async fn now(&self) -> Result<Moment, StoreError> {
        match &*self.pools {
            Pools::Pg(_) => {
                self.fetch_one(diesel::select(sql::<Timestamp>("timezone('utc', now())")))
                    .await
            }
            Pools::Lite { .. } => Ok(Moment::now()),
        }
    }

    /// From now on every write is refused.
    pub(super) fn seal(&self, why: Broken) {
        self.seal.break_it(why);
    }

    /// Returns when nothing may be written any more, and why.
    pub(super) async fn sealed(&self) -> StoreError {
        self.seal.wait().await.error(&self.location)
    }

    pub(super) fn look_at_the_file(&self) {
        // Whoever waits in `sealed` hears of it.
        let _ = self.seal.broken();
    }

    async fn writer(&self) -> Result<Connection, StoreError> {
        if let Some(broken) = self.seal.broken() {
            return Err(broken.error(&self.location));
        }
        match &*self.pools {
            Pools::Pg(pool) => pool.get().await.map(Connection::Pg),
            Pools::Lite { writer, .. } => writer.get().await.map(Connection::Lite),
        }
        .map_err(|source| StoreError::from_pool(&self.location, source))
    }

    async fn reader(&self) -> Result<Connection, StoreError> {
        match &*self.pools {
            Pools::Pg(pool) => pool.get().await.map(Connection::Pg),
            Pools::Lite { readers, .. } => readers.get().await.map(Connection::Lite),
        }
        .map_err(|source| StoreError::from_pool(&self.location, source))
    }

    fn told<T>(&self, result: QueryResult<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::from_query(&self.location, source))
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.location).finish()
    }
}
