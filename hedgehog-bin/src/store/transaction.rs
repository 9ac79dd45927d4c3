//! A held connection, and the unit of writing that holds one.

use diesel::QueryResult;
use diesel::connection::AnsiTransactionManager;
use diesel::result::Error as QueryError;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncConnection, RunQueryDsl, TransactionManager};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::connect::{Lite, Pg};
use super::error::StoreError;
use super::location::Location;
use super::query::{Rows, Statement};

/// Several statements that take effect together at [`commit`](Self::commit), or not at all.
///
/// Dropped before that, it is rolled back at once: its connection is closed, not returned to the pool, where the open
/// transaction would keep its locks until somebody asks for a connection again.
#[must_use = "a transaction that is not committed is rolled back"]
pub struct Transaction {
    /// `None` only after the end.
    connection: Option<Connection>,
    location: Location,
}

impl Transaction {
    pub(super) async fn begin(mut connection: Connection, location: &Location) -> Result<Self, StoreError> {
        connection
            .begin()
            .await
            .map_err(|source| StoreError::from_query(location, source))?;
        Ok(Transaction {
            connection: Some(connection),
            location: location.clone(),
        })
    }

    /// All rows a query yields, the writes of this transaction included.
    pub fn fetch<'a, 'q: 'a, U: Send + 'q>(
        &'a mut self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<Vec<U>, StoreError>> {
        async move {
            let rows = self.connection().fetch(query).await;
            rows.map_err(|source| StoreError::from_query(&self.location, source))
        }
        .boxed()
    }

    /// The first row a query yields, if any.
    pub fn fetch_optional<'a, 'q: 'a, U: Send + 'q>(
        &'a mut self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<Option<U>, StoreError>> {
        async move { Ok(self.fetch(query).await?.into_iter().next()) }.boxed()
    }

    /// The one row a query yields.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`] with diesel's `NotFound` when there is none.
    pub fn fetch_one<'a, 'q: 'a, U: Send + 'q>(
        &'a mut self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, Result<U, StoreError>> {
        async move {
            let row = self.fetch_optional(query).await?;
            row.ok_or_else(|| StoreError::from_query(&self.location, QueryError::NotFound))
        }
        .boxed()
    }

    /// Runs one statement; how many rows it changed.
    pub fn run<'a>(&'a mut self, statement: impl Statement + 'a) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move {
            let changed = self.connection().run(statement).await;
            changed.map_err(|source| StoreError::from_query(&self.location, source))
        }
        .boxed()
    }

    /// Runs a statement that only PostgreSQL understands, on a transaction there; elsewhere it is not a statement.
    pub async fn run_on_postgres<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: diesel_async::methods::ExecuteDsl<Pg> + Send,
    {
        let changed = match self.connection() {
            Connection::Pg(connection) => RunQueryDsl::execute(statement, &mut **connection).await,
            Connection::Lite(_) => Err(QueryError::NotFound),
        };
        changed.map_err(|source| StoreError::from_query(&self.location, source))
    }

    /// Makes all of it last.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.connection()
            .commit()
            .await
            .map_err(|source| StoreError::from_query(&self.location, source))?;
        // Back to the pool. A failed commit ends as a drop does.
        drop(self.connection.take());
        Ok(())
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("only `commit` and `drop` take it, and both end the transaction")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        match self.connection.take() {
            Some(Connection::Pg(connection)) => drop(Object::take(connection)),
            Some(Connection::Lite(connection)) => drop(Object::take(connection)),
            None => {}
        }
    }
}

/// A connection out of either pool.
#[expect(
    clippy::large_enum_variant,
    reason = "one per running call: a box would cost more than the bytes"
)]
pub(super) enum Connection {
    Pg(Object<Pg>),
    Lite(Object<Lite>),
}

impl Connection {
    // Boxed: as an `async fn`, a query that borrows (`symbol.eq(symbol)`) could not be spawned.
    pub(super) fn fetch<'a, 'q: 'a, U: Send + 'q>(
        &'a mut self,
        query: impl Rows<'q, U>,
    ) -> BoxFuture<'a, QueryResult<Vec<U>>> {
        match self {
            Self::Pg(connection) => RunQueryDsl::load(query, &mut **connection).boxed(),
            Self::Lite(connection) => RunQueryDsl::load(query, &mut **connection).boxed(),
        }
    }

    pub(super) fn run<'a>(&'a mut self, statement: impl Statement + 'a) -> BoxFuture<'a, QueryResult<usize>> {
        match self {
            Self::Pg(connection) => RunQueryDsl::execute(statement, &mut **connection).boxed(),
            Self::Lite(connection) => RunQueryDsl::execute(statement, &mut **connection).boxed(),
        }
    }

    async fn begin(&mut self) -> QueryResult<()> {
        match self {
            Self::Pg(connection) => {
                <Pg as AsyncConnection>::TransactionManager::begin_transaction(&mut **connection).await
            }
            // IMMEDIATE: one that begins with reading could not wait for its turn to write, and would fail instead.
            Self::Lite(connection) => {
                let begin =
                    |connection: &mut _| AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE");
                connection.spawn_blocking(begin).await
            }
        }
    }

    async fn commit(&mut self) -> QueryResult<()> {
        match self {
            Self::Pg(connection) => {
                <Pg as AsyncConnection>::TransactionManager::commit_transaction(&mut **connection).await
            }
            Self::Lite(connection) => {
                <Lite as AsyncConnection>::TransactionManager::commit_transaction(&mut **connection).await
            }
        }
    }
}
