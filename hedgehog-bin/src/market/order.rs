//! One order type with all fields, from placement to its terminal status.

use super::{Price, Quantity, Symbol};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// The exchange's own spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!(concat!("{:?} is not one of: ", $($text, " "),+), text)),
                }
            }
        }
    };
}

wire_enum! {
    /// Which side of the book an order stands on.
    Side {
        /// Gives quote asset, receives base asset.
        Buy => "BUY",
        /// Gives base asset, receives quote asset.
        Sell => "SELL",
    }
}

wire_enum! {
    /// Where an order is in its life (rest-api, "Order status").
    OrderStatus {
        /// Accepted by the engine, nothing executed.
        New => "NEW",
        /// Part of an order list, not working yet.
        PendingNew => "PENDING_NEW",
        /// Executed in part.
        PartiallyFilled => "PARTIALLY_FILLED",
        /// Executed in full.
        Filled => "FILLED",
        /// Cancelled by its owner.
        Canceled => "CANCELED",
        /// Unused by the exchange today.
        PendingCancel => "PENDING_CANCEL",
        /// Never accepted by the engine.
        Rejected => "REJECTED",
        /// Cancelled by the exchange.
        Expired => "EXPIRED",
        /// Cancelled by self-trade prevention.
        ExpiredInMatch => "EXPIRED_IN_MATCH",
    }
}

impl OrderStatus {
    /// In which an order still lives, in the order in which it passes them. From each it goes on to any that is not behind it.
    pub const LIVING: [&[&'static str]; 3] = [
        &[Self::PendingNew.as_str()],
        &[Self::New.as_str()],
        &[Self::PartiallyFilled.as_str(), Self::PendingCancel.as_str()],
    ];

    /// Whether nothing can happen to the order any more.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::ExpiredInMatch
        )
    }
}

wire_enum! {
    /// The order types this program places or reads back.
    OrderType {
        /// At a price or better.
        Limit => "LIMIT",
        /// At whatever the book offers.
        Market => "MARKET",
        /// At a price, and only as maker.
        LimitMaker => "LIMIT_MAKER",
    }
}

wire_enum! {
    /// How long an order works.
    TimeInForce {
        /// Until it is cancelled.
        Gtc => "GTC",
        /// Immediately, the rest is cancelled.
        Ioc => "IOC",
        /// Fully and immediately, or not at all.
        Fok => "FOK",
    }
}

/// An order as the exchange knows it (`GET /api/v3/order`).
///
/// Every source of an order (placement answer, query, execution report) fills all of these fields, so that no stored
/// row loses what was known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Unique per symbol only.
    pub order_id: i64,
    /// Chosen by whoever placed the order.
    pub client_order_id: String,
    /// The pair.
    pub symbol: Symbol,
    /// The limit.
    pub price: Price,
    /// What was ordered, in the base asset.
    pub original_quantity: Quantity,
    /// What was executed so far, in the base asset.
    pub executed_quantity: Quantity,
    /// What was executed so far, in the quote asset (the exchange spells it with two m).
    pub cummulative_quote_quantity: Quantity,
    /// Where in its life.
    pub status: OrderStatus,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Its type.
    pub order_type: OrderType,
    /// Its side.
    pub side: Side,
    /// Zero for a plain limit order.
    pub stop_price: Price,
    /// Zero for a plain limit order.
    pub iceberg_quantity: Quantity,
    /// When it was created, in milliseconds since the epoch.
    pub time: i64,
    /// When it last changed, in milliseconds since the epoch.
    pub update_time: i64,
}

impl Order {
    /// Whether `self` tells a later state of the same order than `older`: more executed, or a terminal status reached.
    ///
    /// Neither source of orders guarantees its order of arrival; executed quantity never shrinks and a terminal status
    /// never goes away.
    pub fn supersedes(&self, older: &Order) -> bool {
        if older.status.is_terminal() {
            return false;
        }
        self.executed_quantity > older.executed_quantity
            || self.status.is_terminal()
            || (self.executed_quantity == older.executed_quantity && self.update_time > older.update_time)
    }
}
