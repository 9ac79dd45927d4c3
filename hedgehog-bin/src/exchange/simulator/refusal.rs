//! Why the simulated exchange refuses a request: the codes and texts of errors.md, each in one place.

use crate::market::{FilterViolation, Fixed};
use serde::Serialize;

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {msg}")]
pub(super) struct Refusal {
    /// The HTTP status; also `status` on the WebSocket API.
    #[serde(skip)]
    pub(super) status: u16,
    /// Negative and stable.
    pub(super) code: i32,
    /// The exchange's text.
    pub(super) msg: String,
}

impl Refusal {
    fn new(code: i32, msg: impl Into<String>) -> Self {
        Self {
            status: 400,
            code,
            msg: msg.into(),
        }
    }

    /// The engine is stopping or restarting: what was asked may or may not have happened.
    pub(super) fn unknown_outcome() -> Self {
        let msg = "Timeout waiting for response from backend server. Send status unknown; execution status unknown.";
        Self {
            status: 503,
            ..Self::new(-1007, msg)
        }
    }

    /// No such path.
    pub(super) fn unknown_path() -> Self {
        Self {
            status: 404,
            ..Self::new(-1000, "Path not found.")
        }
    }

    /// The header `X-MBX-APIKEY` does not name the account.
    pub(super) fn bad_key() -> Self {
        Self {
            status: 401,
            ..Self::new(-2015, "Invalid API-key, IP, or permissions for action.")
        }
    }

    /// No header `X-MBX-APIKEY` at all.
    pub(super) fn no_key() -> Self {
        Self {
            status: 401,
            ..Self::new(-2014, "API-key format invalid.")
        }
    }

    /// The HMAC does not match what was sent.
    pub(super) fn bad_signature() -> Self {
        Self::new(-1022, "Signature for this request is not valid.")
    }

    /// `timestamp` lies in the future.
    pub(super) fn timestamp_ahead() -> Self {
        Self::new(
            -1021,
            "Timestamp for this request was 1000ms ahead of the server's time.",
        )
    }

    /// `timestamp` is older than `recvWindow`.
    pub(super) fn timestamp_late() -> Self {
        Self::new(-1021, "Timestamp for this request is outside of the recvWindow.")
    }

    /// A parameter is absent or empty.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(
            -1102,
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."),
        )
    }

    /// Neither of two parameters was sent.
    pub(super) fn missing_both(one: &str, other: &str) -> Self {
        let msg = format!("Param '{one}' or '{other}' must be sent, but both were empty/null!");
        Self::new(-1102, msg)
    }

    /// A parameter's text is not of its form.
    pub(super) fn illegal(name: &str, form: &str) -> Self {
        Self::new(
            -1100,
            format!("Illegal characters found in parameter '{name}'; legal range is '{form}'."),
        )
    }

    /// Parameters that no endpoint knows.
    pub(super) fn unread(read: usize, sent: usize) -> Self {
        let msg = format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
        Self::new(-1104, msg)
    }

    /// The symbol is not listed.
    pub(super) fn unknown_symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }

    /// Anything but BUY and SELL.
    pub(super) fn bad_side() -> Self {
        Self::new(-1117, "Invalid side.")
    }

    /// Only LIMIT is simulated.
    pub(super) fn bad_type() -> Self {
        Self::new(-1116, "Invalid orderType.")
    }

    /// Only GTC is simulated.
    pub(super) fn bad_time_in_force() -> Self {
        Self::new(-1115, "Invalid timeInForce.")
    }

    /// An order that breaks a rule of its symbol.
    pub(super) fn filter(violation: &FilterViolation) -> Self {
        Self::filter_named(violation.filter)
    }

    /// The same, by the filter's name.
    pub(super) fn filter_named(name: &str) -> Self {
        Self::new(-1013, format!("Filter failure: {name}"))
    }

    /// The account cannot pay.
    pub(super) fn insufficient_balance() -> Self {
        Self::new(-2010, "Account has insufficient balance for requested action.")
    }

    /// The client order id belongs to an open order.
    pub(super) fn duplicate_order() -> Self {
        Self::new(-2010, "Duplicate order sent.")
    }

    /// More than the engine can count.
    pub(super) fn too_large(value: Fixed) -> Self {
        Self::new(-1108, format!("Parameter with value '{value}' has an overflow."))
    }

    /// The order to be cancelled is not open.
    pub(super) fn cancel_rejected() -> Self {
        Self::new(-2011, "Unknown order sent.")
    }

    /// The order that was asked for never existed.
    pub(super) fn no_such_order() -> Self {
        Self::new(-2013, "Order does not exist.")
    }

    /// The account's events already flow over this connection.
    pub(super) fn already_subscribed() -> Self {
        Self::new(-2035, "User Data Stream subscription is already active.")
    }

    /// There is nothing to unsubscribe.
    pub(super) fn not_subscribed() -> Self {
        Self::new(-2036, "User Data Stream subscription is not active.")
    }

    /// The request is not of its form.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(-1130, detail)
    }
}
