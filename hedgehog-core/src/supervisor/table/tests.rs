use super::*;
use crate::{ActorProcessingErr, Task};
use std::time::Duration;

fn spec(id: &'static str, restart: Restart) -> Arc<ErasedSpec> {
    let spec = Task::spec(id, || async { Ok::<(), ActorProcessingErr>(()) });
    spec.restart(restart).erase()
}

fn table<const N: usize>(restart: Restart, ids: [&'static str; N]) -> (Table, [Place; N]) {
    let mut table = Table::default();
    let places = ids.map(|id| table.push(spec(id, restart)));
    (table, places)
}

fn run(table: &mut Table, at: Place) -> Arc<Incarnation> {
    let child = Incarnation::new(table.child(at).spec.id.clone(), Duration::ZERO);
    assert!(table.starting(at, child.clone()));
    table.started(at, child.clone());
    child
}

fn ids(table: &Table) -> Vec<ChildId> {
    table.info().into_iter().map(|child| child.id).collect()
}

#[test]
fn children_keep_their_order_when_others_go() {
    let (mut table, [_, b, c, _]) = table(Restart::Permanent, ["d", "b", "c", "a"]);
    table.remove(b);
    let again = table.push(spec("b", Restart::Permanent));
    assert_eq!(ids(&table), ["d", "c", "a", "b"]);
    assert_eq!(table.places(c..).len(), 3);
    assert!(again > c && table.len() == 4);
}

#[test]
fn children_of_one_id_are_found_together_and_no_others() {
    let (mut table, [x, _, other, _]) = table(Restart::Permanent, ["x", "w", "x", "xy"]);
    let with = |table: &Table, id| table.with_id(&ChildId::Borrowed(id)).collect::<Vec<_>>();
    assert_eq!(with(&table, "x"), [x, other]);
    table.remove(x);
    table.remove(x);
    assert_eq!(with(&table, "x"), [other]);
    assert_eq!(with(&table, "nobody"), []);
}

#[test]
fn only_the_present_incarnation_runs_but_the_last_one_still_names_the_child() {
    let (mut table, [_, b]) = table(Restart::Permanent, ["a", "b"]);
    let old = run(&mut table, b);
    assert_eq!(table.running(old.pid()), Some(b));
    table.exited(b, ExitReason::Killed);
    assert_eq!((table.running(old.pid()), table.with_pid(old.pid())), (None, Some(b)));
    let new = run(&mut table, b);
    assert_eq!((table.with_pid(old.pid()), table.running(new.pid())), (None, Some(b)));
    table.remove(b);
    assert_eq!(table.with_pid(new.pid()), None);
}

#[test]
fn an_exit_is_outstanding_from_when_it_can_be_seen_until_it_is_handled() {
    let (mut table, [a]) = table(Restart::Permanent, ["a"]);
    let dead = |table: &Table| {
        table
            .dead([a].into_iter())
            .iter()
            .map(|(pid, _)| *pid)
            .collect::<Vec<_>>()
    };
    let child = run(&mut table, a);
    assert_eq!(dead(&table), []);
    child.finish(ExitReason::Killed);
    assert_eq!(dead(&table), [child.pid()]);
    table.exited(a, ExitReason::Killed);
    assert_eq!(dead(&table), []);
}

#[test]
fn a_retry_is_valid_until_anything_else_happens_to_the_child() {
    let (mut table, [a]) = table(Restart::Permanent, ["a"]);
    let first = table.restarting(a);
    assert!(table.is_due(a, first));
    let second = table.restarting(a);
    assert!(!table.is_due(a, first) && table.is_due(a, second));
    table.stopped(a);
    assert!(!table.is_due(a, second));
    let third = table.restarting(a);
    table.remove(a);
    assert!(!table.is_due(a, third));
}

#[test]
fn a_group_restart_forgets_temporary_children_of_the_group_only() {
    let (mut table, [_, _, c, _]) = table(Restart::Temporary, ["a", "b", "c", "d"]);
    table.push(spec("e", Restart::Transient));
    table.remove_temporary(c..);
    assert_eq!(ids(&table), ["a", "b", "e"]);
}

#[test]
fn counts_tell_specs_from_processes() {
    let (mut table, [a, b, _]) = table(Restart::Permanent, ["a", "b", "c"]);
    run(&mut table, a);
    table.restarting(b);
    let count = table.count();
    assert_eq!(
        (count.specs, count.active, count.workers, count.supervisors),
        (3, 1, 3, 0)
    );
}

#[test]
fn a_closed_table_gives_up_whom_it_has_not_seen_end_and_takes_no_more() {
    let (mut table, [a, b, c]) = table(Restart::Permanent, ["a", "b", "c"]);
    let (running, dead) = (run(&mut table, a), run(&mut table, b));
    dead.finish(ExitReason::Killed);
    let starting = Incarnation::new("c".into(), Duration::ZERO);
    table.starting(c, starting.clone());
    let orphans: Vec<_> = table.close().iter().map(|orphan| orphan.pid()).collect();
    assert_eq!(orphans, [running.pid(), dead.pid(), starting.pid()]);
    assert!(!table.starting(b, Incarnation::new("b".into(), Duration::ZERO)));
}

#[test]
fn significant_children_count_as_active_until_they_are_stopped() {
    let mut table = Table::default();
    let plain = table.push(spec("plain", Restart::Transient));
    let [a, b, c] = ["a", "b", "c"].map(|id| {
        let task = Task::spec(id, || async { Ok::<(), ActorProcessingErr>(()) });
        table.push(task.restart(Restart::Transient).significant().erase())
    });
    for at in [plain, a, b] {
        run(&mut table, at);
    }
    table.restarting(c);
    assert_eq!(table.active_significant(), 3);
    table.stopped(a);
    table.exited(c, ExitReason::Normal);
    assert_eq!(table.active_significant(), 1);
    table.remove(b);
    assert_eq!(table.active_significant(), 0);
}

/// Looks at the table it was in when it is dropped, and fails.
struct Nosy(Arc<SharedTable>);

impl Drop for Nosy {
    fn drop(&mut self) {
        assert_eq!(self.0.lock().len(), 0);
        panic!("intended: dropping a spec");
    }
}

#[test]
fn what_a_spec_holds_is_dropped_where_it_can_do_no_harm() {
    let table = Arc::new(SharedTable::default());
    let nosy = Nosy(table.clone());
    let task = Task::spec("a", move || {
        let _ = &nosy;
        async { Ok::<(), ActorProcessingErr>(()) }
    });
    let at = table.lock().push(task.erase());
    table.lock().remove(at);
    assert_eq!(table.lock().len(), 0);
}

#[test]
fn what_an_incarnation_holds_is_dropped_where_it_can_do_no_harm() {
    struct Watch(Arc<SharedTable>, Arc<Mutex<Option<bool>>>);
    impl Drop for Watch {
        fn drop(&mut self) {
            *self.1.lock() = Some(self.0.0.is_locked());
        }
    }
    let table = Arc::new(SharedTable::default());
    let at = table.lock().push(spec("a", Restart::Permanent));
    let child = run(&mut table.lock(), at);
    let dropped_under_the_lock = Arc::default();
    let watch = Watch(table.clone(), Arc::clone(&dropped_under_the_lock));
    child.on_exit(move |_| drop(watch));
    drop(child);
    table.lock().exited(at, ExitReason::Killed);
    assert_eq!(*dropped_under_the_lock.lock(), Some(false));
}

/// A table of so many children, and where they stand.
fn crowd(children: usize) -> (Table, Vec<Place>) {
    let mut table = Table::default();
    let id = |id: usize| Task::spec(id.to_string(), || async { Ok::<(), ActorProcessingErr>(()) }).erase();
    let places = (0..children).map(|child| table.push(id(child))).collect();
    (table, places)
}

/// How long it takes to run a child, to find it in every way, to forget it and to enter another.
fn replace(table: &mut Table, at: &mut Place) -> Duration {
    let begin = std::time::Instant::now();
    let child = run(table, *at);
    let spec = table.child(*at).spec.clone();
    assert_eq!(table.running(child.pid()), Some(*at));
    assert_eq!(table.with_id(&spec.id).next(), Some(*at));
    assert_eq!(table.restarting_namesake(&spec), None);
    table.exited(*at, ExitReason::Normal);
    table.remove(*at);
    *at = table.push(spec);
    begin.elapsed()
}

#[test]
fn a_child_costs_the_same_among_many() {
    let mut crowds = [crowd(100), crowd(20_000)];
    let mut times = [Vec::new(), Vec::new()];
    // In turns, and of each the median: a machine that is busy is so for both.
    for round in 0..1_001 {
        for ((table, places), times) in crowds.iter_mut().zip(&mut times) {
            let child = round * 7_919 % places.len();
            times.push(replace(table, &mut places[child]));
        }
    }
    let [few, many] = times.map(|mut times| *times.select_nth_unstable(500).1);
    assert!(
        many < few * 10,
        "{few:?} among a hundred, {many:?} among twenty thousand"
    );
}
