//! Reasons, monitors and what a dying child can do to others.

use crate::kit::{Log, Order, Script, quiet, settle};
use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, ExitReason, Restart, Strategy, Supervisor};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

async fn one(probe: &Script) -> hedgehog_core::SupervisorRef {
    Supervisor::new(Strategy::OneForOne)
        .child(probe.spec().restart(Restart::Temporary))
        .start()
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_way_to_end_has_its_typed_reason() {
    quiet();
    let log = Log::default();
    let a = Script::new("a", &log);
    let _s = one(&a).await;
    assert!(matches!(
        a.end(Order::Exit(ExitReason::Normal)).await,
        ExitReason::Normal
    ));
    let _s = one(&a).await;
    assert!(matches!(a.end(Order::Fail("why")).await, ExitReason::Error(why) if why.to_string() == "why"));
    let _s = one(&a).await;
    assert!(matches!(a.end(Order::Panic("on purpose")).await, ExitReason::Panic(text) if &*text == "on purpose"));
    let _s = one(&a).await;
    let it = a.it();
    it.stop(ExitReason::ShutdownWith("first".into()));
    it.stop(ExitReason::Normal);
    assert!(matches!(it.exited().await, ExitReason::ShutdownWith(detail) if &*detail == "first"));
    let _s = one(&a).await;
    let it = a.it();
    it.cast(Order::Hang).unwrap();
    it.kill();
    assert!(matches!(it.exited().await, ExitReason::Killed));
    assert!(matches!(it.exit_reason(), Some(ExitReason::Killed)));
}

#[tokio::test(start_paused = true)]
async fn monitors_fire_once_after_names_are_free_also_for_the_dead() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let _s = one(&a).await;
    let it = a.it();
    let fired = Arc::new(AtomicUsize::new(0));
    let watch = || {
        let (fired, name) = (fired.clone(), a.name.clone());
        it.on_exit(move |reason| {
            assert!(reason.is_clean());
            assert!(name.whereis().is_none(), "the name is free before the exit is told");
            fired.fetch_add(1, SeqCst);
        });
    };
    watch();
    let log_too = log.clone();
    it.on_cleanup(move || log_too.write("cleanup"));
    log.take();
    it.on_exit(|_| panic!("on purpose"));
    quiet();
    watch();
    it.stop(ExitReason::Shutdown);
    it.exited().await;
    assert_eq!(fired.load(SeqCst), 2);
    watch();
    assert_eq!(fired.load(SeqCst), 3);
    assert_eq!(log.take(), ["stop a", "drop a", "cleanup"]);
    assert!(!it.is_alive());
    assert!(it.cast(Order::Note("late")).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_panicking_drop_is_an_exit_reason_and_hurts_nobody() {
    quiet();
    let log = Log::default();
    let mut a = Script::new("a", &log);
    a.explosive_drop = true;
    let supervisor = Supervisor::new(Strategy::OneForOne).child(a.spec().restart(Restart::Transient));
    let supervisor = supervisor.start().await.unwrap();
    let reason = a.end(Order::Exit(ExitReason::Normal)).await;
    assert!(matches!(reason, ExitReason::Panic(text) if &*text == "explosive drop"));
    settle().await;
    assert_eq!(supervisor.which_children().await.unwrap()[0].restarts, 1);
    supervisor.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_follows_the_restarts_and_references_do_not() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let _s = Supervisor::new(Strategy::OneForOne)
        .child(a.spec())
        .start()
        .await
        .unwrap();
    let old = a.it();
    old.kill();
    old.exited().await;
    let new = a.name.wait(std::time::Duration::from_secs(1)).await.unwrap();
    assert_ne!(old, new);
    assert!(old.cast(Order::Note("lost")).is_err());
    assert!(a.name.cast(Order::Note("found")).is_ok());
}

struct Fragile;

struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("explosive future");
    }
}

impl Actor for Fragile {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    fn handle(
        &self,
        _: ractor::ActorRef<()>,
        (): (),
        (): &mut (),
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        let explosive = Explosive;
        std::future::poll_fn(move |_| {
            let _ = &explosive;
            std::task::Poll::Ready(Ok(()))
        })
    }
}

#[tokio::test]
async fn a_callback_whose_future_panics_when_it_is_dropped_ends_as_a_panic() {
    let fragile = ChildSpec::worker("fragile", || (Fragile, ())).start().await;
    let fragile = fragile.expect("it starts");
    fragile.cast(()).expect("it is alive");
    let reason = fragile.exited().await;
    assert!(
        matches!(&reason, ExitReason::Panic(text) if &**text == "explosive future"),
        "{reason:?}"
    );
}
