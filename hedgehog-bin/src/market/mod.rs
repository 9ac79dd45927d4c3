//! The words of the market that every app speaks: symbols, exact decimals, trade events, orders, filters, and the
//! topics on which apps meet.
//!
//! Streamer, naive and warehouse never import each other; they know only these types. No float is anywhere near money.

mod bus;
mod decimal;
mod exchange_info;
mod fill_rule;
mod fixed;
mod order;
mod progress;
mod symbol;
mod trade_event;
mod trade_wire;

pub use bus::{Bus, Stream, Topic, TopicError};
pub use decimal::{Decimal, DecimalError, Price, Quantity, floor_to, grouped, parse_decimal, plain_text, short_text};
pub use exchange_info::{ExchangeInfo, FilterViolation, OddListing, SymbolFilters, SymbolInfo, SymbolStatus};
pub use fill_rule::FillRule;
pub(crate) use fixed::{Fixed, Level};
pub use order::{Order, OrderStatus, OrderType, Side, TimeInForce};
pub use progress::{Done, TradePublisher};
pub use symbol::{Symbol, SymbolError};
pub use trade_event::{Gap, TradeEvent};
pub(crate) use trade_wire::{TradeFrame, TradeText, milliseconds};
