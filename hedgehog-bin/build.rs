//! Rebuilds the crate when a migration changes: `embed_migrations!` reads the folder without telling cargo.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-changed=src/store/tests/migrations");
}
