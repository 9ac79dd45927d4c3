//! The tree's child `Control`: accepts connections and carries out one operation each.

use super::Response;
use super::listener::Listener;
use super::protocol::Request;
use super::version::{Spoken, VERSION, named};
use crate::app::{Frontend, System};
use crate::failure::{Failure, FailureKind};
use hedgehog_core::{ActorProcessingErr, ChildSpec, Restart, Task, TaskMsg};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// A request is a short line; whoever sends none, or more, is not ours.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);
const REQUEST_MAX: u64 = 1 << 20;
/// After a failed `accept`.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The control socket, for [`System::open`].
pub const FRONTEND: Frontend = Frontend {
    name: "the control socket in the data folder",
    bind: |lock| {
        let listener = Arc::new(Listener::bind(lock)?);
        Ok(Box::new(move |system| spec(Arc::clone(&listener), system)))
    },
};

/// The server as a child. The listener is kept outside, so that a killed server comes back at the same address.
fn spec(listener: Arc<Listener>, system: System) -> ChildSpec<TaskMsg> {
    Task::spec("Control", move || serve(Arc::clone(&listener), system.clone())).restart(Restart::Permanent)
}

async fn serve(listener: Arc<Listener>, system: System) -> Result<(), ActorProcessingErr> {
    let listener = listener.incarnation()?;
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                // Mostly no file handles left: ending here would spend the root's restarts within a moment.
                tracing::warn!("a control connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let system = system.clone();
        // Not a child of ours: the request may be to kill us, and its caller waits for the answer. It ends by itself.
        tokio::spawn(async move {
            if let Err(error) = converse(socket, &system).await {
                tracing::debug!("a control connection broke: {error}");
            }
        });
    }
}

async fn converse(mut socket: UnixStream, system: &System) -> io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new((&mut socket).take(REQUEST_MAX));
    tokio::time::timeout(REQUEST_DEADLINE, reader.read_line(&mut line)).await??;
    let response = match read(&line) {
        Ok(Request { operation, .. }) => system.carry_out(operation).await.into(),
        Err(refusal) => Response::from(refusal),
    };
    let written = serde_json::to_vec(&response);
    // A folder whose name is no text.
    let written = written.or_else(|error| serde_json::to_vec(&Response::from(failed(error.to_string()))));
    let mut reply = written?;
    reply.push(b'\n');
    socket.write_all(&reply).await?;
    socket.shutdown().await
}

/// The version first: what another one asks for may look like an operation, and mean something else.
fn read(line: &str) -> Result<Request, Failure> {
    let unreadable = |error| failed(format!("unreadable request, is it another version? {error}"));
    let Spoken { version } = serde_json::from_str(line).map_err(unreadable)?;
    if version.as_deref() != Some(VERSION) {
        return Err(failed(format!(
            "the running program is {}, and the command that asks it is {}: ask with the command that it was started with",
            named(Some(VERSION)),
            named(version.as_deref())
        )));
    }
    serde_json::from_str(line).map_err(unreadable)
}

fn failed(message: String) -> Failure {
    Failure {
        kind: FailureKind::Failed,
        message,
    }
}
