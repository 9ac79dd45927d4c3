//! Snapshots of the live tree.

use crate::kit::{Log, Order, Script, settle};
use hedgehog_core::{
    ChildKind, ChildState, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name, Strategy, Supervisor,
};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn the_tree_shows_paths_states_restarts_and_uptimes() {
    let log = Log::default();
    let (a, b) = (Script::new("a", &log), Script::new("b", &log));
    let workers = Name::new("the workers");
    let root = Supervisor::new(Strategy::OneForOne)
        .label("Root")
        .child(a.spec())
        .child(DynamicSupervisor::spec("Workers", DynamicSupervisor::new).name(&workers))
        .start()
        .await
        .unwrap();
    DynamicSupervisorRef::from(&workers)
        .start_child(b.spec())
        .await
        .unwrap();
    a.end(Order::Fail("broken")).await;
    settle().await;
    tokio::time::advance(Duration::from_secs(2)).await;

    let tree = root.tree().unwrap();
    let paths: Vec<_> = tree.iter().map(|node| node.path.as_str()).collect();
    assert_eq!(paths, ["Root", "Root/a", "Root/Workers", "Root/Workers/b"]);
    let node = tree.find("Root/a").unwrap();
    assert_eq!(
        (node.state, node.kind, node.restarts),
        (ChildState::Running, ChildKind::Worker, 1)
    );
    assert_eq!(node.last_exit.as_deref(), Some("error: broken"));
    assert_eq!(node.pid, Some(a.pid()));
    assert!(node.uptime.unwrap() >= Duration::from_secs(2));
    assert_eq!(tree.find("Root/Workers").unwrap().name.as_deref(), Some("the workers"));
    assert!(tree.find("Root/nobody").is_none());
    assert!(tree.to_string().contains("\n    b <0."), "{tree}");
    tree.find("Root/Workers/b").unwrap().actor().unwrap().kill();
    settle().await;
    assert_eq!(root.tree().unwrap().find("Root/Workers/b").unwrap().restarts, 1);
    root.stop(ExitReason::Shutdown).await;
    assert!(root.tree().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_tree_of_a_busy_supervisor_can_be_read() {
    let log = Log::default();
    let mut slow = Script::new("slow", &log);
    slow.slow_start = Duration::from_secs(3600);
    let root = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let starting = tokio::spawn({
        let root = root.clone();
        async move { root.start_child(slow.spec()).await }
    });
    settle().await;
    assert_eq!(
        root.tree().unwrap().find("supervisor/slow").unwrap().state,
        ChildState::Starting
    );
    root.whereis().unwrap().kill();
    assert!(starting.await.unwrap().is_err());
}
