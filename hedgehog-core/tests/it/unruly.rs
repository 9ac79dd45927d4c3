//! What users hand over may panic wherever it is run, printed, compared or dropped; and a value may be used again where
//! once would have been enough. None of it is the supervisor's problem, or anybody's who only stands near.

use crate::kit::{Log, Order, Script, quiet, settle};
use hedgehog_core::{
    Actor, ActorProcessingErr, Application, Applications, ChildSpec, DynamicSupervisor, ExitReason, Name, Overflow,
    PubSub, Registry, Restart, SelfRef, Strategy, Supervisor, Task, ractor,
};
use std::{
    error::Error,
    fmt,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Barrier},
    time::Duration,
};

/// An error that panics when it is asked for its cause, or when it is dropped last.
#[derive(Debug)]
struct Torn {
    at: At,
}

#[derive(Debug, PartialEq)]
enum At {
    Source,
    Drop,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("torn")
    }
}

impl Error for Torn {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        assert_ne!(self.at, At::Source, "on purpose");
        None
    }
}

impl Drop for Torn {
    fn drop(&mut self) {
        if self.at == At::Drop && !std::thread::panicking() {
            std::panic::panic_any("on purpose");
        }
    }
}

/// Fails at its start, or as soon as it runs.
struct Failing {
    at: fn() -> Torn,
    in_start: bool,
}

impl Actor for Failing {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        if self.in_start { Err((self.at)().into()) } else { Ok(()) }
    }

    async fn handle(&self, _: ractor::ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        Err((self.at)().into())
    }

    async fn post_stop(&self, _: ractor::ActorRef<()>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        Err((self.at)().into())
    }
}

fn discard(value: impl Sized) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_looked_at_or_dropped_ends_no_supervisor() {
    quiet();
    for at in [|| Torn { at: At::Source }, || Torn { at: At::Drop }] {
        let spec = move |in_start| ChildSpec::worker("failing", move || (Failing { at, in_start }, ()));
        let dynamic = DynamicSupervisor::new().start().await.unwrap();
        let supervisor = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
        // The error of the innermost becomes the text of a reason.
        let nested = Supervisor::spec("nested", move || Supervisor::new(Strategy::OneForOne).child(spec(true)));
        discard(supervisor.start_child(nested).await);
        for restart in [Restart::Temporary, Restart::Transient] {
            discard(dynamic.start_child(spec(true).restart(restart)).await);
            discard(supervisor.start_child(spec(true).restart(restart)).await);
            // Nobody waits for the answer, so the supervisor is the last to hold the error.
            tokio::select! {
                biased;
                _ = dynamic.start_child(spec(true).restart(restart)) => {}
                () = std::future::ready(()) => {}
            }
            settle().await;

            let child = dynamic.start_child(spec(false).restart(restart)).await.unwrap();
            child.cast(()).unwrap();
            drop(child);
            settle().await;
            let child = supervisor.start_child(spec(false).restart(restart)).await.unwrap();
            child.cast(()).unwrap();
            drop(child);
            settle().await;
            drop(supervisor.terminate_child("failing").await);
            drop(supervisor.delete_child("failing").await);
            settle().await;
        }
        assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
        assert_eq!(dynamic.count_children().await.unwrap().specs, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_started_twice_has_its_temporary_children_each_time() {
    let work = || Task::spec("work", std::future::pending::<Result<(), String>>);
    let tree = Supervisor::new(Strategy::OneForOne).child(work());
    for _ in 0..2 {
        let supervisor = tree.clone().start().await.expect("nothing is wrong with it");
        assert_eq!(supervisor.count_children().await.unwrap().active, 1);
    }

    let name = Name::new("inner");
    let inner = Supervisor::spec("inner", move || tree.clone()).name(&name);
    let root = Supervisor::new(Strategy::OneForOne).child(inner).start().await.unwrap();
    let first = name.whereis().unwrap();
    first.kill();
    first.exited().await;
    settle().await;
    assert_ne!(name.whereis().expect("it starts again"), first);
    root.stop(ExitReason::Shutdown).await;

    let applications = Applications::new();
    let app = Application::new("app").root(Supervisor::new(Strategy::OneForOne).child(work()));
    applications.load(app).unwrap();
    for _ in 0..2 {
        let running = applications.start("app").await.unwrap();
        assert_eq!(running.root().count_children().await.unwrap().active, 1);
        applications.stop("app").await.unwrap();
    }
}

/// Holds a linked task in its state.
struct Keeper;

impl Actor for Keeper {
    type Msg = (Arc<Barrier>, Arc<Barrier>);
    type State = Task;
    type Arguments = Task;

    async fn pre_start(&self, _: ractor::ActorRef<Self::Msg>, task: Task) -> Result<Task, ActorProcessingErr> {
        Ok(task)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        (entered, gate): Self::Msg,
        _: &mut Task,
    ) -> Result<(), ActorProcessingErr> {
        entered.wait();
        gate.wait();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_linked_task_goes_with_the_state_of_a_zombie() {
    let task = Task::async_linked(std::future::pending::<()>());
    let work = task.actor().unwrap().clone();
    let task = std::sync::Mutex::new(Some(task));
    let supervisor = DynamicSupervisor::new()
        .kill_grace(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let spec = ChildSpec::worker("keeper", move || (Keeper, task.lock().unwrap().take().unwrap()));
    let keeper = supervisor.start_child(spec.restart(Restart::Temporary)).await.unwrap();
    let (entered, gate) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    keeper.cast((entered.clone(), gate.clone())).unwrap();
    tokio::task::spawn_blocking(move || entered.wait()).await.unwrap();
    keeper.kill();
    keeper.exited().await;
    assert!(work.is_alive());
    tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), work.exited()).await;
    assert!(matches!(ended, Ok(ExitReason::Killed)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_over_an_event_keeps_no_publisher_waiting() {
    quiet();
    let topic = PubSub::new().topic("rows");
    let mut subscription = topic.subscribe(Overflow::Block(1));
    topic.broadcast_wait(1, None).await.unwrap();
    let publisher = {
        let topic = topic.clone();
        tokio::spawn(async move { topic.broadcast_wait(2, None).await.is_ok() })
    };
    settle().await;
    let torn = catch_unwind(AssertUnwindSafe(|| {
        let _ = subscription.drain(9, |_| std::panic::panic_any("on purpose"));
    }));
    assert!(torn.is_err());
    let mut seen = Vec::new();
    let next = subscription.next_batch(9, |event| seen.push(*event));
    let next = tokio::time::timeout(Duration::from_secs(1), next).await;
    assert!(next.is_ok(), "there is room, and nobody told the publisher");
    assert!(publisher.await.unwrap());
    assert_eq!(seen, [2]);
}

/// A key that may not be hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fickle(bool);

impl Hash for Fickle {
    fn hash<H: Hasher>(&self, _: &mut H) {
        if self.0 {
            std::panic::panic_any("on purpose");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_hashed_is_the_callers_panic_and_no_more() {
    quiet();
    let registry: Registry<Fickle, Order> = Registry::unique("keys");
    let held = registry.lock(Fickle(false), async || {
        let locked = tokio::spawn({
            let registry = registry.clone();
            async move { registry.lock(Fickle(true), async || ()).await }
        });
        assert!(locked.await.unwrap_err().is_panic());
    });
    held.await;
    registry.lock(Fickle(false), async || ()).await;
}

/// Ends with `Normal` when it has started a child that links itself to it.
struct Starter(Name<Order>);

impl Actor for Starter {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, me: ractor::ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        let me = me.self_ref().unwrap();
        let mut script = Script::new("child", &Log::default());
        script.name = self.0.clone();
        script.slow_start = Duration::from_secs(1);
        let name = self.0.clone();
        let any = me.any();
        let linked_early = tokio::spawn(async move {
            name.wait(Duration::from_secs(5)).await.unwrap().link(&any);
        });
        script.spec().start_linked().await?;
        linked_early.await?;
        Err(ExitReason::Normal.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_was_linked_before_still_ends_with_its_starter() {
    let name = Name::new("child");
    let starter = {
        let name = name.clone();
        ChildSpec::worker("starter", move || (Starter(name.clone()), ()))
    };
    let starter = starter.start().await.unwrap();
    starter.cast(()).unwrap();
    assert!(matches!(starter.exited().await, ExitReason::Normal));
    settle().await;
    assert!(name.whereis().is_none());
}

/// Begins to start an actor, and then does not yield.
struct Midwife;

impl Actor for Midwife {
    type Msg = (Arc<Barrier>, Arc<Barrier>);
    type State = ChildSpec<Order>;
    type Arguments = ChildSpec<Order>;

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        spec: ChildSpec<Order>,
    ) -> Result<ChildSpec<Order>, ActorProcessingErr> {
        Ok(spec)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        (entered, gate): Self::Msg,
        spec: &mut ChildSpec<Order>,
    ) -> Result<(), ActorProcessingErr> {
        let mut start = Box::pin(spec.start());
        tokio::select! {
            biased;
            _ = &mut start => {}
            () = std::future::ready(()) => {}
        }
        entered.wait();
        gate.wait();
        drop(start.await);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_monitor_fires_though_a_zombie_brings_the_end_about() {
    let log = Log::default();
    let (mut child, watcher) = (Script::new("child", &log), Script::new("watcher", &log));
    child.slow_start = Duration::from_secs(60);
    let supervisor = DynamicSupervisor::new()
        .kill_grace(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let spec = child.spec();
    let midwife = ChildSpec::worker("midwife", move || (Midwife, spec.clone())).restart(Restart::Temporary);
    let midwife = supervisor.start_child(midwife).await.unwrap();
    let watcher = supervisor
        .start_child(watcher.nameless().restart(Restart::Temporary))
        .await
        .unwrap();
    let (entered, gate) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    midwife.cast((entered.clone(), gate.clone())).unwrap();
    tokio::task::spawn_blocking(move || entered.wait()).await.unwrap();
    watcher.monitor(&child.it(), |_, reason| Order::Exit(reason));
    midwife.kill();
    midwife.exited().await;
    assert!(child.it().is_alive());
    tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(5), watcher.exited()).await;
    assert!(matches!(told, Ok(ExitReason::Killed)), "{told:?}");
}
