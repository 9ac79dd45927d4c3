//! What a file that defines actors and their tree needs: `use hedgehog_core::prelude::*`.

pub use crate::{
    ActorRef, AnyActorRef, Application, ChildSpec, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Monitor, Name,
    Overflow, PubSub, Registry, Restart, SelfRef, Shutdown, StartError, Strategy, Subscription, Supervisor,
    SupervisorRef, Task, TaskSupervisor, Timer, Topic, Via,
};
pub use ractor::{self, Actor, ActorProcessingErr, Message, RpcReplyPort};
