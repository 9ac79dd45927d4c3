//! The two lines of a conversation.

use super::version::VERSION;
use crate::app::{Answer, Operation, Reply};
use crate::exit_code;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};

/// What a command sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// Of the command.
    version: String,
    /// What the program is to do.
    pub(super) operation: Operation,
}

/// What came of an operation: an answer, a failure, or both when only some of several symbols could be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Response {
    /// Of the program.
    version: String,
    /// What was found or done.
    pub answer: Option<Answer>,
    /// What could not be done. Its two fields are those of every version, so that a command of another one reads them.
    pub failure: Option<Failure>,
}

impl From<Operation> for Request {
    fn from(operation: Operation) -> Self {
        Self {
            version: VERSION.to_owned(),
            operation,
        }
    }
}

impl From<Reply> for Response {
    fn from(Reply { answer, error }: Reply) -> Self {
        Self {
            version: VERSION.to_owned(),
            answer,
            failure: error.map(|error| exit_code::failure(&error)),
        }
    }
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        Self {
            version: VERSION.to_owned(),
            answer: None,
            failure: Some(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Action, Which};
    use crate::market::Stream;

    #[test]
    fn a_request_is_one_readable_line() {
        let action = Action::StopStoring {
            streams: vec![Stream::Orders],
        };
        let symbols = Which::Named(vec!["BTCUSDT".parse().expect("a symbol")]);
        let operation = Operation::Change { action, symbols };
        let line = serde_json::to_string(&Request::from(operation.clone())).expect("plain data");
        let expected = [
            r#"{"version":""#,
            VERSION,
            r#"","operation":{"change":{"action":{"stop_storing":{"streams":["orders"]}},"symbols":{"named":["BTCUSDT"]}}}}"#,
        ];
        assert_eq!(line, expected.concat());
        let read: Request = serde_json::from_str(&line).expect("it reads back");
        assert_eq!(read.operation, operation);
    }
}
