//! A worker that does what it is told and writes down what happens to it.

use hedgehog_core::{
    Actor, ActorProcessingErr, ActorRef, ChildSpec, ExitReason, Name, Pid, RpcReplyPort, SelfRef, StartError, ractor,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was written since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The recipe of a probe, and the strings that pull it. Clones are the same probe.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) id: &'static str,
    pub(crate) log: Log,
    pub(crate) name: Name<Order>,
    /// How many of the next starts fail.
    pub(crate) failing_starts: Arc<AtomicUsize>,
    /// How many of the next starts have nothing to do.
    pub(crate) ignored_starts: Arc<AtomicUsize>,
    pub(crate) slow_start: Duration,
    pub(crate) slow_stop: Duration,
    pub(crate) explosive_drop: bool,
    alive: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn new(id: &'static str, log: &Log) -> Self {
        Self {
            id,
            log: log.clone(),
            name: Name::new(id),
            failing_starts: Arc::default(),
            ignored_starts: Arc::default(),
            slow_start: Duration::ZERO,
            slow_stop: Duration::ZERO,
            explosive_drop: false,
            alive: Arc::default(),
        }
    }

    /// The probe as a child, under its name.
    pub(crate) fn spec(&self) -> ChildSpec<Order> {
        self.nameless().name(&self.name)
    }

    pub(crate) fn nameless(&self) -> ChildSpec<Order> {
        let script = self.clone();
        ChildSpec::worker(self.id, move || (Probe, script.clone()))
    }

    /// The present incarnation.
    pub(crate) fn it(&self) -> ActorRef<Order> {
        self.name
            .whereis()
            .unwrap_or_else(|| panic!("{} is not running", self.id))
    }

    pub(crate) fn pid(&self) -> Pid {
        self.it().pid()
    }

    /// Gives `order` and waits for the end of the incarnation that takes it.
    pub(crate) async fn end(&self, order: Order) -> ExitReason {
        let it = self.it();
        it.cast(order).unwrap();
        it.exited().await
    }
}

pub(crate) enum Order {
    /// Return this reason.
    Exit(ExitReason),
    /// Return an error.
    Fail(&'static str),
    Panic(&'static str),

    /// Wait, giving way.
    Hang,
    Pause(Duration),
    /// Answer.
    Ping(RpcReplyPort<&'static str>),
    /// Drop the reply port.
    Snub(RpcReplyPort<()>),
    /// Call oneself.
    CallSelf(RpcReplyPort<hedgehog_core::CallError>),
    /// Run this inside the callback.
    Run(Box<dyn FnOnce(ActorRef<Order>) + Send>),
    Note(&'static str),
}

pub(crate) struct Probe;

pub(crate) struct State(Script);

impl Drop for State {
    fn drop(&mut self) {
        self.0.log.write(format!("drop {}", self.0.id));
        self.0.alive.fetch_sub(1, SeqCst);
        assert!(!self.0.explosive_drop, "explosive drop");
    }
}

impl Actor for Probe {
    type Msg = Order;
    type State = State;
    type Arguments = Script;

    async fn pre_start(&self, _: ractor::ActorRef<Order>, script: Script) -> Result<State, ActorProcessingErr> {
        let take_one = |counter: &AtomicUsize| counter.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if take_one(&script.ignored_starts) {
            return Err(StartError::Ignore.into());
        }
        if take_one(&script.failing_starts) {
            script.log.write(format!("nostart {}", script.id));
            return Err("no start".into());
        }
        if !script.slow_start.is_zero() {
            tokio::time::sleep(script.slow_start).await;
        }
        assert_eq!(
            script.alive.fetch_add(1, SeqCst),
            0,
            "two incarnations of {} are alive",
            script.id
        );
        script.log.write(format!("start {}", script.id));
        Ok(State(script))
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<Order>,
        order: Order,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Exit(reason) => return Err(reason.into()),
            Order::Fail(why) => return Err(why.into()),
            Order::Panic(text) => panic!("{text}"),

            Order::Pause(time) => tokio::time::sleep(time).await,
            Order::Hang => std::future::pending().await,
            Order::Ping(reply) => drop(reply.send(state.0.id)),
            Order::Snub(reply) => drop(reply),
            Order::CallSelf(reply) => {
                let me = myself.self_ref().unwrap();
                drop(reply.send(me.call(Order::Ping, None).await.unwrap_err()));
            }
            Order::Run(f) => f(myself.self_ref().unwrap()),
            Order::Note(line) => state.0.log.write(line),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<Order>, state: &mut State) -> Result<(), ActorProcessingErr> {
        tokio::time::sleep(state.0.slow_stop).await;
        state.0.log.write(format!("stop {}", state.0.id));
        Ok(())
    }
}

/// Lets everything run that can run without time passing.
pub(crate) async fn settle() {
    // On paused time a sleep returns when all tasks are idle.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Keeps the panics that a test provokes out of its output.
pub(crate) fn quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref().map(String::as_str));
            if !matches!(text, Some("on purpose" | "explosive drop")) {
                default(info);
            }
        }));
    });
}
