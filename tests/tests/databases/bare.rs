//! A connection that goes past the program, as an administrator's tool would: it runs the files in `migrations/` one by
//! one and looks at the schema they leave.

use std::path::Path;

use bigdecimal::BigDecimal;
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use hedgehog_bin::store::Database;

use crate::engine::Engine;

/// A connection to one database, and the files of that database's migrations.
pub(crate) struct Bare {
    connection: Connection,
    migrations: FileBasedMigrations,
}

#[expect(clippy::large_enum_variant, reason = "one at a time")]
enum Connection {
    Sqlite(SqliteConnection),
    Postgres(AsyncConnectionWrapper<AsyncPgConnection>),
}

/// Runs the same on either connection.
macro_rules! on {
    ($bare:expr, $connection:ident => $run:expr) => {
        match &mut $bare.connection {
            Connection::Sqlite($connection) => $run,
            Connection::Postgres($connection) => $run,
        }
    };
}

impl Bare {
    pub(crate) fn connect(engine: &Engine, url: &str, database: &Database) -> Self {
        let connection = match engine {
            Engine::Sqlite(_) => {
                let mut connection = SqliteConnection::establish(url).expect("the file opens");
                // What the program and sqlite3's own shell bring along; the schema needs it.
                let numeric = |right: &str, left: &str| left.parse::<BigDecimal>().ok().cmp(&right.parse().ok());
                connection.register_collation("decimal", numeric).expect("a free name");
                Connection::Sqlite(connection)
            }
            Engine::Postgres(_) => {
                Connection::Postgres(AsyncConnectionWrapper::establish(url).expect("the server answers"))
            }
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let folder = folder.join(database.name).join(engine.dialect());
        Self {
            connection,
            migrations: FileBasedMigrations::from_path(folder).expect("the migrations are there"),
        }
    }

    /// Applies the oldest migration that is not applied; `false` when all are.
    pub(crate) fn up(&mut self) -> bool {
        let migrations = self.migrations.clone();
        on!(self, connection => {
            let pending = connection.has_pending_migration(migrations.clone()).expect("can be compared");
            if pending {
                connection.run_next_migration(migrations).expect("goes up");
            }
            pending
        })
    }

    /// The version of the newest one that is applied.
    pub(crate) fn newest(&mut self) -> Option<String> {
        let applied = on!(self, connection => connection.applied_migrations().expect("can be read"));
        applied.into_iter().max().map(|version| version.to_string())
    }

    /// Runs statements as they stand.
    pub(crate) fn run(&mut self, statements: &str) {
        on!(self, connection => connection.batch_execute(statements).expect("run"));
    }

    /// Takes the newest one back.
    pub(crate) fn down(&mut self) {
        let migrations = self.migrations.clone();
        on!(self, connection => { connection.revert_last_migration(migrations).expect("goes down"); });
    }

    /// Everything in the schema that a migration can make, as text; diesel's own table left out.
    pub(crate) fn schema(&mut self) -> Vec<String> {
        let question = match &self.connection {
            Connection::Sqlite(_) => SQLITE_SCHEMA,
            Connection::Postgres(_) => POSTGRES_SCHEMA,
        };
        let lines: Vec<Line> = on!(self, connection => sql_query(question).load(connection)).expect("a schema");
        lines.into_iter().map(|line| line.line).collect()
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Renaming a table puts quotes around its name.
const SQLITE_SCHEMA: &str = "SELECT replace(sql, '\"', '') AS line FROM sqlite_schema \
                             WHERE sql IS NOT NULL AND name NOT LIKE '%diesel%' ORDER BY line";

const POSTGRES_SCHEMA: &str = "
    SELECT concat_ws(' ', 'column', table_name, column_name, udt_name, is_nullable, column_default) AS line
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '%diesel%'
    UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE '%diesel%'
    UNION ALL SELECT concat_ws(' ', 'index', indexdef)
        FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '%diesel%'
    UNION ALL SELECT concat_ws(' ', 'type', typname, array_agg(enumlabel ORDER BY enumsortorder))
        FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid GROUP BY typname
    UNION ALL SELECT concat_ws(' ', 'function', oid::regprocedure)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY line";
