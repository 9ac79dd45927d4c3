use super::*;
use crate::{Actor, ActorProcessingErr, ChildSpec};
use std::time::Duration;

struct Nobody;

impl Actor for Nobody {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

fn spec(id: &'static str, restart: Restart) -> Arc<ErasedSpec> {
    ChildSpec::worker(id, || (Nobody, ())).restart(restart).erase()
}

fn table(ids: &[&'static str]) -> Table {
    Table::new(ids.iter().map(|id| spec(id, Restart::Permanent)).collect())
}

fn run(table: &mut Table, at: usize) -> Arc<Incarnation> {
    let child = Incarnation::new(table.spec(at).id.clone(), Duration::ZERO);
    assert!(table.starting(at, child.clone()));
    table.started(at, child.clone());
    child
}

#[test]
fn only_the_present_incarnation_is_found() {
    let mut table = table(&["a", "b"]);
    let old = run(&mut table, 1);
    assert_eq!(table.by_pid(old.pid()), Some(1));
    table.exited(1, ExitReason::Killed);
    assert_eq!(table.by_pid(old.pid()), None);
    let new = run(&mut table, 1);
    assert_eq!((table.by_pid(old.pid()), table.by_pid(new.pid())), (None, Some(1)));
}

#[test]
fn a_retry_is_valid_until_anything_else_happens_to_the_child() {
    let mut table = table(&["a"]);
    let first = table.restarting(0);
    assert_eq!(table.by_attempt(first), Some(0));
    let second = table.restarting(0);
    assert_eq!((table.by_attempt(first), table.by_attempt(second)), (None, Some(0)));
    table.stopped(0);
    assert_eq!(table.by_attempt(second), None);
}

#[test]
fn a_group_restart_forgets_temporary_children_of_the_group_only() {
    let ids = ["a", "b", "c", "d"];
    let mut table = Table::new(ids.iter().map(|id| spec(id, Restart::Temporary)).collect());
    table.remove_temporary(2);
    assert_eq!(
        table.info().iter().map(|child| &*child.id).collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[test]
fn counts_tell_specs_from_processes() {
    let mut table = table(&["a", "b", "c"]);
    run(&mut table, 0);
    table.restarting(1);
    let count = table.count();
    assert_eq!(
        (count.specs, count.active, count.workers, count.supervisors),
        (3, 1, 3, 0)
    );
}

#[test]
fn a_closed_table_gives_up_its_living_and_takes_no_more() {
    let mut table = table(&["a", "b", "c"]);
    let (running, dead) = (run(&mut table, 0), run(&mut table, 1));
    dead.finish(ExitReason::Killed);
    let starting = Incarnation::new("c".into(), Duration::ZERO);
    table.starting(2, starting.clone());
    let orphans: Vec<_> = table.close().iter().map(|orphan| orphan.pid()).collect();
    assert_eq!(orphans, [running.pid(), starting.pid()]);
    assert!(!table.starting(1, Incarnation::new("b".into(), Duration::ZERO)));
}

#[test]
fn significant_children_count_as_active_until_they_are_stopped() {
    let [a, b, c] = ["a", "b", "c"].map(|id| {
        let spec = ChildSpec::worker(id, || (Nobody, ()));
        spec.restart(Restart::Transient).significant().erase()
    });
    let mut table = Table::new(vec![spec("plain", Restart::Transient), a, b, c]);
    for at in 0..3 {
        run(&mut table, at);
    }
    table.restarting(3);
    assert_eq!(table.active_significant(), 3);
    table.stopped(1);
    table.exited(3, ExitReason::Normal);
    assert_eq!(table.active_significant(), 1);
}
