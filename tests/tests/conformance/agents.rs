//! State behind an actor: there is no `Agent` here, because the actor that does it is this short.

use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, RpcReplyPort, ractor};
use hedgehog_tests::suite;

/// Holds a value that is read and changed by functions which its users send.
struct Agent<S>(fn() -> S);

type Update<S> = Box<dyn FnOnce(&mut S) + Send>;

impl<S: Send + 'static> Actor for Agent<S> {
    type Msg = Update<S>;
    type State = S;
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Update<S>>, (): ()) -> Result<S, ActorProcessingErr> {
        Ok((self.0)())
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Update<S>>,
        f: Update<S>,
        state: &mut S,
    ) -> Result<(), ActorProcessingErr> {
        f(state);
        Ok(())
    }
}

/// An agent that begins with the value of `first`.
fn agent<S: Send + 'static>(first: fn() -> S) -> ChildSpec<Update<S>> {
    ChildSpec::worker("agent", move || (Agent(first), ()))
}

/// The request for what `f` returns: `Agent.get`, and `get_and_update` when it changes something.
fn ask<S, R: Send + 'static>(
    f: impl FnOnce(&mut S) -> R + Send + 'static,
) -> impl FnOnce(RpcReplyPort<R>) -> Update<S> {
    move |reply| Box::new(move |state| drop(reply.send(f(state))))
}

#[suite]
pub(crate) mod state {
    use std::time::Duration;

    use hedgehog_core::{CallError, ExitReason, Name, Restart, Shutdown, StartError, Strategy, Supervisor};
    use hedgehog_tests::scenario::{INTENDED, settle, word};

    use super::{agent, ask};

    #[row("AGENT-001")]
    async fn agent_stands_under_a_supervisor() {
        let name = Name::new("agent");
        let sup = Supervisor::new(Strategy::OneForOne).child(agent(|| 42).name(&name));
        let _sup = sup.start().await.expect("boot");
        assert_eq!(name.call(ask(|state| *state), None).await.expect("a reply"), 42);
        name.cast(Box::new(|state| *state = 7)).expect("it runs");
        name.cast(Box::new(|_| panic!("{INTENDED}a function fails")))
            .expect("it runs");
        settle().await;
        assert_eq!(
            name.call(ask(|state| *state), None).await.expect("a reply"),
            42,
            "restarted from its first value"
        );
    }

    #[row("AGENT-002")]
    async fn spec_of_an_agent_is_permanent_unless_told_otherwise() {
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(agent(|| 1))
            .start()
            .await
            .expect("boot");
        let spec = sup.get_child_spec("agent").await.expect("it runs").expect("a child");
        assert_eq!(
            (spec.restart, spec.shutdown),
            (Restart::Permanent, Shutdown::Timeout(Duration::from_secs(5)))
        );
        let sup = Supervisor::new(Strategy::OneForOne)
            .child(agent(|| 1).restart(Restart::Transient).shutdown(Shutdown::Infinity));
        let sup = sup.start().await.expect("boot");
        let spec = sup.get_child_spec("agent").await.expect("it runs").expect("a child");
        assert_eq!((spec.restart, spec.shutdown), (Restart::Transient, Shutdown::Infinity));
    }

    #[row("AGENT-003")]
    async fn updates_and_reads_are_served_in_order_until_the_stop() {
        let agent = agent(Vec::<i32>::new).start().await.expect("start");
        agent.cast(Box::new(|list| list.push(1))).expect("it runs");
        assert_eq!(
            agent
                .call(ask(|list: &mut Vec<i32>| list.clone()), None)
                .await
                .expect("a reply"),
            [1]
        );
        let taken = agent.call(ask(std::mem::take), None).await.expect("a reply");
        assert_eq!(taken, [1]);
        assert_eq!(
            agent
                .call(ask(|list: &mut Vec<i32>| list.len()), None)
                .await
                .expect("a reply"),
            0
        );
        let reason = agent.stop_and_wait(ExitReason::Normal, None).await.expect("it ran");
        assert_eq!((word(&reason), agent.is_alive()), ("normal", false));
    }

    #[row("AGENT-005")]
    async fn agent_serves_under_its_name_and_leaves_it_free() {
        let name = Name::new("agent");
        let first = agent(|| 0).name(&name).start().await.expect("start");
        name.cast(Box::new(|state| *state += 1)).expect("it runs");
        assert_eq!(name.call(ask(|state| *state), None).await.expect("a reply"), 1);
        assert_eq!(
            name.call(ask(|state| std::mem::replace(state, 5)), None)
                .await
                .expect("a reply"),
            1
        );
        assert_eq!(name.call(ask(|state| *state), None).await.expect("a reply"), 5);
        first.stop_and_wait(ExitReason::Normal, None).await.expect("it ran");
        assert!(matches!(
            name.call(ask(|state| *state), None).await,
            Err(CallError::NoProc)
        ));
        agent(|| 0).name(&name).start().await.expect("the name is free");
    }

    #[row("AGENT-008")]
    async fn agent_whose_first_value_panics_does_not_start() {
        let error = agent(|| -> i32 { panic!("{INTENDED}oops") })
            .start()
            .await
            .expect_err("no value");
        assert!(
            matches!(&error, StartError::Panicked(text) if &**text == "intended: oops"),
            "{error:?}"
        );
    }
}
