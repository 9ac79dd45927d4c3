//! Why a request to the exchange failed.

use crate::market::{FilterViolation, Symbol};
use std::sync::Arc;
use std::time::Duration;

/// Why the exchange did not do what was asked. Never carries a key or a signature.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The exchange answered with one of its error codes (errors.md).
    #[error("the exchange answered {code}: {message}")]
    Api {
        /// Negative and stable, such as −2010.
        code: i32,
        /// The exchange's text; varies.
        message: String,
    },
    /// The order breaks a filter; it was not sent.
    #[error("filter failure: {0}")]
    Filter(#[from] FilterViolation),
    /// Too many requests (HTTP 429 or 418): ask nothing before the time is over.
    #[error("rate limit reached, retry after {}s", retry_after.as_secs())]
    RateLimited {
        /// The exchange's `Retry-After`, or a cautious guess.
        retry_after: Duration,
    },
    /// No connection, or it broke, or the answer did not come in time.
    #[error("{doing}: {source}")]
    Transport {
        /// What was being done, and to which address.
        doing: String,
        /// What the network said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// HTTP 5xx: the outcome is unknown.
    #[error("the exchange answered HTTP {status}")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// An answer that the documentation does not allow.
    #[error("unreadable answer to {doing}: {detail}")]
    Protocol {
        /// What was being done.
        doing: String,
        /// What was wrong with the answer, shortened.
        detail: String,
    },
    /// The exchange lists no such symbol.
    #[error("the exchange does not list {0}")]
    UnknownSymbol(Symbol),
}

impl ExchangeError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Transport { .. } | Self::Server { .. } => true,
            Self::Api { code, .. } => matches!(code, -1000 | -1001 | -1003 | -1006 | -1007 | -1008 | -1015 | -1021),
            Self::Filter(_) | Self::Protocol { .. } | Self::UnknownSymbol(_) => false,
        }
    }
}
