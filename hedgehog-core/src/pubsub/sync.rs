//! What the log and the idle bits are made of, in one place: their models swap these for loom's.

pub(super) use std::sync::OnceLock;
pub(super) use std::sync::atomic::AtomicU64;

pub(super) use futures_util::task::AtomicWaker;
pub(super) use parking_lot::Mutex;

/// Slots of a chunk: the unit in which events are allocated and freed. At most 64, for which there are bits.
pub(super) const CHUNK: usize = 64;
/// Subscribers of a group, which share a word of idle bits. At most 64.
pub(super) const SEATS: usize = 64;
