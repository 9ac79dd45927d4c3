//! Whose a database is. Every database has this table, made by the migrations of whoever owns the others.

#![expect(
    missing_docs,
    reason = "`table!` documents the modules it writes no better than the column names do"
)]
#![allow(clippy::wildcard_imports, reason = "`table!` uses diesel's types by name")]

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::Moment;

    /// One row: the venue for good, and the program that writes while it runs.
    ownership (id) {
        id -> BigInt,
        /// Whose trade and order ids the database holds.
        venue -> Text,
        /// Drawn by the program that writes; null while none does.
        token -> Nullable<Text>,
        host -> Text,
        /// Of the machine's present run.
        boot -> Text,
        /// In which a process id means something.
        namespace -> Text,
        pid -> BigInt,
        /// When the process started, in the kernel's own unit.
        started -> BigInt,
        heartbeat_at -> Moment,
    }
}
