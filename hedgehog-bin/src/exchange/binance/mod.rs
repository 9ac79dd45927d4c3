//! The client of an exchange that speaks Binance's protocol: REST for orders and rules, sockets for trades and fills.
//!
//! Who talks to what: traders hold a [`BinanceClient`] behind the [`Exchange`](super::Exchange) trait; the streamer
//! holds a few [`TradeSocket`]s, each for many symbols; naive runs one [`user_data::run`] per account.
//! Invariant: nothing here assumes an outcome. What the exchange did not say is
//! [`Unknown`](super::Submission::Unknown), and no request that places or cancels is ever sent twice.

mod client;
mod clock;
mod connect_limit;
mod rate_gate;
mod rest;
mod signing;
mod socket;
pub mod streams;
mod trade_socket;
pub mod user_data;
mod wire;

#[cfg(test)]
pub(crate) mod scripted_server;
#[cfg(test)]
mod tests;

pub use client::BinanceClient;
pub use connect_limit::ConnectLimit;
pub use socket::SocketError;
pub use trade_socket::{Heard, TradeSocket};
