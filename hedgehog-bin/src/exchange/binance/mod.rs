//! The client of an exchange that speaks Binance's protocol: REST for orders and rules, sockets for trades and fills.
//!
//! Who talks to what: everybody holds a [`BinanceClient`] as one of the two halves of an exchange,
//! [`MarketData`](super::MarketData) and [`Account`](super::Account). The streamer has it open a few sockets, each for many
//! symbols; naive has it listen to the account's own events.
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
mod user_data;
mod wire;

#[cfg(test)]
pub(crate) mod scripted_server;
#[cfg(test)]
mod tests;

pub use client::BinanceClient;
