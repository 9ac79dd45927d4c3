use super::*;
use crate::{ActorProcessingErr, Task};
use std::time::Duration;

fn run(table: &mut Table, id: &'static str) -> Arc<Incarnation> {
    let spec = Task::spec(id, || async { Ok::<(), ActorProcessingErr>(()) }).erase();
    let child = Incarnation::new(id.into(), Duration::ZERO);
    assert!(table.insert(spec, &child));
    table.started(child.pid(), &child);
    child
}

#[test]
fn children_of_one_id_are_found_together_and_no_others() {
    let mut table = Table::default();
    let [a, _, other] = ["x", "w", "x"].map(|id| run(&mut table, id).pid());
    run(&mut table, "xy");
    assert_eq!(table.with_id(&"x".into()), [a, other]);
    assert!(table.remove(a) && !table.remove(a));
    assert_eq!(table.with_id(&"x".into()), [other]);
    assert_eq!(table.with_id(&"nobody".into()), []);
}

#[test]
fn a_child_moves_to_the_pid_of_its_next_incarnation() {
    let mut table = Table::default();
    let old = run(&mut table, "x");
    table.restarting(old.pid(), Some(ExitReason::Killed));
    assert!(table.running(old.pid()).is_none(), "its exit was handled");
    let new = Incarnation::new("x".into(), Duration::ZERO);
    assert!(table.reincarnate(old.pid(), &new).is_some());
    table.started(old.pid(), &new);
    assert!(table.running(old.pid()).is_none() && table.running(new.pid()).is_some());
    assert_eq!((table.with_id(&"x".into()), table.len()), (vec![new.pid()], 1));
}

#[test]
fn a_retry_is_valid_until_anything_else_happens_to_the_child() {
    let mut table = Table::default();
    let child = run(&mut table, "x").pid();
    let first = table.restarting(child, None).expect("entered above");
    let second = table.restarting(child, None).expect("entered above");
    assert!(!table.is_current(first) && table.is_current(second));
    table.remove(child);
    assert!(!table.is_current(second));
}

#[test]
fn a_closed_table_gives_up_its_living_and_takes_no_more() {
    let mut table = Table::default();
    let (running, dead) = (run(&mut table, "x"), run(&mut table, "y"));
    dead.finish(ExitReason::Killed);
    let orphans: Vec<_> = table.close().iter().map(|orphan| orphan.pid()).collect();
    assert_eq!(orphans, [running.pid()]);
    assert!(
        table
            .reincarnate(dead.pid(), &Incarnation::new("y".into(), Duration::ZERO))
            .is_none()
    );
}
