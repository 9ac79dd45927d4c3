//! The two lines of a conversation.

use crate::failure::Failure;
use crate::market::{Stream, Symbol};
use crate::naive::SettingsChange;
use serde::{Deserialize, Serialize};

/// What a running program can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// What is on, and how it goes.
    Status(View),
    /// The live supervision tree.
    Tree(View),
    /// The live supervision tree in Graphviz's language.
    Graph,
    /// Settings rows for every symbol that the exchange lists.
    Seed,
    /// Ends one process brutally.
    Kill {
        /// Ids from the root, joined by `/`, or the end of that as far as it names one process.
        path: String,
    },
    /// What the exchange lists.
    Symbols {
        /// A part of a symbol, or a pattern with `*` and `?`; `None` for all.
        pattern: Option<String>,
        /// How it is shown.
        #[serde(flatten)]
        view: View,
    },
    /// Trading settings, after a change of them if there is one.
    Settings {
        /// Of which symbols; empty for all.
        symbols: Vec<Symbol>,
        /// What to change.
        change: Option<SettingsChange>,
        /// How it is shown.
        #[serde(flatten)]
        view: View,
    },
    /// Turns something on or off, symbol after symbol.
    Change {
        /// What.
        action: Action,
        /// Of which symbols.
        symbols: Vec<Symbol>,
        /// Of every symbol that it can be done to; then none is named.
        #[serde(default)]
        all: bool,
    },
}

/// How an answer is shown to a person; a program takes the other form of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Columns of the caller's terminal; `None` where there is none.
    #[serde(default)]
    pub width: Option<u16>,
    /// Also what is long or off.
    #[serde(default)]
    pub all: bool,
    /// Also the traders.
    #[serde(default)]
    pub traders: bool,
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
            all: false,
        };
        let line = serde_json::to_string(&request).expect("plain data");
        assert_eq!(
            line,
            r#"{"request":"change","action":{"action":"stop_storing","streams":["orders"]},"symbols":["BTCUSDT"],"all":false}"#
        );
        assert_eq!(serde_json::from_str::<Request>(&line).expect("it reads back"), request);
    }

    #[test]
    fn a_view_may_be_left_out_and_stands_beside_the_request() {
        let plain: Request = serde_json::from_str(r#"{"request":"status"}"#).expect("it is enough");
        assert_eq!(plain, Request::Status(View::default()));
        let request = Request::Settings {
            symbols: vec!["BTCUSDT".parse().expect("a symbol")],
            change: Some(SettingsChange::parse(["chunks=3"]).expect("a change")),
            view: View {
                width: Some(100),
                ..View::default()
            },
        };
        let line = serde_json::to_string(&request).expect("plain data");
        assert!(line.contains(r#""change":["chunks=3"],"width":100"#), "{line}");
        assert_eq!(serde_json::from_str::<Request>(&line).expect("it reads back"), request);
    }
}
