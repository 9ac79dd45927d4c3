//! [`set_start_info`]: what a starting actor tells whoever started it, besides that it runs.

use crate::incarnation::Incarnation;

/// Hands `info` to whoever gets a reference to the actor in whose `pre_start` this is called: `{ok, Pid, Info}`.
///
/// It belongs to that one incarnation and stays readable through every [`ActorRef`](crate::ActorRef) of it. The first value
/// counts, so that what a caller has read never changes. Outside of a callback there is nobody to speak for, and this does
/// nothing.
///
/// ```
/// use hedgehog_core::*;
/// use std::net::{SocketAddr, TcpListener};
///
/// struct Server;
///
/// impl Actor for Server {
///     type Msg = ();
///     type State = TcpListener;
///     type Arguments = ();
///     async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<TcpListener, ActorProcessingErr> {
///         let listener = TcpListener::bind("127.0.0.1:0")?; // the port is known here only
///         set_start_info(listener.local_addr()?);
///         Ok(listener)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::new(Strategy::OneForOne).start().await?;
/// let server = supervisor.start_child(ChildSpec::of(|| (Server, ()))).await?;
/// let address: &SocketAddr = server.start_info().expect("it said so");
/// assert_ne!(address.port(), 0);
/// # supervisor.stop(ExitReason::Shutdown).await;
/// # Ok(()) }
/// ```
pub fn set_start_info<T: Send + Sync + 'static>(info: T) {
    if let Some(incarnation) = Incarnation::current() {
        incarnation.set_info(info);
    }
}
