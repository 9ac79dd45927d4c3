//! The tree's child `Control`: accepts connections and carries out one request each.

use super::protocol::{Action, Answer, Request, Response, View};
use super::{Listener, render};
use crate::app::{RequestError, System};
use crate::failure::Failure;
use crate::market::{Stream, Symbol, Topic};
use crate::naive::SettingsChange;
use crate::operation::{OperationError, Outcome};
use hedgehog_core::{ActorProcessingErr, ChildSpec, Restart, Task, TaskMsg, TreeNode};
use serde::Serialize;
use std::error::Error;
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

/// The server as a child. The listener is kept outside, so that a killed server comes back at the same address.
pub fn spec(listener: Arc<Listener>, system: System) -> ChildSpec<TaskMsg> {
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
    let response = match serde_json::from_str(&line) {
        Ok(request) => respond(system, request).await,
        Err(error) => failed(&io::Error::other(format!(
            "unreadable request, is it another version? {error}"
        ))),
    };
    let mut reply = serde_json::to_vec(&response)?;
    reply.push(b'\n');
    socket.write_all(&reply).await?;
    socket.shutdown().await
}

async fn respond(system: &System, request: Request) -> Response {
    match request {
        Request::Status(view) => answered(Ok(system.status().await), |status| render::status(status, &view)),
        Request::Tree(view) => answered(system.processes().await, |tree| render::tree(tree, &view)),
        Request::Graph => answered(system.processes().await, TreeNode::to_dot),
        Request::Seed => answered(system.seed().await, ToString::to_string),
        Request::Kill { path } => answered(system.kill(&path).await, ToString::to_string),
        Request::Symbols { pattern, view } => symbols(system, pattern.as_deref(), &view).await,
        Request::Settings { symbols, change, view } => settings(system, &symbols, change.as_ref(), &view).await,
        Request::Change { action, symbols, all } => change(system, &action, &symbols, all).await,
    }
}

/// What a request for settings comes to; the command line does the same where no program runs.
pub async fn settings(system: &System, symbols: &[Symbol], change: Option<&SettingsChange>, view: &View) -> Response {
    system.seeded().await;
    let found = match change {
        Some(change) => system.change_settings(symbols, change).await,
        None => system.settings(symbols).await,
    };
    answered(found, |settings| render::settings(settings, view))
}

/// What a request for symbols comes to; the command line does the same where no program runs.
pub async fn symbols(system: &System, pattern: Option<&str>, view: &View) -> Response {
    answered(system.symbols(pattern).await, |symbols| render::symbols(symbols, view))
}

fn answered<T: Serialize>(found: Result<T, RequestError>, text: impl Fn(&T) -> String) -> Response {
    match found {
        Ok(found) => done(text(&found), &found),
        Err(error) => failed(&error),
    }
}

fn done(text: String, found: &impl Serialize) -> Response {
    match serde_json::to_value(found) {
        Ok(json) => Response {
            answer: Some(Answer { text, json }),
            failure: None,
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &(dyn Error + 'static)) -> Response {
    Failure::from(error).into()
}

/// One line of the answer to a [`Request::Change`].
#[derive(Serialize)]
struct Change {
    symbol: Symbol,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    outcome: Outcome,
}

/// Changes nothing when one of the symbols does not exist; ends at the first that fails.
async fn change(system: &System, action: &Action, named: &[Symbol], all: bool) -> Response {
    system.seeded().await;
    let symbols = if all {
        everything(system, action).await
    } else {
        system.check_symbols(named).await.map(|()| named.to_vec())
    };
    let symbols = match symbols {
        Ok(symbols) => symbols,
        Err(error) => return failed(&error),
    };
    let mut changes = Vec::new();
    let mut failure = None;
    'symbols: for symbol in &symbols {
        for stream in streams(action) {
            match apply(system, action, stream, symbol).await {
                Ok(outcome) => {
                    let change = Change {
                        symbol: symbol.clone(),
                        stream,
                        outcome,
                    };
                    if outcome.is_change() {
                        tracing::info!("{}", describe(action, &change));
                    }
                    changes.push(change);
                }
                // It was listed since the last seeding, and nobody has named it.
                Err(RequestError::Operation(OperationError::UnknownSymbol { .. })) if all => {}
                Err(error) => {
                    let Failure { kind, message } = Failure::from(&error as &(dyn Error + 'static));
                    failure = Some(Failure {
                        kind,
                        message: format!("{symbol}: {message}"),
                    });
                    break 'symbols;
                }
            }
        }
    }
    let text: Vec<_> = changes.iter().map(|change| describe(action, change)).collect();
    if changes.is_empty() {
        if failure.is_none() {
            return done("nothing to do".to_owned(), &changes);
        }
        return Response { answer: None, failure };
    }
    Response {
        failure,
        ..done(text.join("\n"), &changes)
    }
}

/// The symbols that an action can be done to: every listed one is started, and stopped is what is on.
async fn everything(system: &System, action: &Action) -> Result<Vec<Symbol>, RequestError> {
    let activity = match action {
        Action::StartStreaming | Action::StartTrading | Action::StartStoring { .. } => {
            let listed = system.symbols(None).await?;
            return Ok(listed.into_iter().map(|listed| listed.symbol).collect());
        }
        Action::StopStreaming => ["streaming"].as_slice(),
        Action::StopTrading | Action::ShutdownTrading => &["trading", "draining"],
        Action::StopStoring { .. } => &["storing"],
    };
    let status = system.status().await;
    // Nothing is on as far as one can see, where nothing can be seen.
    let part = activity.first().copied().unwrap_or_default();
    if let Some(why) = status.unreadable.get(part) {
        return Err(RequestError::Unreadable {
            part: part.to_owned(),
            why: why.clone(),
        });
    }
    let on = status.activities().into_iter();
    let on = on.filter(|(_, activities)| activities.iter().any(|on| activity.contains(on)));
    Ok(on.map(|(symbol, _)| symbol).collect())
}

/// Storing is one operation per stream; the others know no streams.
fn streams(action: &Action) -> Vec<Option<Stream>> {
    match action {
        Action::StartStoring { streams } | Action::StopStoring { streams } => {
            streams.iter().copied().map(Some).collect()
        }
        _ => vec![None],
    }
}

async fn apply(
    system: &System,
    action: &Action,
    stream: Option<Stream>,
    symbol: &Symbol,
) -> Result<Outcome, RequestError> {
    match (action, stream) {
        (Action::StartStreaming, _) => system.start_streaming(symbol).await,
        (Action::StopStreaming, _) => system.stop_streaming(symbol).await,
        (Action::StartTrading, _) => system.start_trading(symbol).await,
        (Action::StopTrading, _) => system.stop_trading(symbol).await,
        (Action::ShutdownTrading, _) => system.shutdown_trading(symbol).await,
        (Action::StartStoring { .. }, Some(stream)) => system.start_storing(stream, symbol).await,
        (Action::StopStoring { .. }, Some(stream)) => system.stop_storing(stream, symbol).await,
        // Nothing named, nothing to do.
        (Action::StartStoring { .. } | Action::StopStoring { .. }, None) => Ok(Outcome::NotRunning),
    }
}

fn describe(action: &Action, change: &Change) -> String {
    let subject = match (action, change.stream) {
        (Action::StartStreaming | Action::StopStreaming, _) => format!("streaming {}", change.symbol),
        (_, Some(stream)) => format!(
            "storing {}",
            Topic {
                stream,
                symbol: change.symbol.clone()
            }
        ),
        (_, None) => format!("trading {}", change.symbol),
    };
    format!("{subject}: {}", change.outcome)
}
