//! How children are stopped: by themselves, by their supervisor, in time or not.

use crate::kit::{Log, Order, Script, settle};
use hedgehog_core::{ExitReason, Restart, Shutdown, StartError, Strategy, Supervisor, TerminateError};
use std::time::Duration;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_static_supervisor_stops_one_child_after_the_other() {
    let log = Log::default();
    let mut probes = ["a", "b"].map(|id| Script::new(id, &log));
    for probe in &mut probes {
        probe.slow_stop = 300 * MS;
    }
    let supervisor = probes
        .iter()
        .map(Script::spec)
        .fold(Supervisor::new(Strategy::OneForOne), Supervisor::child);
    let supervisor = supervisor.start().await.unwrap();
    let began = Instant::now();
    supervisor.stop(ExitReason::Shutdown).await;
    assert!((600 * MS..700 * MS).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_takes_too_long_is_killed() {
    let log = Log::default();
    for (shutdown, expected) in [
        (Shutdown::Timeout(30 * MS), 30 * MS),
        (Shutdown::Timeout(Duration::ZERO), Duration::ZERO),
        (Shutdown::BrutalKill, Duration::ZERO),
    ] {
        let mut a = Script::new("a", &log);
        a.slow_stop = Duration::from_secs(60);
        let supervisor = Supervisor::new(Strategy::OneForOne)
            .child(a.spec().shutdown(shutdown))
            .start()
            .await
            .unwrap();
        let (child, began) = (a.it(), Instant::now());
        supervisor.stop(ExitReason::Shutdown).await;
        assert!(
            (expected..expected + 5 * MS).contains(&began.elapsed()),
            "{shutdown:?} took {:?}",
            began.elapsed()
        );
        assert!(matches!(child.exit_reason(), Some(ExitReason::Killed)));
        assert_eq!(log.take(), ["start a", "drop a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn infinity_waits_as_long_as_it_takes() {
    let log = Log::default();
    let mut a = Script::new("a", &log);
    a.slow_stop = Duration::from_secs(3600);
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(a.spec().shutdown(Shutdown::Infinity))
        .start()
        .await
        .unwrap();
    let child = a.it();
    supervisor.stop(ExitReason::Shutdown).await;
    assert!(matches!(child.exit_reason(), Some(ExitReason::Shutdown)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_overtakes_the_mailbox_unless_the_child_drains() {
    let log = Log::default();
    let (hasty, patient) = (Script::new("hasty", &log), Script::new("patient", &log));
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(patient.spec().drain())
        .child(hasty.spec());
    let supervisor = supervisor.start().await.unwrap();
    log.take();
    for probe in [&hasty, &patient] {
        // Busy with something else when the stop comes.
        probe.it().cast(Order::Pause(MS)).unwrap();
        for _ in 0..2 {
            probe.it().cast(Order::Note(probe.id)).unwrap();
        }
    }
    supervisor.stop(ExitReason::Shutdown).await;
    let seen = log.take();
    let handled = |id: &str| seen.iter().filter(|line| *line == id).count();
    assert_eq!((handled("hasty"), handled("patient")), (0, 2), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn terminate_child_answers_by_the_state_of_the_child() {
    let log = Log::default();
    let [a, b] = ["a", "b"].map(|id| Script::new(id, &log));
    let supervisor = Supervisor::new(Strategy::OneForAll)
        .child(a.spec())
        .child(b.spec())
        .start()
        .await
        .unwrap();
    let sibling = b.pid();
    assert!(
        matches!(supervisor.start_child(a.spec()).await, Err(StartError::AlreadyStarted { pid, .. }) if pid == a.pid())
    );
    supervisor.terminate_child("a").await.unwrap();
    assert!(a.name.whereis().is_none());
    supervisor.terminate_child("a").await.unwrap();
    assert!(matches!(
        supervisor.start_child(a.spec()).await,
        Err(StartError::AlreadyPresent { .. })
    ));
    assert_eq!(
        supervisor.terminate_child("nobody").await,
        Err(TerminateError::NotFound { child: "nobody".into() })
    );
    assert_eq!(b.pid(), sibling, "siblings are left alone");
    let temporary = Script::new("temporary", &log);
    supervisor
        .start_child(temporary.spec().restart(Restart::Temporary))
        .await
        .unwrap();
    supervisor.terminate_child("temporary").await.unwrap();
    assert_eq!(supervisor.count_children().await.unwrap().specs, 2);
    supervisor.stop(ExitReason::Normal).await;
    assert_eq!(supervisor.terminate_child("b").await, Err(TerminateError::NoProc));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_died_just_before_it_was_terminated_stays_down() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .max_restarts(0)
        .child(a.spec())
        .start()
        .await
        .unwrap();
    a.it().kill();
    // The exit is noticed only after the request that is queued here.
    supervisor.terminate_child("a").await.unwrap();
    settle().await;
    assert!(a.name.whereis().is_none());
    assert!(supervisor.whereis().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_started_in_a_callback_ends_with_the_actor_that_started_it() {
    let log = Log::default();
    let (owner, child) = (Script::new("owner", &log), Script::new("child", &log));
    let supervisor = Supervisor::new(Strategy::OneForOne).child(owner.spec().restart(Restart::Temporary));
    let _supervisor = supervisor.start().await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let spec = child.spec();
    let start = move || {
        // The callback cannot await here; the supervisor starts at once all the same.
        let start = Supervisor::new(Strategy::OneForOne).child(spec).start();
        let _ = tell.send(futures_util::FutureExt::now_or_never(start).unwrap().unwrap());
    };
    owner.it().cast(Order::Run(Box::new(move |_| start()))).unwrap();
    let inner = told.await.unwrap().whereis().unwrap();
    owner.end(Order::Exit(ExitReason::ShutdownWith("bye".into()))).await;
    assert!(matches!(inner.exited().await, ExitReason::ShutdownWith(bye) if &*bye == "bye"));
    assert!(child.name.whereis().is_none());
}
