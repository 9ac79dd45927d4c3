//! Why a connection is not there, or not any more.

use std::error::Error;
use std::time::Duration;

/// Why a socket is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// There is no connection.
    #[error("no connection to {address}: {source}")]
    Connect {
        /// Without parameters.
        address: String,
        /// What the network, TLS or the handshake said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no connection, because the exchange knows no such path.
    #[error("no connection to {address}: {source}")]
    NotFound {
        /// Without parameters.
        address: String,
        /// What the handshake said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no connection yet, and it took too long.
    #[error("no connection to {address} within {}s", within.as_secs())]
    ConnectTimeout {
        /// Without parameters.
        address: String,
        /// How long it may take.
        within: Duration,
    },
    /// The other end said goodbye.
    #[error("closed by the exchange{}", .0.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    Closed(Option<String>),
    /// It broke.
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// Nothing came for so long, not even a ping.
    #[error("no frame for {}s", .0.as_secs())]
    Silent(Duration),
    /// A request was not answered, or could not even be sent.
    #[error("no answer to a request within 10s")]
    Unanswered,
}
