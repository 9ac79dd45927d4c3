//! How trees come up, and what a failed start leaves behind.

use crate::kit::{Log, Script, quiet, settle};
use hedgehog_core::{
    Actor, ActorProcessingErr, ChildSpec, ExitReason, Name, Restart, StartError, Strategy, Supervisor, ractor,
};
use std::{sync::atomic::Ordering::SeqCst, time::Duration};

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse() {
    let log = Log::default();
    let [a, b, c] = ["a", "b", "c"].map(|id| Script::new(id, &log));
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(a.spec())
        .child(b.spec())
        .child(c.spec());
    let supervisor = supervisor.start().await.unwrap();
    assert_eq!(log.take(), ["start a", "start b", "start c"]);
    assert!(matches!(
        supervisor.stop(ExitReason::Shutdown).await,
        ExitReason::Shutdown
    ));
    assert_eq!(log.take(), ["stop c", "drop c", "stop b", "drop b", "stop a", "drop a"]);
    assert!(a.name.whereis().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_at_boot_takes_the_started_ones_down_again() {
    let log = Log::default();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| Script::new(id, &log));
    c.failing_starts.store(1, SeqCst);
    let specs = [a.spec(), b.spec(), c.spec().restart(Restart::Temporary), d.spec()];
    let supervisor = specs
        .into_iter()
        .fold(Supervisor::new(Strategy::OneForOne), Supervisor::child);
    let error = supervisor.start().await.unwrap_err();
    assert!(
        matches!(&error, StartError::FailedToStartChild { id, .. } if id == "c"),
        "{error}"
    );
    assert_eq!(
        log.take(),
        [
            "start a",
            "start b",
            "nostart c",
            "stop b",
            "drop b",
            "stop a",
            "drop a"
        ]
    );
    assert!([a, b, c, d].iter().all(|probe| probe.name.whereis().is_none()));
}

#[tokio::test(start_paused = true)]
async fn an_ignored_start_is_no_failure() {
    let log = Log::default();
    let [a, b, c] = ["a", "b", "c"].map(|id| Script::new(id, &log));
    a.ignored_starts.store(1, SeqCst);
    b.ignored_starts.store(1, SeqCst);
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(a.spec())
        .child(b.spec().restart(Restart::Temporary))
        .child(c.spec())
        .start()
        .await
        .unwrap();
    let children = supervisor.which_children().await.unwrap();
    let seen: Vec<_> = children
        .iter()
        .map(|child| (&*child.id, child.pid().is_some()))
        .collect();
    assert_eq!(seen, [("a", false), ("c", true)]);
    assert!(matches!(
        supervisor.start_child(a.spec()).await,
        Err(StartError::AlreadyPresent { .. })
    ));
    b.ignored_starts.store(1, SeqCst);
    let ignored = supervisor.start_child(b.spec().restart(Restart::Temporary)).await;
    assert!(matches!(ignored, Err(StartError::Ignore)));
    assert_eq!(supervisor.count_children().await.unwrap().specs, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_factory_or_init_is_a_failed_start() {
    quiet();
    let supervisor = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let factory = ChildSpec::worker("factory", || -> (Fragile, bool) { panic!("on purpose") });
    let error = supervisor.start_child(factory).await.unwrap_err();
    assert!(
        matches!(cause(&error), StartError::Panicked(text) if &**text == "on purpose"),
        "{error:?}"
    );
    let name = Name::new("init");
    let error = supervisor
        .start_child(ChildSpec::worker("init", || (Fragile, true)).name(&name))
        .await
        .unwrap_err();
    assert!(
        matches!(cause(&error), StartError::Panicked(text) if &**text == "on purpose"),
        "{error:?}"
    );
    assert!(name.whereis().is_none());
    // The specs are forgotten, and the supervisor is well.
    assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
}

fn cause(error: &StartError) -> &StartError {
    match error {
        StartError::FailedToStartChild { source, .. } => cause(source),
        error => error,
    }
}

struct Fragile;

impl Actor for Fragile {
    type Msg = ();
    type State = ();
    type Arguments = bool;

    async fn pre_start(&self, _: ractor::ActorRef<()>, panics: bool) -> Result<(), ActorProcessingErr> {
        assert!(!panics, "on purpose");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_bound_before_init_and_refused_while_its_holder_lives() {
    let log = Log::default();
    let mut slow = Script::new("slow", &log);
    slow.slow_start = Duration::from_secs(1);
    let supervisor = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let starting = tokio::spawn({
        let (supervisor, spec) = (supervisor.clone(), slow.spec());
        async move { supervisor.start_child(spec).await }
    });
    settle().await;
    let early = slow.it();
    assert!(log.take().is_empty(), "init has not finished");
    assert_eq!(starting.await.unwrap().unwrap(), early);

    let other = Script::new("other", &log);
    let clash = supervisor
        .start_child(other.nameless().name(&slow.name))
        .await
        .unwrap_err();
    assert!(
        matches!(clash, StartError::AlreadyRegistered { holder, .. } if holder == early.pid()),
        "{clash:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn two_children_of_one_id_are_refused() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let twice = Supervisor::new(Strategy::OneForOne)
        .child(a.nameless())
        .child(a.nameless());
    assert!(matches!(twice.start().await, Err(StartError::DuplicateId { id }) if id == "a"));
    assert!(log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_start_half_way_leaves_nothing_behind() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let mut slow = Script::new("slow", &log);
    slow.slow_start = Duration::from_secs(60);
    let inner = {
        let (a, slow) = (a.clone(), slow.clone());
        Supervisor::spec("inner", move || {
            Supervisor::new(Strategy::OneForOne).child(a.spec()).child(slow.spec())
        })
    };
    let start = Supervisor::new(Strategy::OneForOne).child(inner).start();
    assert!(tokio::time::timeout(Duration::from_secs(1), start).await.is_err());
    settle().await;
    assert!(a.name.whereis().is_none() && slow.name.whereis().is_none());
    assert_eq!(log.take(), ["start a", "drop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_killed_during_a_childs_init_leaves_no_name_taken() {
    let log = Log::default();
    let mut slow = Script::new("slow", &log);
    slow.slow_start = Duration::from_secs(60);
    let supervisor = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let starting = tokio::spawn({
        let (supervisor, spec) = (supervisor.clone(), slow.spec());
        async move { supervisor.start_child(spec).await }
    });
    settle().await;
    let child = slow.it();
    supervisor.whereis().unwrap().kill();
    assert!(matches!(child.exited().await, ExitReason::Killed));
    assert!(matches!(starting.await.unwrap(), Err(StartError::NoProc)));
    assert!(slow.name.whereis().is_none());
}
