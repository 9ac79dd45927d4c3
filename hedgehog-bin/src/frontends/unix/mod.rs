//! How the command line talks to a running program: one JSON line each way over a Unix socket in the data folder.
//!
//! The program's side is the tree's child `Control` (`server`); the command's side is [`call`]. Data goes both ways: an
//! [`Operation`](crate::app::Operation) there, a [`Response`] back, and the command draws it. Whoever may open the socket may do
//! everything, so it is the owner's alone. Both sides say which version they are: another one is refused in plain words.

mod call;
mod error;
mod holder;
mod listener;
mod protocol;
mod server;
#[cfg(test)]
mod tests;
mod version;

pub use call::call;
pub use error::ControlError;
pub use holder::Holder;
pub use protocol::Response;
pub use server::FRONTEND;
