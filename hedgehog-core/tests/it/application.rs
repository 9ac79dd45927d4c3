//! Applications, apart from their signals, which need a process of their own.

use crate::kit::{Log, Order, Script, settle};
use hedgehog_core::{Application, ExitReason, Outcome, Strategy, Supervisor};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_application_starts_and_stops_its_tree() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let root = Supervisor::new(Strategy::OneForOne).child(a.spec());
    let running = Application::new("app").root(root).start().await.unwrap();
    assert_eq!(running.root().tree().unwrap().path, "app");
    assert!(matches!(running.stop().await, ExitReason::Shutdown));
    assert_eq!(log.take(), ["start a", "stop a", "drop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_does_not_stop_in_time_is_killed() {
    let log = Log::default();
    let mut a = Script::new("a", &log);
    a.slow_stop = Duration::from_secs(3600);
    let root = Supervisor::new(Strategy::OneForOne).child(a.spec().shutdown(hedgehog_core::Shutdown::Infinity));
    let application = Application::new("app").root(root).stop_deadline(Duration::from_secs(1));
    let running = application.start().await.unwrap();
    assert!(matches!(running.stop().await, ExitReason::Killed));
    assert!(a.name.whereis().is_none());
}

#[tokio::test(start_paused = true)]
async fn run_returns_when_the_root_gives_up() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let root = Supervisor::new(Strategy::OneForOne).max_restarts(0).child(a.spec());
    let running = tokio::spawn(Application::new("app").root(root).run());
    a.name
        .wait(Duration::from_secs(1))
        .await
        .unwrap()
        .cast(Order::Fail("broken"))
        .unwrap();
    assert!(matches!(
        running.await.unwrap().unwrap(),
        Outcome::RootExited(ExitReason::Shutdown)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_names_the_child_through_the_whole_chain() {
    let log = Log::default();
    let deep = Script::new("deep", &log);
    deep.failing_starts.store(1, std::sync::atomic::Ordering::SeqCst);
    let spec = deep.spec();
    let inner = Supervisor::spec("inner", move || {
        Supervisor::new(Strategy::OneForOne).child(spec.clone())
    });
    let root = Supervisor::new(Strategy::OneForOne)
        .child(Script::new("first", &log).spec())
        .child(inner);
    let error = Application::new("app").root(root).start().await.unwrap_err();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    let told = [
        "application app did not start",
        "failed to start child inner",
        "failed to start child deep",
        "no start",
    ];
    assert_eq!(causes, told);
    assert_eq!(log.take(), ["start first", "nostart deep", "stop first", "drop first"]);
}

#[tokio::test(start_paused = true)]
async fn an_application_whose_starter_is_gone_when_it_stands_is_stopped_again() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let start = Application::new("app")
        .root(Supervisor::new(Strategy::OneForOne).child(a.spec()))
        .start();
    let mut start = Box::pin(start);
    tokio::select! {
        biased;
        _ = &mut start => unreachable!("a tree takes a moment"),
        () = std::future::ready(()) => {}
    }
    settle().await;
    assert!(a.name.whereis().is_some(), "it stands, and nobody has looked");
    drop(start);
    settle().await;
    assert!(a.name.whereis().is_none());
    assert_eq!(log.take(), ["start a", "stop a", "drop a"]);
}
