//! OTP supervision for Rust on the `ractor` actor crate.

mod actor_ref;
mod adapter;
mod application;
mod child_spec;
mod dynamic_supervisor;
mod exit;
mod name;
mod observe;
pub mod pubsub;
pub mod registry;
pub mod supervisor;
mod task;

pub use actor_ref::{ActorRef, AnyActorRef, CallError, CastError, Pid};
pub use application::{Application, ApplicationError, Outcome, RunningApplication};
pub use child_spec::{ChildId, ChildKind, ChildSpec, Restart, Shutdown, StartError};
pub use dynamic_supervisor::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef};
pub use exit::ExitReason;
pub use name::{Bind, Name};
pub use observe::{ChildState, TreeNode};
pub use pubsub::{Drained, Overflow, PubSub, Subscription, Topic};
pub use ractor::{self, Actor, ActorProcessingErr, Message, RpcReplyPort};
pub use registry::{RegisterError, Registry, RegistryMsg, Via};
pub use supervisor::{
    ChildCount, ChildInfo, NoProc, Strategy, Supervisor, SupervisorMsg, SupervisorRef, TerminateError,
};
pub use task::{Task, TaskMsg};
