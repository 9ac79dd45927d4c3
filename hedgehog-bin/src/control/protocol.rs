//! The two lines of a conversation.

use crate::failure::Failure;
use crate::market::{Stream, Symbol};
use serde::{Deserialize, Serialize};

/// What a running program can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// What is on, and how it goes.
    Status,
    /// The live supervision tree.
    Tree,
    /// The live supervision tree in Graphviz's language.
    Graph,
    /// Settings rows for every symbol that the exchange lists.
    Seed,
    /// Ends one process brutally.
    Kill {
        /// As `Tree` prints it.
        path: String,
    },
    /// Turns something on or off, symbol after symbol.
    Change {
        /// What.
        action: Action,
        /// Of which symbols.
        symbols: Vec<Symbol>,
    },
}

/// What can be turned on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
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

/// What came of a request: an answer, a failure, or both when only some of several symbols could be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// What was found or done.
    pub answer: Option<Answer>,
    /// What could not be done.
    pub failure: Option<Failure>,
}

/// An answer in both of its forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// For people: lines without a last line end.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        Self {
            answer: None,
            failure: Some(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_readable_line() {
        let action = Action::StopStoring {
            streams: vec![Stream::Orders],
        };
        let request = Request::Change {
            action,
            symbols: vec!["BTCUSDT".parse().expect("a symbol")],
        };
        let line = serde_json::to_string(&request).expect("plain data");
        assert_eq!(
            line,
            r#"{"request":"change","action":{"action":"stop_storing","streams":["orders"]},"symbols":["BTCUSDT"]}"#
        );
        assert_eq!(serde_json::from_str::<Request>(&line).expect("it reads back"), request);
    }
}
