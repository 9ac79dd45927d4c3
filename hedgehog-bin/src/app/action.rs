//! What can be turned on and off, and how it is done to several symbols.

use super::operation::{Answer, Reply};
use super::{RequestError, System};
use crate::market::{Stream, Symbol, Topic};
use crate::operation::{OperationError, Outcome};
use serde::{Deserialize, Serialize};

/// What can be turned on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Receive trades.
    StartStreaming,
    /// Receive no more.
    StopStreaming,
    /// Trade.
    StartTrading,
    /// End the traders now.
    StopTrading,
    /// Let the open traders finish.
    ShutdownTrading,
    /// Store streams.
    StartStoring {
        /// Which.
        streams: Vec<Stream>,
    },
    /// Store them no more.
    StopStoring {
        /// Which.
        streams: Vec<Stream>,
    },
}

/// Of which symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Of these.
    Named(Vec<Symbol>),
    /// Of every one that it can be done to.
    All,
}

/// What an action came to for one symbol, and one stream of it where it is about streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The pair.
    pub symbol: Symbol,
    /// Of storing: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// What was found and done.
    pub outcome: Outcome,
}

impl Action {
    /// A change that came of this, on one line: `streaming BTCUSDT: started`.
    pub fn describe(&self, change: &Change) -> String {
        let symbol = &change.symbol;
        let subject = match (self, change.stream) {
            (Self::StartStreaming | Self::StopStreaming, _) => format!("streaming {symbol}"),
            (_, Some(stream)) => {
                let symbol = symbol.clone();
                format!("storing {}", Topic { stream, symbol })
            }
            (_, None) => format!("trading {symbol}"),
        };
        format!("{subject}: {}", change.outcome)
    }

    /// Storing is one operation per stream; the others know no streams.
    fn streams(&self) -> Vec<Option<Stream>> {
        match self {
            Self::StartStoring { streams } | Self::StopStoring { streams } => {
                streams.iter().copied().map(Some).collect()
            }
            _ => vec![None],
        }
    }
}

impl System {
    /// Changes nothing when one of the symbols does not exist; ends at the first that fails.
    pub(super) async fn change(&self, action: Action, symbols: Which) -> Reply {
        self.seeded().await;
        let all = symbols == Which::All;
        let symbols = match symbols {
            Which::All => self.everything(&action).await,
            Which::Named(named) => self.check_symbols(&named).await.map(|()| named),
        };
        let symbols = match symbols {
            Ok(symbols) => symbols,
            Err(error) => return Err(error).into(),
        };
        let mut changes = Vec::new();
        let mut failed = None;
        'symbols: for symbol in symbols {
            for stream in action.streams() {
                match self.apply(&action, stream, &symbol).await {
                    Ok(outcome) => {
                        let symbol = symbol.clone();
                        let change = Change {
                            symbol,
                            stream,
                            outcome,
                        };
                        if outcome.is_change() {
                            tracing::info!("{}", action.describe(&change));
                        }
                        changes.push(change);
                    }
                    // It was listed since the last seeding, and nobody has named it.
                    Err(RequestError::Operation(OperationError::UnknownSymbol { .. })) if all => {}
                    Err(error) => {
                        let source = Box::new(error);
                        failed = Some(RequestError::For { symbol, source });
                        break 'symbols;
                    }
                }
            }
        }
        let done_nothing = changes.is_empty() && failed.is_some();
        Reply {
            answer: (!done_nothing).then_some(Answer::Changed { action, changes }),
            error: failed,
        }
    }

    /// The symbols that an action can be done to: every listed one is started, and stopped is what is on.
    async fn everything(&self, action: &Action) -> Result<Vec<Symbol>, RequestError> {
        let activity = match action {
            Action::StartStreaming | Action::StartTrading | Action::StartStoring { .. } => {
                let listed = self.symbols(None).await?;
                return Ok(listed.into_iter().map(|listed| listed.symbol).collect());
            }
            Action::StopStreaming => ["streaming"].as_slice(),
            Action::StopTrading | Action::ShutdownTrading => &["trading", "draining"],
            Action::StopStoring { .. } => &["storing"],
        };
        let status = self.status().await;
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

    async fn apply(&self, action: &Action, stream: Option<Stream>, symbol: &Symbol) -> Result<Outcome, RequestError> {
        match (action, stream) {
            (Action::StartStreaming, _) => self.start_streaming(symbol).await,
            (Action::StopStreaming, _) => self.stop_streaming(symbol).await,
            (Action::StartTrading, _) => self.start_trading(symbol).await,
            (Action::StopTrading, _) => self.stop_trading(symbol).await,
            (Action::ShutdownTrading, _) => self.shutdown_trading(symbol).await,
            (Action::StartStoring { .. }, Some(stream)) => self.start_storing(stream, symbol).await,
            (Action::StopStoring { .. }, Some(stream)) => self.stop_storing(stream, symbol).await,
            // Nothing named, nothing to do.
            (Action::StartStoring { .. } | Action::StopStoring { .. }, None) => Ok(Outcome::NotRunning),
        }
    }
}
