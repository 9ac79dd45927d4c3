//! The signals that end an application: SIGINT and SIGTERM.
//!
//! The first one is waited for and ends the application in good order; the next one ends the process at once.

use std::{future::Future, io};

/// A signal that ends an application.
#[derive(Clone, Copy)]
pub(super) struct Signal {
    pub(super) name: &'static str,
    number: i32,
}

const INTERRUPT: Signal = Signal {
    name: "SIGINT",
    number: 2,
};

#[cfg(unix)]
/// Both signals, from the moment of [`Signals::listen`] on.
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => Signal { name: "SIGTERM", number: 15 },
        }
    }
}

#[cfg(not(unix))]
/// Both signals, from the moment of [`Signals::listen`] on.
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the signature of the other platforms")]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Signal {
        // An error means that the handler cannot be installed: then there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}

impl Signals {
    /// Waits for `stopping`. A signal meanwhile means that the user is out of patience.
    pub(super) async fn unless_again<T>(&mut self, stopping: impl Future<Output = T>) -> T {
        tokio::select! {
            stopped = stopping => stopped,
            again = self.next() => {
                tracing::warn!("{} received, ending at once", again.name);
                std::process::exit(128 + again.number)
            }
        }
    }
}
