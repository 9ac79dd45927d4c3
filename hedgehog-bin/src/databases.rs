//! The databases of the program. Each app declares its own; here they are known beside each other, so that one which stands where
//! another belongs is told by its name.

pub use crate::exchange::simulator::schema::DATABASE as SIMULATOR;
pub use crate::naive::schema::DATABASE as NAIVE;
pub use crate::streamer::schema::DATABASE as STREAMER;
pub use crate::warehouse::schema::DATABASE as DATA_WAREHOUSE;

use crate::store::{Database, Db, StoreError};

/// All of them.
pub const ALL: &[&Database] = &[STREAMER, NAIVE, DATA_WAREHOUSE, SIMULATOR];

/// Opens one of them, and refuses another by its name.
pub async fn open(url: &str, database: &'static Database) -> Result<Db, StoreError> {
    Db::open_among(url, database, ALL).await
}

#[cfg(test)]
mod tests {
    use diesel::migration::MigrationSource;
    use diesel::sqlite::Sqlite;

    use super::*;

    #[test]
    fn both_back_ends_have_the_same_versions_and_no_two_apps_share_one() {
        let mut all = Vec::new();
        for database in ALL {
            let sqlite = MigrationSource::<Sqlite>::migrations(database.sqlite).expect("embedded");
            let sqlite: Vec<String> = sqlite.iter().map(|migration| migration.name().to_string()).collect();
            if let Some(postgres) = database.postgres {
                let postgres = MigrationSource::<diesel::pg::Pg>::migrations(postgres).expect("embedded");
                let postgres: Vec<String> = postgres.iter().map(|migration| migration.name().to_string()).collect();
                assert_eq!(sqlite, postgres, "{database}");
            }
            all.extend(
                sqlite
                    .into_iter()
                    .map(|name| name.split('_').next().unwrap_or_default().to_owned()),
            );
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
