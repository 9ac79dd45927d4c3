//! A database, as it is told to the store by whoever owns its tables.

use std::fmt;

use diesel_migrations::EmbeddedMigrations;

/// One kind of database: its name, what brings its schema up to date, and what it owes its owner. A constant of its owner.
pub struct Database {
    /// Its name, which is also its file's: `streamer.db`. No other database has it.
    pub name: &'static str,
    /// Its migrations on SQLite. Their versions are unique over all databases: by them one is told from another.
    pub sqlite: &'static EmbeddedMigrations,
    /// The same on PostgreSQL; `None` where it is kept on SQLite only.
    pub postgres: Option<&'static EmbeddedMigrations>,
    /// What outlives a power cut on SQLite; PostgreSQL's settings are its administrator's.
    pub durability: Durability,
}

/// What a commit promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It outlives the program. A power cut may take the newest commits, and nothing but those.
    Crash,
    /// It outlives a power cut: each commit waits for the disk.
    PowerCut,
}

impl PartialEq for Database {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Database {}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.name).finish()
    }
}
