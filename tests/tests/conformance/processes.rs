//! Timers, monitors, links and exits: what Elixir's `Process` gives to every process.

use hedgehog_tests::suite;

#[suite]
pub(crate) mod timers {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use hedgehog_core::{ActorRef, ExitReason, Timer};
    use hedgehog_tests::scenario::{Command, INTENDED, Journal, Probe, eventually, settle};
    use parking_lot::Mutex;
    use tokio::time::{Instant, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    async fn started() -> (Journal, Probe, ActorRef<Command>) {
        let journal = Journal::new();
        let probe = Probe::new("a", &journal);
        let actor = probe.spec().start().await.expect("start");
        let _ = journal.take();
        (journal, probe, actor)
    }

    #[row("PROC-006")]
    async fn waits_may_be_longer_than_32_bits_of_milliseconds() {
        let (journal, probe, actor) = started().await;
        let long = Duration::from_millis(1 << 32);
        let (far, farther) = (actor.send_after(long, Command::Note("at last")), Command::Note("never"));
        let never = actor.send_after(Duration::MAX, farther);
        assert_eq!((far.remaining(), never.remaining()), (Some(long), Some(Duration::MAX)));
        sleep(Duration::from_hours(24)).await;
        assert_eq!(far.remaining(), long.checked_sub(Duration::from_hours(24)));
        assert_eq!(journal.take(), "");
        probe.tell(Command::Wait(long));
        let begin = Instant::now();
        actor.call(Command::Ping, long + SECOND).await.expect("a reply");
        assert_eq!(begin.elapsed(), long);
        settle().await;
        assert_eq!(journal.take(), "note a: at last");
        actor.call(Command::Ping, Duration::MAX).await.expect("a reply");
        actor
            .stop_and_wait(ExitReason::Normal, Duration::MAX)
            .await
            .expect("it ran");
        assert_eq!(never.remaining(), None);
    }

    #[row("PROC-009")]
    async fn message_comes_once_when_its_delay_is_over() {
        let (journal, _, actor) = started().await;
        actor.send_after(10 * SECOND, Command::Note("ten"));
        let zero = actor.send_after(Duration::ZERO, Command::Note("zero"));
        assert_eq!(journal.take(), "", "not before it is this one's turn");
        settle().await;
        assert_eq!((journal.take().as_str(), zero.remaining()), ("note a: zero", None));
        sleep(9 * SECOND).await;
        assert_eq!(journal.take(), "");
        sleep(SECOND).await;
        assert_eq!(journal.take(), "note a: ten");
        sleep(100 * SECOND).await;
        assert_eq!(journal.take(), "");
    }

    #[row("PROC-010")]
    async fn message_comes_at_its_instant() {
        let (journal, _, actor) = started().await;
        sleep(SECOND).await;
        let at = Instant::now() + 5 * SECOND;
        let timer = actor.send_at(at, Command::Note("on time"));
        actor.send_at(Instant::now() - SECOND, Command::Note("over"));
        assert_eq!(timer.remaining(), Some(5 * SECOND));
        settle().await;
        assert_eq!(journal.take(), "note a: over");
        tokio::time::sleep_until(at - Duration::from_millis(2)).await;
        settle().await;
        assert_eq!(journal.take(), "");
        tokio::time::sleep_until(at).await;
        settle().await;
        assert_eq!(journal.take(), "note a: on time");
    }

    #[row("PROC-011")]
    async fn timer_is_read_and_cancelled() {
        let (journal, _, actor) = started().await;
        let timer = actor.send_after(10 * SECOND, Command::Note("never"));
        sleep(4 * SECOND).await;
        assert_eq!(timer.remaining(), Some(6 * SECOND));
        assert_eq!(timer.cancel(), Some(6 * SECOND));
        assert_eq!((timer.cancel(), timer.remaining()), (None, None));
        sleep(100 * SECOND).await;
        assert_eq!(journal.take(), "");
        let fired = actor.send_after(SECOND, Command::Note("fired"));
        sleep(2 * SECOND).await;
        assert_eq!((fired.remaining(), fired.cancel()), (None, None));
        assert_eq!(journal.take(), "note a: fired");
    }

    #[row("PROC-011", real_time)]
    async fn cancelled_timer_never_fires_not_even_when_it_is_just_due() {
        let (journal, _, actor) = started().await;
        let mut expected = 0;
        for round in 0..500 {
            let timer = actor.send_after(Duration::from_millis(1), Command::Note("fired"));
            if round % 2 == 0 {
                eventually("it is due", || timer.remaining().is_none_or(|left| left.is_zero())).await;
            }
            expected += usize::from(timer.cancel().is_none());
        }
        actor.call(Command::Ping, None).await.expect("a reply");
        assert_eq!(journal.take().matches("fired").count(), expected);
    }

    #[invariant]
    async fn interval_ticks_until_it_is_cancelled() {
        let (journal, probe, actor) = started().await;
        let timer = actor.send_interval(SECOND, || Command::Note("tick"));
        sleep(3 * SECOND + SECOND / 2).await;
        assert_eq!(journal.take(), ["note a: tick"; 3].join(", "));
        assert_eq!(timer.remaining(), Some(SECOND / 2));
        // The distance is kept, whatever the actor takes.
        probe.tell(Command::Wait(2 * SECOND));
        sleep(2 * SECOND + SECOND / 4).await;
        assert_eq!(journal.take(), ["note a: tick"; 2].join(", "));
        assert_eq!(timer.cancel(), Some(SECOND / 4));
        sleep(10 * SECOND).await;
        assert_eq!(journal.take(), "");

        let beside = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&beside);
        let panicking = actor.send_interval(Duration::ZERO, move || {
            let tick = count.fetch_add(1, Ordering::SeqCst);
            assert!(tick == 0, "{INTENDED}a message fails");
            Command::Note("last")
        });
        sleep(10 * SECOND).await;
        assert_eq!((journal.take().as_str(), panicking.remaining()), ("note a: last", None));
        assert_eq!(beside.load(Ordering::SeqCst), 2);
    }

    #[invariant]
    async fn timers_of_an_actor_are_void_when_its_exit_can_be_seen() {
        let (_, _, actor) = started().await;
        let timers = [
            actor.send_after(SECOND, Command::Panic),
            actor.send_interval(SECOND, || Command::Panic),
        ];
        let seen: Arc<Mutex<Option<[Option<Duration>; 2]>>> = Arc::default();
        let (told, mine) = (Arc::clone(&seen), timers.clone());
        actor.on_exit(move |_| *told.lock() = Some(mine.each_ref().map(Timer::remaining)));
        actor.kill();
        actor.exited().await;
        assert_eq!(*seen.lock(), Some([None; 2]));
        assert_eq!(timers.each_ref().map(Timer::cancel), [None; 2]);
        assert_eq!(actor.send_after(SECOND, Command::Panic).remaining(), None);
    }

    #[invariant(real_time)]
    async fn timers_of_a_fenced_actor_are_void_and_it_can_set_no_more() {
        let (journal, _, victim) = started().await;
        let other = Probe::new("other", &journal);
        let other_actor = other.spec().start().await.expect("start");
        let before = victim.send_after(SECOND, Command::Panic);
        let (late, target, log) = (Arc::new(Mutex::new(None)), other_actor.clone(), journal.clone());
        let told = Arc::clone(&late);
        let zombie = victim.clone();
        victim
            .cast(Command::Run(Box::new(move |_| {
                Box::pin(async move {
                    log.record("blocked");
                    while zombie.is_alive() {
                        thread::sleep(Duration::from_millis(1));
                    }
                    let timer = target.send_after(Duration::ZERO, Command::Note("from beyond"));
                    *told.lock() = Some(timer.remaining());
                })
            })))
            .expect("it runs");
        eventually("it blocks", || journal.contains("blocked")).await;
        victim.kill();
        victim.exited().await;
        assert_eq!(before.remaining(), None);
        eventually("it has come to its end", || late.lock().is_some()).await;
        assert_eq!(*late.lock(), Some(None));
        other_actor.call(Command::Ping, None).await.expect("a reply");
        assert!(!journal.contains("note other: from beyond"));
    }
}

#[suite]
pub(crate) mod exits {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{ActorRef, ExitReason, RpcReplyPort};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};
    use parking_lot::Mutex;

    async fn pair() -> [ActorRef<Command>; 2] {
        let journal = Journal::new();
        let [a, b] = ["a", "b"].map(|name| Probe::new(name, &journal).spec());
        [a.start().await.expect("start"), b.start().await.expect("start")]
    }

    #[row("PROC-012")]
    async fn exit_signal_ends_its_target_unless_its_reason_is_normal() {
        let [a, b] = pair().await;
        a.link(&b);
        a.stop_and_wait(ExitReason::Normal, None).await.expect("it ran");
        settle().await;
        assert!(b.is_alive(), "a normal end is no reason to end");
        for reason in [
            ExitReason::Shutdown,
            ExitReason::ShutdownWith("enough".into()),
            ExitReason::Killed,
            ExitReason::Panic("oops".into()),
        ] {
            // Either end, whoever linked them.
            for swap in [false, true] {
                let [mut a, mut b] = pair().await;
                a.link(&b);
                if swap {
                    std::mem::swap(&mut a, &mut b);
                }
                a.stop(reason.clone());
                assert_eq!(b.exited().await.to_string(), reason.to_string());
            }
        }
    }

    #[invariant]
    async fn link_to_the_dead_passes_their_end_on_at_once() {
        for (reason, ends) in [(ExitReason::Normal, false), (ExitReason::Shutdown, true)] {
            for swap in [false, true] {
                let [dead, alive] = pair().await;
                dead.stop_and_wait(reason.clone(), None).await.expect("it ran");
                if swap {
                    dead.link(&alive);
                } else {
                    alive.link(&dead);
                }
                settle().await;
                assert_eq!(alive.is_alive(), !ends);
            }
        }
    }

    #[invariant]
    async fn unlinked_actors_end_alone() {
        let [a, b] = pair().await;
        a.link(&b);
        b.link(&a);
        b.unlink(&a);
        a.kill();
        a.exited().await;
        settle().await;
        assert!(b.is_alive());
    }

    #[row("PROC-013")]
    async fn actor_that_ends_itself_normally_ends_with_normal() {
        let probe = Probe::new("a", &Journal::new());
        let actor = probe.spec().start().await.expect("start");
        actor.cast(Command::Exit(ExitReason::Normal)).expect("it runs");
        assert_eq!(word(&actor.exited().await), "normal");
    }

    #[row("PROC-015")]
    async fn reply_port_takes_exactly_one_reply() {
        let [a, _] = pair().await;
        // A second reply does not compile, for `send` consumes the port; after a call there is nobody to take one either.
        let kept: Arc<Mutex<Option<RpcReplyPort<u8>>>> = Arc::default();
        let keep = Arc::clone(&kept);
        let make = move |reply: RpcReplyPort<u8>| {
            Command::Run(Box::new(move |_| Box::pin(async move { *keep.lock() = Some(reply) })))
        };
        let caller = tokio::spawn(async move { a.call(make, None).await });
        settle().await;
        let port = kept.lock().take().expect("the request was handled");
        port.send(1).expect("the caller waits");
        assert_eq!(caller.await.expect("the caller's task").ok(), Some(1));

        let [a, _] = pair().await;
        let keep = Arc::clone(&kept);
        let make = move |reply: RpcReplyPort<u8>| {
            Command::Run(Box::new(move |_| Box::pin(async move { *keep.lock() = Some(reply) })))
        };
        a.call(make, Duration::from_secs(1)).await.expect_err("nobody replies");
        let port = kept.lock().take().expect("the request was handled");
        assert!(port.send(2).is_err(), "the caller has gone");
    }
}

#[suite]
pub(crate) mod monitors {
    use std::time::Duration;

    use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, ChildSpec, ExitReason, Pid, RpcReplyPort, ractor};
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};

    /// Tells of the ends that it was told.
    struct Watcher;

    enum Msg {
        Down(Pid, ExitReason),
        Told(RpcReplyPort<Vec<(Pid, &'static str)>>),
    }

    impl Actor for Watcher {
        type Msg = Msg;
        type State = Vec<(Pid, &'static str)>;
        type Arguments = ();

        async fn pre_start(&self, _: ractor::ActorRef<Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
            Ok(Vec::new())
        }

        async fn handle(
            &self,
            _: ractor::ActorRef<Msg>,
            msg: Msg,
            seen: &mut Self::State,
        ) -> Result<(), ActorProcessingErr> {
            match msg {
                Msg::Down(pid, reason) => seen.push((pid, word(&reason))),
                Msg::Told(reply) => drop(reply.send(seen.clone())),
            }
            Ok(())
        }
    }

    async fn watcher() -> ActorRef<Msg> {
        ChildSpec::worker("watcher", || (Watcher, ()))
            .start()
            .await
            .expect("start")
    }

    #[invariant]
    async fn end_of_a_monitored_actor_is_a_message_exactly_once() {
        let (watcher, probe) = (watcher().await, Probe::new("a", &Journal::new()));
        let target = probe.spec().start().await.expect("start");
        watcher.monitor(&target, Msg::Down);
        let given_back = watcher.monitor(target.any(), Msg::Down);
        assert!(given_back.demonitor());
        probe.crash().await;
        settle().await;
        assert_eq!(
            watcher.call(Msg::Told, None).await.expect("a reply"),
            [(target.pid(), "error")]
        );
        let late = watcher.monitor(&target, Msg::Down);
        assert_eq!(
            watcher.call(Msg::Told, None).await.expect("a reply").len(),
            2,
            "the dead are told at once"
        );
        assert!(!late.demonitor());
    }

    #[invariant]
    async fn monitor_ends_with_its_watcher() {
        let probe = Probe::new("a", &Journal::new());
        let target = probe.spec().start().await.expect("start");
        let first = watcher().await;
        let held = std::sync::Arc::new(());
        let kept = std::sync::Arc::clone(&held);
        let monitor = first.monitor(&target, move |pid, reason| {
            drop(kept);
            Msg::Down(pid, reason)
        });
        first
            .stop_and_wait(ExitReason::Normal, Duration::from_secs(1))
            .await
            .expect("it ran");
        assert_eq!(
            std::sync::Arc::strong_count(&held),
            1,
            "nothing of it is left in the target"
        );
        assert!(!monitor.demonitor());
        assert!(!first.monitor(&target, Msg::Down).demonitor(), "the dead watch nobody");
    }

    #[invariant]
    async fn hook_on_an_exit_can_be_taken_back() {
        let (journal, probe) = (Journal::new(), Probe::new("a", &Journal::new()));
        let target = probe.spec().start().await.expect("start");
        let [kept, taken] = ["kept", "taken"].map(|name| {
            let journal = journal.clone();
            target.on_exit(move |_| journal.record(name))
        });
        assert!(taken.demonitor());
        target.kill();
        target.exited().await;
        assert_eq!(journal.take(), "kept");
        assert!(!kept.demonitor());
    }
}
