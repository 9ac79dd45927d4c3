//! Where a database is, as a log line and an error may say it.

use std::fmt;

use url::Url;

/// Where a database is, fit to be shown: its password is gone.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// Of a URL as it was given.
    pub(super) fn of(url: &str) -> Self {
        if !url.contains("://") {
            let shown = if is_postgres(url) { "postgres:…" } else { url };
            return Location(shown.to_owned());
        }
        let Ok(mut parsed) = Url::parse(url) else {
            // What cannot be read cannot be cleaned either.
            let scheme = url.split("://").next().unwrap_or_default();
            return Location(format!("{scheme}://…"));
        };
        if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
            return Location(format!("{}://…", parsed.scheme()));
        }
        if parsed.query_pairs().any(|(key, _)| key == "password") {
            let others: Vec<_> = parsed
                .query_pairs()
                .into_owned()
                .filter(|(key, _)| key != "password")
                .collect();
            parsed
                .query_pairs_mut()
                .clear()
                .extend_pairs(others)
                .append_pair("password", "***");
        }
        Location(parsed.into())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Told by the scheme alone, whatever comes behind it.
pub(super) fn is_postgres(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    url.contains(':') && ["postgres", "postgresql"].contains(&scheme.to_lowercase().as_str())
}
