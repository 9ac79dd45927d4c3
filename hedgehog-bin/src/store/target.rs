//! What a URL asks for: one of the two back ends.

use std::path::Path;

use super::error::StoreError;
use super::location::{Location, is_postgres};

/// The two kinds of database, told apart by the URL.
pub(super) enum Target {
    Postgres { url: String },
    Sqlite { path: String },
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<(Self, Location), StoreError> {
        let location = Location::of(url);
        let target = match url.split_once("://") {
            // `postgres:user@host` with its slashes forgotten is no file name, and may hold a password.
            None if is_postgres(url) => return Err(StoreError::UnsupportedUrl { url: location }),
            Some(("postgres" | "postgresql", _)) => Target::Postgres { url: url.to_owned() },
            Some(("sqlite", path)) if !path.is_empty() => Target::Sqlite { path: path.to_owned() },
            None if !url.trim().is_empty() => Target::Sqlite {
                path: url.strip_prefix("sqlite:").unwrap_or(url).to_owned(),
            },
            _ => return Err(StoreError::UnsupportedUrl { url: location }),
        };
        Ok((target, location))
    }
}

impl Location {
    /// A database's address as it stands in a file of `folder`: a relative path begins there.
    pub fn relative_to(url: &str, folder: &Path) -> String {
        let Ok((Target::Sqlite { path }, _)) = Target::parse(url) else {
            return url.to_owned();
        };
        if Path::new(&path).is_relative() && is_path(&path) {
            folder.join(path).display().to_string()
        } else {
            url.to_owned()
        }
    }
}

/// Whether a name is that of a file. Not so one that SQLite reads in its own way: `:memory:`, `file:x.db?mode=ro`.
pub(super) fn is_path(name: &str) -> bool {
    !name.starts_with([':', '?']) && !name.starts_with("file:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_its_slashes_is_refused_and_its_password_not_repeated() {
        for url in ["postgres:me:hunter2@host/db", "PostgreSQL:/me:hunter2@host/db"] {
            let refused = Target::parse(url).err().expect("it is no file").to_string();
            assert!(
                !refused.contains("hunter2") && refused.contains("postgres://USER@HOST"),
                "{refused}"
            );
        }
        assert!(Target::parse("data/postgres.db").is_ok(), "a file may be called so");
    }
}
