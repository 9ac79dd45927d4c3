//! Brings a database up to date when it is opened.
//!
//! Diesel takes no lock around migrations, so this does: any number of processes may open a database at once, one
//! migrates, the others wait and find nothing left to do. What is applied is compared with what is known first, and a
//! database that is ahead, or another app's, is left as it is.

use std::time::{Duration, Instant};

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::sqlite::Sqlite;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::connect::{BUSY_TIMEOUT, LOCK_TIMEOUT, Lite, Pg};
use super::database::Database;
use super::error::StoreError;
use super::location::Location;

/// A database, and the others that may stand at its address by mistake.
#[derive(Clone, Copy)]
pub(super) struct Among {
    pub(super) database: &'static Database,
    pub(super) others: &'static [&'static Database],
}

/// Connects, which creates the file, and migrates.
///
/// SQLite waits for most locks of another process by itself, but not while both turn a new file into one with a
/// write-ahead log: then the second is refused at once, and tries again here.
pub(super) async fn sqlite(pool: &Pool<Lite>, among: Among, location: &Location) -> Result<(), StoreError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match sqlite_at_once(pool, among, location).await {
            Err(StoreError::Busy { .. }) if Instant::now() < deadline => tokio::time::sleep(RETRY).await,
            migrated => return migrated,
        }
    }
}

async fn sqlite_at_once(pool: &Pool<Lite>, among: Among, location: &Location) -> Result<(), StoreError> {
    let mut connection = pool
        .get()
        .await
        .map_err(|source| StoreError::from_pool(location, source))?;
    let place = location.clone();
    let migrated = connection
        .spawn_blocking(move |connection| {
            let update = Update {
                known: among.database.sqlite,
                among,
                location: &place,
            };
            match update.pending(connection) {
                Ok(pending) if pending.is_empty() => return Ok(Ok(())),
                Ok(_) => {}
                Err(error) => return Ok(Err(error)),
            }
            // Looked at once more under the lock: another process may have been quicker.
            match connection.exclusive_transaction(|connection| update.run(connection).map_err(Aborted::Update)) {
                Ok(()) => Ok(Ok(())),
                Err(Aborted::Update(error)) => Ok(Err(error)),
                Err(Aborted::Lock(error)) => Err(error),
            }
        })
        .await;
    migrated.map_err(|source| StoreError::from_query(location, source))?
}

pub(super) async fn postgres(pool: &Pool<Pg>, among: Among, location: &Location) -> Result<(), StoreError> {
    let Some(known) = among.database.postgres else {
        return Err(StoreError::UnsupportedUrl { url: location.clone() });
    };
    let mut connection = pool
        .get()
        .await
        .map_err(|source| StoreError::from_pool(location, source))?;
    let query = |source| StoreError::from_query(location, source);
    // Of the whole session: one migration may not run in a transaction. Whoever migrates may take minutes, and is waited for.
    connection
        .batch_execute(&format!(
            "SET lock_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK}); {LOCK_TIMEOUT}"
        ))
        .await
        .map_err(query)?;
    let update = Update { known, among, location };
    let mut harness = AsyncMigrationHarness::new(connection);
    let migrated = update.run(&mut harness);
    let mut connection = harness.into_inner();
    connection
        .batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})"))
        .await
        .map_err(query)?;
    migrated
}

/// Between two tries to open a new file.
const RETRY: Duration = Duration::from_millis(20);

/// Any number, as long as every version of the program takes the same one.
const MIGRATION_LOCK: i64 = 7240;

struct Update<'a> {
    known: &'static EmbeddedMigrations,
    among: Among,
    location: &'a Location,
}

impl Update<'_> {
    fn run<DB: Backend>(&self, harness: &mut impl MigrationHarness<DB>) -> Result<(), StoreError> {
        for migration in self.pending(harness)? {
            harness
                .run_migration(&*migration)
                .map_err(|source| self.failed(source))?;
            tracing::debug!(database = %self.location, migration = %migration.name(), "migrated");
        }
        Ok(())
    }

    /// What is left to apply, oldest first. An error when the database is not ours to touch.
    fn pending<DB: Backend>(
        &self,
        harness: &mut impl MigrationHarness<DB>,
    ) -> Result<Vec<Box<dyn Migration<DB>>>, StoreError> {
        let applied = harness.applied_migrations().map_err(|source| self.failed(source))?;
        let mut known = MigrationSource::<DB>::migrations(self.known).map_err(|source| self.failed(source))?;
        known.sort_by(|left, right| left.name().version().cmp(&right.name().version()));
        let is_known = |version: &&MigrationVersion<'_>| known.iter().any(|one| one.name().version() == **version);
        if let Some(unknown) = applied.iter().filter(|version| !is_known(version)).max() {
            let newest_known = known
                .last()
                .map_or_else(String::new, |newest| newest.name().version().to_string());
            return Err(self.refusal(unknown, newest_known));
        }
        known.retain(|migration| !applied.contains(&migration.name().version()));
        Ok(known)
    }

    fn refusal(&self, found: &MigrationVersion<'_>, newest_known: String) -> StoreError {
        let location = self.location.clone();
        match self.among.others.iter().find(|other| owns(other, found)) {
            Some(owner) => StoreError::OtherApp {
                location,
                expected: self.among.database,
                found: owner,
            },
            None => StoreError::NewerSchema {
                location,
                found: found.to_string(),
                newest_known,
            },
        }
    }

    fn failed(&self, cause: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
        match cause.downcast::<diesel::result::Error>() {
            Ok(cause) => match StoreError::from_query(self.location, *cause) {
                StoreError::Query { location, cause } => StoreError::Migration {
                    location,
                    cause: cause.into(),
                },
                other => other,
            },
            Err(cause) => StoreError::Migration {
                location: self.location.clone(),
                cause,
            },
        }
    }
}

/// Whether a version is one of a database's migrations.
fn owns(database: &Database, version: &MigrationVersion<'_>) -> bool {
    let migrations = MigrationSource::<Sqlite>::migrations(database.sqlite).unwrap_or_default();
    migrations
        .iter()
        .any(|migration| migration.name().version() == *version)
}

/// Why a migration's transaction ended early.
enum Aborted {
    Lock(diesel::result::Error),
    Update(StoreError),
}

impl From<diesel::result::Error> for Aborted {
    fn from(source: diesel::result::Error) -> Self {
        Aborted::Lock(source)
    }
}
