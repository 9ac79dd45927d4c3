//! How a topic works, beneath its face: how events are kept, read and let go, who sleeps and who is woken. It knows neither
//! topics nor actors.
//!
//! In reading order: [`feed`], where publishers and subscribers meet, made of [`log`] (with [`chunk`], [`reader`] and
//! [`overflow`]) and [`idle`] (who sleeps); [`sync`], what these are made of. Beside the feed there are [`inline`], closures that
//! publishers call, and [`doorbell`], a waker that sends one message at a time.
//!
//! Invariant: everything that depends on the order of two threads' steps is in `feed` and below, and that uses its siblings
//! and [`panic`](crate::panic) only: `tests/models` compiles it a second time with loom's atomics and tries every order.

mod chunk;
mod doorbell;
mod feed;
mod idle;
mod inline;
mod log;
mod overflow;
mod reader;
mod sync;

pub(super) use doorbell::{Doorbell, doorbell};
pub use feed::Drained;
pub(super) use feed::{Feed, Place};
pub(super) use idle::{NOBODY, Seat};
pub(super) use inline::{Call, Calls};
pub(super) use overflow::Metadata;
pub use overflow::Overflow;
pub(super) use reader::{Acknowledge, Reader};
#[cfg(test)]
pub(super) use sync::CHUNK;
