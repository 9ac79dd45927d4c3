//! The exchange as the apps see it, in two halves: [`MarketData`], which everybody may read, and [`Account`], whose orders they are.
//!
//! Each is a trait, and what it is told and answers stands in a file of its own beside it. There is one code path: [`binance`]
//! implements both by HTTP and WebSocket at a base address; [`simulator`] is a server that speaks the same protocol on a loopback
//! port; testnet and the live exchange are other addresses.

mod account;
mod address;
mod balance;
pub mod binance;
mod endpoints;
mod error;
mod execution;
mod frame;
mod market_data;
mod new_order;
mod order_key;
pub mod simulator;
mod socket_error;
mod submission;
mod trade_socket;

pub(crate) use crate::market::milliseconds;
pub use account::Account;
pub use address::{Address, AddressError};
pub use balance::AssetBalance;
pub use endpoints::{Addresses, Credentials, Endpoints};
pub use error::ExchangeError;
pub use execution::{Execution, ExecutionType, UserDataEvent};
pub use frame::Frame;
pub use market_data::{Demand, MarketData, TradeStreams};
pub use new_order::NewOrder;
pub use order_key::OrderKey;
pub use socket_error::SocketError;
pub use submission::Submission;
pub use trade_socket::{Heard, TradeSocket};
