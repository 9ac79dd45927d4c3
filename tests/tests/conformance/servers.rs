//! What a server promises to those who start, call and stop it: the conventions of `GenServer`.

use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, ExitReason, RpcReplyPort, ractor};
use hedgehog_tests::suite;

/// A stack of words; the `GenServer` of Elixir's own tests.
struct Stack;

enum Msg {
    Push(&'static str),
    Pop(RpcReplyPort<Option<&'static str>>),
    /// Answers and stops in one step.
    PopLast(RpcReplyPort<Option<&'static str>>),
}

impl Actor for Stack {
    type Msg = Msg;
    type State = Vec<&'static str>;
    type Arguments = Vec<&'static str>;

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Msg>,
        words: Vec<&'static str>,
    ) -> Result<Vec<&'static str>, ActorProcessingErr> {
        Ok(words)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Msg>,
        msg: Msg,
        words: &mut Vec<&'static str>,
    ) -> Result<(), ActorProcessingErr> {
        match msg {
            Msg::Push(word) => words.push(word),
            Msg::Pop(reply) => drop(reply.send(words.pop())),
            Msg::PopLast(reply) => {
                drop(reply.send(words.pop()));
                return Err(ExitReason::Normal.into());
            }
        }
        Ok(())
    }
}

fn stack(words: &[&'static str]) -> ChildSpec<Msg> {
    let words = words.to_vec();
    ChildSpec::worker("stack", move || (Stack, words.clone()))
}

#[suite]
pub(crate) mod starts {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{
        ActorRef, CastError, ChildSpec, ExitReason, Name, Registry, Restart, Shutdown, StartError, Strategy, Supervisor,
    };
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};
    use parking_lot::Mutex;

    use super::{Msg, stack};

    /// Starts `child` linked, in a callback of `starter`.
    async fn start_linked(starter: &Probe, child: ChildSpec<Command>) -> Result<ActorRef<Command>, StartError> {
        let outcome: Arc<Mutex<Option<_>>> = Arc::default();
        let told = Arc::clone(&outcome);
        starter.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { *told.lock() = Some(child.start_linked().await) })
        })));
        settle().await;
        outcome.lock().take().expect("the start has come to an end")
    }

    async fn probes() -> (Journal, Probe, Probe) {
        let journal = Journal::new();
        let (starter, child) = (Probe::new("starter", &journal), Probe::new("child", &journal));
        starter.spec().start().await.expect("start");
        (journal, starter, child)
    }

    #[row("GS-001")]
    async fn spec_of_a_server_has_defaults_and_overrides() {
        let sup = Supervisor::new(Strategy::OneForOne).start().await.expect("boot");
        let plain = ChildSpec::of(|| (super::Stack, vec!["hello"]));
        let plain = sup.start_child(plain).await.expect("start");
        assert_eq!(plain.call(Msg::Pop, None).await.expect("a reply"), Some("hello"));
        let other = ChildSpec::of(|| (super::Stack, vec![]))
            .id("other")
            .restart(Restart::Temporary)
            .shutdown(Shutdown::BrutalKill);
        let other = sup.start_child(other).await.expect("start");
        let [plain, changed] = ["Stack", "other"].map(|id| sup.get_child_spec(id));
        let plain = plain.await.expect("it runs").expect("a child");
        assert_eq!(plain.restart, Restart::Permanent);
        assert_eq!(plain.shutdown, Shutdown::Timeout(Duration::from_secs(5)));
        let changed = changed.await.expect("it runs").expect("a child");
        assert_eq!(
            (changed.restart, changed.shutdown),
            (Restart::Temporary, Shutdown::BrutalKill)
        );
        assert_eq!(
            other.call(Msg::Pop, None).await.expect("a reply"),
            None,
            "its own start"
        );
    }

    #[row("GS-006")]
    async fn linked_server_is_called_cast_to_and_stopped() {
        let (_, starter, _) = probes().await;
        let spec = stack(&["hello"]);
        let started: Arc<Mutex<Option<ActorRef<Msg>>>> = Arc::default();
        let told = Arc::clone(&started);
        starter.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { *told.lock() = spec.start_linked().await.ok() })
        })));
        settle().await;
        let server = started.lock().take().expect("it has started");
        assert_eq!(server.call(Msg::Pop, None).await.expect("a reply"), Some("hello"));
        server.cast(Msg::Push("world")).expect("it runs");
        assert_eq!(server.call(Msg::Pop, None).await.expect("a reply"), Some("world"));
        assert_eq!(
            word(&server.stop_and_wait(ExitReason::Normal, None).await.expect("it ran")),
            "normal"
        );
        assert!(starter.current().is_alive(), "linked, but that was a normal end");

        let registry: Registry<&str, Msg> = Registry::unique("stacks");
        for refused in [
            server.cast(Msg::Push("lost")),
            Name::new("nobody").cast(Msg::Push("lost")),
            registry.via("nobody").cast(Msg::Push("lost")),
        ] {
            let CastError(message) = refused.expect_err("there is nobody");
            assert!(
                matches!(message, Msg::Push("lost")),
                "nobody fails for it, and it comes back"
            );
        }
    }

    #[row("GS-006")]
    async fn linked_server_and_its_starter_end_together() {
        for reason in [ExitReason::Normal, ExitReason::ShutdownWith("enough".into())] {
            let (journal, starter, child) = probes().await;
            let server = start_linked(&starter, child.spec()).await.expect("start");
            starter.exit(reason.clone()).await;
            assert_eq!(
                server.exited().await.to_string(),
                reason.to_string(),
                "with its starter's reason"
            );
            assert!(journal.contains("stop child"), "in good order");
        }
        let (_, starter, child) = probes().await;
        start_linked(&starter, child.spec()).await.expect("start");
        child.tell(Command::Panic);
        assert_eq!(word(&starter.current().exited().await), "panic");
    }

    #[row("GS-006")]
    async fn linked_start_needs_somebody_to_link_to() {
        let outcome = stack(&[]).start_linked().await;
        assert!(matches!(outcome, Err(StartError::NotInCallback)), "{outcome:?}");
    }

    #[row("GS-010")]
    async fn server_needs_no_name() {
        let name = Name::new("one");
        let named = stack(&["named"]).name(&name).start().await.expect("start");
        let spec = stack(&["unnamed"]);
        let (one, other) = (spec.start().await.expect("start"), spec.start().await.expect("start"));
        assert_eq!(name.whereis(), Some(named), "the only one with a name");
        for server in [one, other] {
            assert_eq!(server.call(Msg::Pop, None).await.expect("a reply"), Some("unnamed"));
        }
    }

    #[row("GS-011")]
    async fn unlinked_server_is_not_concerned_by_its_starter() {
        let (_, starter, child) = probes().await;
        let spec = child.spec();
        starter.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { drop(spec.start().await) })
        })));
        settle().await;
        starter.crash().await;
        settle().await;
        assert!(child.current().is_alive());
        let (_, starter, _) = probes().await;
        child.crash().await;
        settle().await;
        assert!(starter.current().is_alive());
    }

    #[row("GS-014")]
    async fn names_lead_to_their_holder_or_to_nobody() {
        let registry: Registry<&str, Msg> = Registry::unique("stacks");
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(registry.spec("registry"))
            .start()
            .await;
        let name = Name::new("stack");
        let spec = stack(&[]).name(&name).via(registry.via("stack"));
        assert_eq!((name.whereis(), registry.via("stack").whereis()), (None, None));
        let server = spec.start().await.expect("start");
        assert_eq!(name.whereis().as_ref(), Some(&server));
        assert_eq!(registry.via("stack").whereis().as_ref(), Some(&server));
        assert_eq!(registry.via("other").whereis(), None);
        server.stop_and_wait(ExitReason::Normal, None).await.expect("it ran");
        assert_eq!((name.whereis(), registry.via("stack").whereis()), (None, None));
    }

    #[row("GS-020")]
    async fn start_that_comes_to_nothing_says_why_and_does_not_concern_its_starter() {
        let (journal, starter, child) = probes().await;
        let name = Name::new("child");
        let spec = || child.spec().name(&name);
        child.decline_starts(1);
        let declined = start_linked(&starter, spec()).await.expect_err("declined");
        assert!(matches!(declined, StartError::Ignore), "{declined:?}");
        child.fail_starts(1);
        let failed = start_linked(&starter, spec()).await.expect_err("failed");
        assert!(
            matches!(&failed, StartError::Failed(why) if why.to_string() == "child fails to start"),
            "{failed:?}"
        );
        child.panic_starts(1);
        let panicked = start_linked(&starter, spec()).await.expect_err("panicked");
        assert!(
            matches!(&panicked, StartError::Panicked(text) if &**text == "intended: starting child"),
            "{panicked:?}"
        );
        assert!(name.whereis().is_none() && starter.current().is_alive());
        assert_eq!(journal.take(), "start starter, decline child, fail child, fail child");
    }

    #[row("GS-021")]
    async fn start_under_a_held_name_runs_nothing_of_the_newcomer() {
        let (journal, holder, newcomer) = probes().await;
        let name = Name::new("taken");
        let holder = holder.spec().name(&name).start().await.expect("the name is free");
        let _ = journal.take();
        let error = newcomer.spec().name(&name).start().await.expect_err("the name is held");
        assert!(
            matches!(&error, StartError::AlreadyRegistered { name, holder: pid } if name == "taken" && *pid == holder.pid()),
            "{error:?}"
        );
        assert_eq!((newcomer.starts(), journal.take()), (0, String::new()));
        assert_eq!(name.whereis(), Some(holder));
    }

    #[invariant]
    async fn post_start_runs_after_the_start_has_returned_and_before_any_message() {
        use hedgehog_core::{Actor, ActorProcessingErr, RpcReplyPort, ractor};

        /// Loads what it serves once its starter has gone on.
        struct Loader;
        impl Actor for Loader {
            type Msg = RpcReplyPort<Option<&'static str>>;
            type State = Option<&'static str>;
            type Arguments = ();
            async fn pre_start(
                &self,
                _: ractor::ActorRef<Self::Msg>,
                (): (),
            ) -> Result<Self::State, ActorProcessingErr> {
                Ok(None)
            }
            async fn post_start(
                &self,
                _: ractor::ActorRef<Self::Msg>,
                loaded: &mut Self::State,
            ) -> Result<(), ActorProcessingErr> {
                tokio::time::sleep(Duration::from_hours(1)).await;
                *loaded = Some("loaded");
                Ok(())
            }
            async fn handle(
                &self,
                _: ractor::ActorRef<Self::Msg>,
                ask: Self::Msg,
                loaded: &mut Self::State,
            ) -> Result<(), ActorProcessingErr> {
                Ok(ask.send(*loaded)?)
            }
        }

        let begin = tokio::time::Instant::now();
        let loader = ChildSpec::worker("loader", || (Loader, ()))
            .start()
            .await
            .expect("start");
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert_eq!(loader.call(|reply| reply, None).await.expect("a reply"), Some("loaded"));
        assert_eq!(begin.elapsed(), Duration::from_hours(1));
    }
}

#[suite]
pub(crate) mod calls {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{CallError, Name, Registry, RpcReplyPort, Strategy, Supervisor};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};
    use parking_lot::Mutex;
    use tokio::time::Instant;

    use super::{Msg, stack};

    const HOUR: Duration = Duration::from_hours(1);

    #[row("GS-003", "GS-005")]
    async fn server_is_called_by_a_registry_key_and_by_a_local_name() {
        let registry: Registry<&str, Msg> = Registry::unique("stacks");
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(registry.spec("registry"))
            .start()
            .await;
        let name = Name::new("stack");
        let spec = stack(&["hello", "world"]).via(registry.via("stack")).name(&name);
        spec.start().await.expect("start");
        assert_eq!(
            registry.via("stack").call(Msg::Pop, HOUR).await.expect("a reply"),
            Some("world")
        );
        assert_eq!(name.call(Msg::Pop, HOUR).await.expect("a reply"), Some("hello"));
    }

    #[row("GS-007")]
    async fn server_that_calls_itself_is_told_so_however_it_addresses_itself() {
        let registry: Registry<&str, Command> = Registry::unique("probes");
        let _sup = Supervisor::new(Strategy::OneForOne)
            .child(registry.spec("registry"))
            .start()
            .await;
        let (name, probe) = (Name::new("a"), Probe::new("a", &Journal::new()));
        let spec = probe.spec().via(registry.via("a")).name(&name);
        let actor = spec.start().await.expect("start");
        let outcomes: Arc<Mutex<Vec<_>>> = Arc::default();
        let (told, via) = (Arc::clone(&outcomes), registry.via("a"));
        probe.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move {
                let by_ref = actor.call(Command::Ping, HOUR).await;
                let by_name = name.call(Command::Ping, HOUR).await;
                let by_key = via.call(Command::Ping, None).await;
                *told.lock() = vec![by_ref, by_name, by_key];
            })
        })));
        let begin = Instant::now();
        settle().await;
        let outcomes = std::mem::take(&mut *outcomes.lock());
        assert!(
            matches!(
                outcomes[..],
                [
                    Err(CallError::CallingSelf),
                    Err(CallError::CallingSelf),
                    Err(CallError::CallingSelf)
                ]
            ),
            "{outcomes:?}"
        );
        assert!(begin.elapsed() < HOUR);
    }

    #[row("GS-008", "GS-018")]
    async fn call_ends_at_its_deadline_and_the_late_reply_goes_nowhere() {
        let probe = Probe::new("a", &Journal::new());
        let actor = probe.spec().start().await.expect("start");
        let sent: Arc<Mutex<Option<bool>>> = Arc::default();
        let told = Arc::clone(&sent);
        let slow = |reply: RpcReplyPort<()>| {
            Command::Run(Box::new(move |_| {
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    *told.lock() = Some(reply.send(()).is_ok());
                })
            }))
        };
        let begin = Instant::now();
        let outcome = actor.call(slow, Duration::from_secs(5)).await;
        assert!(
            matches!(outcome, Err(CallError::Timeout(after)) if after == Duration::from_secs(5)),
            "{outcome:?}"
        );
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        // The next call gets its own reply, after the late one was refused.
        actor.call(Command::Ping, HOUR).await.expect("a reply");
        assert_eq!(*sent.lock(), Some(false));
        assert!(actor.is_alive());
    }

    #[row("GS-009")]
    async fn call_of_nobody_fails_at_once() {
        let registry: Registry<&str, Msg> = Registry::unique("stacks");
        let (name, dead) = (Name::<Msg>::new("nobody"), stack(&[]).start().await.expect("start"));
        dead.kill();
        dead.exited().await;
        let begin = Instant::now();
        assert!(matches!(dead.call(Msg::Pop, HOUR).await, Err(CallError::NoProc)));
        assert!(matches!(name.call(Msg::Pop, HOUR).await, Err(CallError::NoProc)));
        assert!(matches!(
            registry.via("nobody").call(Msg::Pop, None).await,
            Err(CallError::NoProc)
        ));
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[row("GS-017")]
    async fn call_says_why_its_server_has_ended() {
        for (end, reason) in [
            (Command::Panic, "panic"),
            (Command::Fail, "error"),
            (Command::Exit(hedgehog_core::ExitReason::Shutdown), "shutdown"),
        ] {
            let probe = Probe::new("a", &Journal::new());
            let actor = probe.spec().start().await.expect("start");
            probe.tell(Command::Wait(Duration::from_secs(1)));
            probe.tell(end);
            let begin = Instant::now();
            let outcome = actor.call(Command::Ping, HOUR).await;
            assert!(
                matches!(&outcome, Err(CallError::Exited(why)) if word(why) == reason),
                "{outcome:?}"
            );
            assert_eq!(begin.elapsed(), Duration::from_secs(1));
        }
    }

    #[row("GS-019")]
    async fn server_answers_and_stops_in_one_step() {
        let server = stack(&["last"]).start().await.expect("start");
        assert_eq!(server.call(Msg::PopLast, HOUR).await.expect("a reply"), Some("last"));
        assert_eq!(word(&server.exited().await), "normal");
        assert!(matches!(server.call(Msg::Pop, HOUR).await, Err(CallError::NoProc)));
    }
}

#[suite]
pub(crate) mod stops {
    use std::sync::Arc;
    use std::time::Duration;

    use hedgehog_core::{ExitReason, Name, StopError};
    use hedgehog_tests::scenario::{Command, Journal, Probe, settle, word};
    use parking_lot::Mutex;
    use tokio::time::Instant;

    const HOUR: Duration = Duration::from_hours(1);

    #[row("GS-015")]
    async fn stop_returns_when_the_server_is_gone() {
        let (journal, name) = (Journal::new(), Name::new("a"));
        let probe = Probe::new("a", &journal);
        probe.stop_takes(Duration::from_secs(2));
        let actor = probe.spec().name(&name).start().await.expect("start");
        let begin = Instant::now();
        // By name, which is no different from by reference.
        let reason = name
            .stop_and_wait(ExitReason::ShutdownWith("enough".into()), HOUR)
            .await;
        assert_eq!(word(&reason.expect("it ran")), "shutdown with detail");
        assert_eq!(
            (begin.elapsed(), journal.take()),
            (Duration::from_secs(2), "start a, stop a, drop a".to_owned())
        );
        assert_eq!(
            actor.stop_and_wait(ExitReason::Normal, HOUR).await.err(),
            Some(StopError::NoProc)
        );
        assert!(name.whereis().is_none());
    }

    #[row("GS-015")]
    async fn stop_that_is_not_done_in_time_goes_on() {
        let probe = Probe::new("a", &Journal::new());
        probe.stop_takes(Duration::from_secs(2));
        let actor = probe.spec().start().await.expect("start");
        let begin = Instant::now();
        let outcome = actor.stop_and_wait(ExitReason::Normal, Duration::from_secs(1)).await;
        assert_eq!(outcome.err(), Some(StopError::Timeout(Duration::from_secs(1))));
        assert!(actor.is_alive(), "it still cleans up");
        assert_eq!(word(&actor.exited().await), "normal");
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
    }

    #[row("GS-015")]
    async fn server_that_waits_for_its_own_end_is_told_so() {
        let probe = Probe::new("a", &Journal::new());
        let actor = probe.spec().start().await.expect("start");
        let outcome: Arc<Mutex<Option<StopError>>> = Arc::default();
        let (told, me) = (Arc::clone(&outcome), actor.clone());
        probe.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { *told.lock() = me.stop_and_wait(ExitReason::Normal, None).await.err() })
        })));
        settle().await;
        assert_eq!(*outcome.lock(), Some(StopError::CallingSelf));
        assert!(actor.is_alive());
    }

    #[row("GS-016")]
    async fn drain_lets_the_mailbox_be_handled_and_stop_overtakes_it() {
        for drain in [true, false] {
            let journal = Journal::new();
            let probe = Probe::new("a", &journal);
            let actor = probe.spec().start().await.expect("start");
            probe.tell(Command::Wait(Duration::from_secs(1)));
            settle().await;
            probe.tell(Command::Note("before"));
            if drain {
                actor.drain(ExitReason::Normal);
            } else {
                actor.stop(ExitReason::Normal);
            }
            assert!(actor.cast(Command::Note("after")).is_err());
            assert_eq!(word(&actor.exited().await), "normal");
            let handled = if drain { "note a: before, " } else { "" };
            assert_eq!(journal.take(), format!("start a, {handled}stop a, drop a"));
        }
    }
}
