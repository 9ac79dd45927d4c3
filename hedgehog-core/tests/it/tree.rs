//! Snapshots of the live tree.

use crate::kit::{Log, Order, Script, settle};
use hedgehog_core::{
    ChildKind, ChildState, DynamicSupervisor, DynamicSupervisorRef, ExitReason, Name, Overflow, PubSub, Strategy,
    Supervisor, TreeNode,
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
    let line = format!(
        "Root {}, up 2s, bore 1 of 3 restarts in 5s\n  a {}, up 2s, restarts 1, ",
        tree.pid.unwrap(),
        a.pid()
    );
    assert!(tree.to_string().starts_with(&line), "{tree}");
    assert!(tree.to_string().contains("\n  Workers named the workers <0."), "{tree}");
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

#[tokio::test(start_paused = true)]
async fn a_supervisor_shows_how_near_it_is_to_giving_up() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let root = Supervisor::new(Strategy::OneForOne)
        .max_restarts(2)
        .max_seconds(Duration::from_secs(3))
        .child(a.spec());
    let root = root.start().await.unwrap();
    let window = || {
        let window = root.tree().unwrap().restart_window.unwrap();
        (window.restarts, window.max_restarts, window.max_seconds)
    };
    let max_seconds = Duration::from_secs(3);
    assert_eq!(window(), (0, 2, max_seconds));
    for borne in 1..=2 {
        a.end(Order::Fail("broken")).await;
        settle().await;
        assert_eq!(window(), (borne, 2, max_seconds));
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    // The first has left the window.
    assert_eq!(window(), (1, 2, max_seconds));
    assert!(root.tree().unwrap().children[0].restart_window.is_none());
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn a_pubsub_in_the_tree_shows_its_topics() {
    let pubsub = PubSub::new();
    let root = Supervisor::new(Strategy::OneForOne).child(pubsub.spec("prices"));
    let root = root.start().await.unwrap();
    let mut slow = pubsub.subscribe("BTCUSDT", Overflow::DropOldest(2));
    (1..=5).for_each(|price| pubsub.broadcast("BTCUSDT", price));
    let topic = |tree: &TreeNode| {
        let topic = &tree.find("supervisor/prices").unwrap().topics[0];
        let slow = &topic.subscribers[0];
        (topic.name.to_string(), topic.published, slow.lagged, slow.lag)
    };
    let tree = root.tree().unwrap();
    assert_eq!(topic(&tree), ("BTCUSDT".to_owned(), 5, 3, 5));
    let line = "topic BTCUSDT: published 5, subscribers 1, lag 5 (high 5), lost 3";
    assert!(tree.to_string().contains(line), "{tree}");
    assert!(tree.to_dot().contains(line));
    let _ = slow.drain(usize::MAX, |_| ());
    assert_eq!(topic(&root.tree().unwrap()).3, 0);
    root.stop(ExitReason::Shutdown).await;
}

#[tokio::test(start_paused = true)]
async fn the_tree_as_json() {
    let log = Log::default();
    let a = Script::new("a", &log);
    let root = Supervisor::new(Strategy::OneForOne).child(a.spec());
    let root = root.start().await.unwrap();
    a.end(Order::Fail("broken")).await;
    settle().await;
    let (tree, uptime) = (root.tree().unwrap(), 1);
    let expected = serde_json::json!({
        "path": "supervisor",
        "id": "supervisor",
        "kind": "supervisor",
        "name": null,
        "state": "running",
        "pid": tree.pid.unwrap().as_u64(),
        "restarts": 0,
        "restart_window": { "restarts": 1, "max_restarts": 3, "max_seconds": 5.0 },
        "uptime_ms": uptime,
        "last_exit": null,
        "children": [{
            "path": "supervisor/a",
            "id": "a",
            "kind": "worker",
            "name": "a",
            "state": "running",
            "pid": a.pid().as_u64(),
            "restarts": 1,
            "restart_window": null,
            "uptime_ms": uptime,
            "last_exit": "error: broken",
            "children": [],
        }],
    });
    assert_eq!(serde_json::to_value(&tree).unwrap(), expected);
    let read: hedgehog_core::TreeNode = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), expected);
    assert!(read.actor().is_none() && read.to_dot() == tree.to_dot());
    root.stop(ExitReason::Shutdown).await;
}
