//! A simulated exchange.

mod account;
mod book;
mod engine;
mod refusal;
mod units;
mod generator;
mod recording;
