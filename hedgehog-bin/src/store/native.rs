//! Writing in a back end's own way, where its speed is needed: everything else goes through [`Transaction`].

use diesel::QueryResult;
use diesel::sqlite::SqliteConnection;
use diesel_async::pooled_connection::deadpool::Object;

use super::connect::Lite;
use super::error::StoreError;
use super::location::Location;
use super::transaction::Transaction;

/// A turn to write, by back end.
#[expect(
    clippy::large_enum_variant,
    reason = "one per running call: a box would cost more than the bytes"
)]
pub enum Native {
    /// A transaction that has begun, for [`Transaction::run_on_postgres`].
    Postgres(Transaction),
    /// The connection that writes.
    Sqlite(Blocking),
}

/// SQLite's writing connection, to be used on a blocking thread.
pub struct Blocking {
    connection: Object<Lite>,
    location: Location,
}

impl Blocking {
    pub(super) fn new(connection: Object<Lite>, location: &Location) -> Self {
        Self {
            connection,
            location: location.clone(),
        }
    }

    /// Does all of it in one transaction and in one trip to the blocking thread: one per statement would cost more than the rows.
    ///
    /// `act` goes on to its end when nobody waits any more.
    pub async fn transaction<T: Send + 'static>(
        mut self,
        act: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self
            .connection
            .spawn_blocking(move |connection| connection.immediate_transaction(act))
            .await;
        done.map_err(|source| StoreError::from_query(&self.location, source))
    }
}
