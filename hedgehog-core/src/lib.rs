//! OTP supervision for Rust, on the [`ractor`] actor crate.
//!
//! An actor that fails is started again by its supervisor; a supervisor that cannot help gives up and is started again by
//! its own. What Erlang's and Elixir's supervisors, registries and applications promise holds here, under their names: the
//! order in which a tree starts and stops, who is restarted after which exit, how often, and that a name is free before
//! anybody hears of its holder's end. Where Rust forces a difference it is told in [`docs::otp`].
//!
//! # Quick start
//!
//! A counter that is looked up by name and survives its own crash:
//!
//! ```
//! use hedgehog_core::*;
//!
//! struct Counter;
//! enum Msg { Add(i64), Total(RpcReplyPort<i64>), Crash }
//!
//! impl Actor for Counter {
//!     type Msg = Msg;
//!     type State = i64;
//!     type Arguments = i64;
//!     async fn pre_start(&self, _: ractor::ActorRef<Msg>, start: i64) -> Result<i64, ActorProcessingErr> { Ok(start) }
//!     async fn handle(&self, _: ractor::ActorRef<Msg>, msg: Msg, total: &mut i64) -> Result<(), ActorProcessingErr> {
//!         match msg {
//!             Msg::Add(n) => *total += n,
//!             Msg::Total(reply) => drop(reply.send(*total)),
//!             Msg::Crash => return Err("out of fingers".into()),
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry: Registry<&str, Msg> = Registry::unique("counters");
//! let supervisor = Supervisor::new(Strategy::RestForOne).child(registry.spec("registry")).start().await?;
//! let spec = ChildSpec::worker("apples", || (Counter, 10)).via(registry.via("apples"));
//! let counter = supervisor.start_child(spec).await?; // -> ActorRef<Msg>: this incarnation
//!
//! let apples = registry.via("apples"); // whoever is called apples, now and later
//! apples.cast(Msg::Add(5))?;
//! assert_eq!(apples.call(Msg::Total, None).await?, 15);
//!
//! apples.cast(Msg::Crash)?;
//! assert!(counter.exited().await.is_abnormal());
//! # while registry.lookup("apples").is_none() { tokio::task::yield_now().await }
//! assert_eq!(apples.call(Msg::Total, None).await?, 10); // restarted from its spec
//! supervisor.stop(ExitReason::Shutdown).await;
//! # Ok(()) }
//! ```
//!
//! # What to read, in this order
//!
//! | item | what it is |
//! |---|---|
//! | [`ExitReason`] | why an actor ended, and what a callback returns to end its own |
//! | [`ActorRef`] | one incarnation: cast, call, stop, kill |
//! | [`Monitor`], [`Timer`] | hearing of an end, and of the time |
//! | [`Name`], [`Via`] | addresses that survive restarts |
//! | [`ChildSpec`], [`Restart`], [`Shutdown`] | how one child is started, restarted and stopped |
//! | [`Supervisor`], [`Strategy`] | children known beforehand, in order |
//! | [`DynamicSupervisor`] | children on demand, any number |
//! | [`PartitionSupervisor`] | one child many times over, each serving its share of the keys |
//! | [`Registry`], [`DuplicateRegistry`] | names by key, with values; one or many actors to a key |
//! | [`pubsub`] | topics with very fast fan-out |
//! | [`Task`], [`TaskSupervisor`], [`TaskStream`] | futures with a value, under a supervisor, or many of a kind |
//! | [`Application`], [`Applications`] | a tree as a program, with signals; several that need one another |
//! | [`TreeNode`], [`SupervisorEvent`] | what the tree looks like right now, and what happens in it |
//!
//! ractor comes along as [`ractor`]: its actor trait is the one to implement, and a dependency of your own is not needed.
//! Whatever can fail says so with an error of its own, the start of a tree with a [`StartError`] that names the child.
//!
//! Each has a page of its own in [`docs`], which begins with when to take it. Two more are for those who come from elsewhere:
//! [`docs::migrating`] from `tokio::spawn` and `JoinSet`, [`docs::otp`] from Erlang and Elixir. And everybody should read
//! [`docs::mailboxes`] once, before the first actor is too slow.
//!
//! # When not to use it
//!
//! * Nothing has to survive a failure on its own: `tokio::spawn` and `?` are simpler.
//! * The program is built with `panic = "abort"`: the first panic ends it, and [`Application`] refuses to run.
//! * Actors must be reached across machines: there is one node here.
//! * Callbacks compute for long without an `.await`: they can be declared dead, but not be interrupted
//!   (see [`Supervisor::kill_grace`]).

mod actor_ref;
mod adapter;
mod address;
mod application;
mod child_spec;
mod dynamic_supervisor;
mod exit;
mod identity;
mod incarnation;
mod monitor;
mod name;
mod observe;
mod panic;
mod partition_supervisor;
pub mod prelude;
mod printing;
pub mod pubsub;
mod registry;
mod start_error;
mod start_info;
mod supervisor;
mod task;
mod timer;

pub use actor_ref::{ActorRef, AnyActorRef, CallError, CastError, NotSupervised, SelfRef, StopError};
pub use application::{
    Application, ApplicationCallbacks, ApplicationError, ApplicationName, Applications, OnExit, Outcome,
    RunningApplication,
};
pub use child_spec::{AnyChildSpec, ChildKind, ChildSpec, Restart, Shutdown};
pub use dynamic_supervisor::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef};
pub use exit::ExitReason;
pub use identity::{ChildId, Pid};
pub use monitor::Monitor;
pub use name::{Bind, Name, NameId};
pub use observe::TreeNode;
pub use partition_supervisor::{
    PartitionSupervisor, PartitionSupervisorMsg, PartitionSupervisorRef, PartitionVia, ResizeError,
};
pub use pubsub::{Drained, Overflow, PubSub, SubscribeOptions, Subscription, Topic};
pub use ractor::{self, Actor, ActorProcessingErr, Message, RpcReplyPort};
pub use registry::{
    Duplicate, DuplicateRegistry, Key, Keys, RegisterError, Registry, RegistryEvent, RegistryMsg, Unique, Value, Via,
};
pub use start_error::StartError;
pub use start_info::set_start_info;
pub use supervisor::{
    AutoShutdown, ChildCount, ChildInfo, ChildState, DeleteError, NoProc, RestartError, RestartWindow, Strategy,
    Supervisor, SupervisorEvent, SupervisorEventKind, SupervisorMsg, SupervisorRef, TerminateError,
};
pub use task::{
    OnTimeout, OnYieldTimeout, Task, TaskError, TaskMsg, TaskOutput, TaskResults, TaskStream, TaskSupervisor, YieldMany,
};
pub use timer::Timer;

/// The longer texts: one for each subject, and what a person needs who comes from elsewhere.
pub mod docs {
    #[doc = include_str!("docs/supervisors.md")]
    pub mod supervisors {}

    #[doc = include_str!("docs/dynamic_supervisors.md")]
    pub mod dynamic_supervisors {}

    #[doc = include_str!("docs/registry_and_names.md")]
    pub mod registry_and_names {}

    #[doc = include_str!("docs/actors.md")]
    pub mod actors {}

    #[doc = include_str!("docs/tasks.md")]
    pub mod tasks {}

    #[doc = include_str!("docs/pubsub.md")]
    pub mod pubsub {}

    #[doc = include_str!("docs/mailboxes.md")]
    pub mod mailboxes {}

    #[doc = include_str!("docs/applications.md")]
    pub mod applications {}

    #[doc = include_str!("docs/observing.md")]
    pub mod observing {}

    #[doc = include_str!("docs/migrating.md")]
    pub mod migrating {}

    #[doc = include_str!("docs/otp.md")]
    pub mod otp {}
}
