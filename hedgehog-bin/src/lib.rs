//! The library behind the `hedgehog` program: a supervised trading system made of three independent apps.
//!
//! Read in this order: [`market`] (the words), [`store`] (the databases), [`exchange`] (the outside), [`recording`] (what was
//! written down of it), then [`service`] (the tree that every app has), the apps [`streamer`], [`naive`] and [`warehouse`],
//! which never import each other, and [`app`], where they become one tree; [`databases`] stand beside each other once. What a user
//! can ask of it is [`app::Operation`]; [`frontends`] carry it to a running program, and [`cli`] is the thin caller of it all.

pub mod app;
pub mod backoff;
mod causes;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod databases;
pub mod exchange;
pub mod exit_code;
pub mod failure;
pub mod frontends;
pub mod market;
pub mod naive;
pub mod operation;
mod owner_only;
pub mod recording;
pub mod service;
mod spelling;
pub mod store;
pub mod streamer;
pub mod venue;
pub mod warehouse;
