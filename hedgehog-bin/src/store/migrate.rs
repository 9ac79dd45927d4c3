//! Brings a database up to date when it is opened.
//!
//! Diesel takes no lock around migrations, so this does: any number of processes may open a database at once, one
//! migrates, the others wait and find nothing left to do. What is applied is compared with what is known first, and a
//! database that is ahead, or another app's, is left as it is.

use std::fmt;
use std::time::{Duration, Instant};

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::sqlite::Sqlite;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connect::{BUSY_TIMEOUT, LOCK_TIMEOUT, Lite, Location, Pg};
use super::error::StoreError;

/// Whose database it is: each has its own tables and migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Database {
    /// What is streamed: settings, positions, gaps.
    Streamer,
    /// What is traded: settings and the order ledger.
    Naive,
    /// What is stored: trade events, orders, subscriber settings.
    DataWarehouse,
    /// The simulated exchange's memory. On SQLite only.
    Simulator,
}

static STREAMER_SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/streamer/sqlite");
static STREAMER_POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/streamer/postgres");
static NAIVE_SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/naive/sqlite");
static NAIVE_POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/naive/postgres");
static DATA_WAREHOUSE_SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/data_warehouse/sqlite");
static DATA_WAREHOUSE_POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/data_warehouse/postgres");
static SIMULATOR_SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/simulator/sqlite");

impl Database {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Streamer, Self::Naive, Self::DataWarehouse, Self::Simulator];

    /// Its name, which is also its file's: `streamer.db`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Streamer => "streamer",
            Self::Naive => "naive",
            Self::DataWarehouse => "data_warehouse",
            Self::Simulator => "simulator",
        }
    }

    pub(super) const fn has_postgres(self) -> bool {
        self.postgres().is_some()
    }

    pub(super) const fn sqlite(self) -> &'static EmbeddedMigrations {
        match self {
            Self::Streamer => &STREAMER_SQLITE,
            Self::Naive => &NAIVE_SQLITE,
            Self::DataWarehouse => &DATA_WAREHOUSE_SQLITE,
            Self::Simulator => &SIMULATOR_SQLITE,
        }
    }

    pub(super) const fn postgres(self) -> Option<&'static EmbeddedMigrations> {
        match self {
            Self::Streamer => Some(&STREAMER_POSTGRES),
            Self::Naive => Some(&NAIVE_POSTGRES),
            Self::DataWarehouse => Some(&DATA_WAREHOUSE_POSTGRES),
            Self::Simulator => None,
        }
    }

    /// Whether a version is one of its migrations. Versions are unique over all apps.
    fn owns(self, version: &MigrationVersion<'_>) -> bool {
        let migrations = MigrationSource::<Sqlite>::migrations(self.sqlite()).unwrap_or_default();
        migrations
            .iter()
            .any(|migration| migration.name().version() == *version)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Connects, which creates the file, and migrates.
///
/// SQLite waits for most locks of another process by itself, but not while both turn a new file into one with a
/// write-ahead log: then the second is refused at once, and tries again here.
pub(super) async fn sqlite(pool: &Pool<Lite>, database: Database, location: &Location) -> Result<(), StoreError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match sqlite_at_once(pool, database, location).await {
            Err(StoreError::Busy { .. }) if Instant::now() < deadline => tokio::time::sleep(RETRY).await,
            migrated => return migrated,
        }
    }
}

async fn sqlite_at_once(pool: &Pool<Lite>, database: Database, location: &Location) -> Result<(), StoreError> {
    let mut connection = pool
        .get()
        .await
        .map_err(|source| StoreError::from_pool(location, source))?;
    let place = location.clone();
    let migrated = connection
        .spawn_blocking(move |connection| {
            let update = Update {
                known: database.sqlite(),
                database,
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

pub(super) async fn postgres(pool: &Pool<Pg>, database: Database, location: &Location) -> Result<(), StoreError> {
    let Some(known) = database.postgres() else {
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
    let update = Update {
        known,
        database,
        location,
    };
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
    database: Database,
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
        match Database::ALL.into_iter().find(|database| database.owns(found)) {
            Some(owner) => StoreError::OtherApp {
                location,
                expected: self.database,
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
