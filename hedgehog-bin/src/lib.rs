//! The library behind the `hedgehog` program: a supervised trading system made of three independent apps.
//!
//! Read in this order: [`market`] (the words), [`exchange`] (the outside), [`store`] (the databases), then the apps
//! [`streamer`], [`naive`] and [`warehouse`], which never import each other, and [`app`], where they become one tree.

pub mod exchange;
pub mod market;
pub mod naive;
pub mod operation;
pub mod service;
pub mod store;
pub mod streamer;
pub mod warehouse;
