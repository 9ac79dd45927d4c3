//! The two sets of migrations belong together.

use diesel::migration::MigrationSource;
use diesel::sqlite::Sqlite;

use crate::store::Database;

#[test]
fn both_back_ends_have_the_same_versions_and_no_two_apps_share_one() {
    let mut all = Vec::new();
    for database in Database::ALL {
        let sqlite = MigrationSource::<Sqlite>::migrations(database.sqlite()).expect("embedded");
        let sqlite: Vec<String> = sqlite.iter().map(|migration| migration.name().to_string()).collect();
        if let Some(postgres) = database.postgres() {
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
