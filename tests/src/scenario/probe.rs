//! A worker that writes its life into a journal and misbehaves as told.
//!
//! [`Probe`] is what the test holds: one for all incarnations of a child. [`ProbeActor`] is one incarnation.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hedgehog_core::{Actor, ActorProcessingErr, ActorRef, ChildSpec, ExitReason, RpcReplyPort, StartError};
use parking_lot::Mutex;

use super::{INTENDED, Journal, Latest, word};

/// What a probe can be told once it runs.
pub enum Command {
    /// Returns this reason from the handler, which is OTP's `{stop, Reason, State}`.
    Exit(ExitReason),
    /// Returns an ordinary error from the handler.
    Fail,
    /// Panics in the handler.
    Panic,
    /// Blocks the thread without yielding, so that not even a kill can end it before.
    Block(Duration),
    /// Stays in the handler for so long, yielding.
    Wait(Duration),
    /// Writes `note NAME: TEXT` into the journal.
    Note(&'static str),
    /// Answers.
    Ping(RpcReplyPort<()>),
    /// Runs a future inside the handler.
    Run(Errand),
}

type Errand = Box<dyn FnOnce(ractor::ActorRef<Command>) -> BoxFuture<'static, ()> + Send>;

/// A child of a scenario, through all its incarnations; a clone is the same child.
///
/// Each incarnation records `start NAME` when its `pre_start` succeeds (`fail NAME` or `decline NAME` when it does not), `stop NAME` when its
/// `post_stop` is done, and `drop NAME` when its state is dropped.
#[derive(Clone)]
pub struct Probe(Arc<Shared>);

struct Shared {
    name: &'static str,
    journal: Journal,
    incarnations: Latest<Command>,
    plan: Mutex<Plan>,
    seen: Mutex<Seen>,
}

/// How the following incarnations behave.
#[derive(Default)]
struct Plan {
    failing_starts: usize,
    panicking_starts: usize,
    declined_starts: usize,
    before_start: Option<Arc<dyn Fn() + Send + Sync>>,
    start_takes: Duration,
    stop_takes: Duration,
    stop_with: Option<ExitReason>,
    panics_when_stopped: bool,
    panics_when_dropped: bool,
}

#[derive(Default)]
struct Seen {
    starts: usize,
    alive: usize,
    most_alive: usize,
    exits: Vec<&'static str>,
}

impl Probe {
    /// A well-behaved child called `name`.
    #[must_use]
    pub fn new(name: &'static str, journal: &Journal) -> Self {
        Self(Arc::new(Shared {
            name,
            journal: journal.clone(),
            incarnations: Latest::new(),
            plan: Mutex::default(),
            seen: Mutex::default(),
        }))
    }

    /// Where the incarnations are recorded, for specs that are not [`spec`](Self::spec)'s.
    #[must_use]
    pub fn latest(&self) -> Latest<Command> {
        self.0.incarnations.clone()
    }

    /// A permanent worker whose id is the probe's name.
    pub fn spec(&self) -> ChildSpec<Command> {
        let probe = self.clone();
        ChildSpec::worker(self.0.name, move || probe.actor()).via(self.0.incarnations.clone())
    }

    /// What a factory returns, for specs that are not [`spec`](Self::spec)'s.
    #[must_use]
    pub fn actor(&self) -> (ProbeActor, ()) {
        (ProbeActor(self.clone()), ())
    }

    /// The next `count` starts fail with an error.
    pub fn fail_starts(&self, count: usize) {
        self.0.plan.lock().failing_starts = count;
    }

    /// The next `count` starts panic.
    pub fn panic_starts(&self, count: usize) {
        self.0.plan.lock().panicking_starts = count;
    }

    /// The next `count` starts decline: they say that there is nothing to start, which is no failure.
    pub fn decline_starts(&self, count: usize) {
        self.0.plan.lock().declined_starts = count;
    }

    /// Runs first in every `pre_start` from now on.
    pub fn before_start(&self, f: impl Fn() + Send + Sync + 'static) {
        self.0.plan.lock().before_start = Some(Arc::new(f));
    }

    /// Every start takes so long from now on.
    pub fn start_takes(&self, time: Duration) {
        self.0.plan.lock().start_takes = time;
    }

    /// Every cleanup takes so long from now on.
    pub fn stop_takes(&self, time: Duration) {
        self.0.plan.lock().stop_takes = time;
    }

    /// Every cleanup ends with this reason from now on, whatever was asked for.
    pub fn stop_with(&self, reason: ExitReason) {
        self.0.plan.lock().stop_with = Some(reason);
    }

    /// The cleanup panics.
    pub fn panic_when_stopped(&self) {
        self.0.plan.lock().panics_when_stopped = true;
    }

    /// The state panics when it is dropped.
    pub fn panic_when_dropped(&self) {
        self.0.plan.lock().panics_when_dropped = true;
    }

    /// The last incarnation, dead or alive.
    #[must_use]
    pub fn current(&self) -> ActorRef<Command> {
        self.0.incarnations.current()
    }

    /// All incarnations with a reference, oldest first, also those whose start failed.
    #[must_use]
    pub fn incarnations(&self) -> Vec<ActorRef<Command>> {
        self.0.incarnations.all()
    }

    /// Sends to the last incarnation; its exit may have made that vain.
    pub fn tell(&self, command: Command) {
        let _ = self.current().cast(command);
    }

    /// Makes the last incarnation end by itself and waits until its exit is visible.
    pub async fn exit(&self, reason: ExitReason) {
        let actor = self.current();
        let _ = actor.cast(Command::Exit(reason));
        actor.exited().await;
    }

    /// Makes the last incarnation fail with an ordinary error and waits until its exit is visible.
    pub async fn crash(&self) {
        let actor = self.current();
        let _ = actor.cast(Command::Fail);
        actor.exited().await;
    }

    /// How often a start was tried, the failed ones included.
    #[must_use]
    pub fn starts(&self) -> usize {
        self.0.seen.lock().starts
    }

    /// How many incarnations hold a state at this moment.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.0.seen.lock().alive
    }

    /// How many incarnations ever held a state at the same time.
    #[must_use]
    pub fn most_alive(&self) -> usize {
        self.0.seen.lock().most_alive
    }

    /// The exits of started incarnations that a monitor has seen, in order, as [`word`]s.
    #[must_use]
    pub fn exits(&self) -> Vec<&'static str> {
        self.0.seen.lock().exits.clone()
    }

    fn record(&self, verb: &str) {
        self.0.journal.record(format!("{verb} {}", self.0.name));
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.0.name).finish()
    }
}

/// One incarnation of a [`Probe`].
#[derive(Debug)]
pub struct ProbeActor(Probe);

/// The state of an incarnation; counts as alive until it is dropped.
#[derive(Debug)]
pub struct Held(Probe);

impl Held {
    fn new(probe: &Probe) -> Self {
        let mut seen = probe.0.seen.lock();
        seen.alive += 1;
        seen.most_alive = seen.most_alive.max(seen.alive);
        Self(probe.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.record("drop");
        self.0.0.seen.lock().alive -= 1;
        let panics = self.0.0.plan.lock().panics_when_dropped;
        assert!(!panics, "{INTENDED}dropping {}", self.0.0.name);
    }
}

impl Actor for ProbeActor {
    type Msg = Command;
    type State = Held;
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Command>, (): ()) -> Result<Held, ActorProcessingErr> {
        let Shared {
            name,
            plan,
            seen,
            incarnations,
            ..
        } = &*self.0.0;
        seen.lock().starts += 1;
        let before = plan.lock().before_start.clone();
        if let Some(before) = before {
            before();
        }
        let takes = plan.lock().start_takes;
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let failing = take_one(&mut plan.lock().failing_starts);
        if failing {
            self.0.record("fail");
            return Err(format!("{name} fails to start").into());
        }
        let panicking = take_one(&mut plan.lock().panicking_starts);
        if panicking {
            self.0.record("fail");
            panic!("{INTENDED}starting {name}");
        }
        let declining = take_one(&mut plan.lock().declined_starts);
        if declining {
            self.0.record("decline");
            return Err(StartError::Ignore.into());
        }
        self.0.record("start");
        if incarnations.count() > 0 {
            let probe = self.0.clone();
            incarnations
                .current()
                .on_exit(move |reason| probe.0.seen.lock().exits.push(word(reason)));
        }
        Ok(Held::new(&self.0))
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<Command>,
        command: Command,
        _: &mut Held,
    ) -> Result<(), ActorProcessingErr> {
        let name = self.0.0.name;
        match command {
            Command::Exit(reason) => return Err(reason.into()),
            Command::Fail => return Err(format!("{name} fails").into()),
            Command::Panic => panic!("{INTENDED}{name} panics"),
            Command::Block(time) => thread::sleep(time),
            Command::Wait(time) => tokio::time::sleep(time).await,
            Command::Note(text) => self.0.0.journal.record(format!("note {name}: {text}")),
            Command::Ping(reply) => drop(reply.send(())),
            Command::Run(errand) => errand(myself).await,
        }
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<Command>, _: &mut Held) -> Result<(), ActorProcessingErr> {
        let takes = self.0.0.plan.lock().stop_takes;
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let panics = self.0.0.plan.lock().panics_when_stopped;
        assert!(!panics, "{INTENDED}stopping {}", self.0.0.name);
        self.0.record("stop");
        let with = self.0.0.plan.lock().stop_with.clone();
        with.map_or(Ok(()), |reason| Err(reason.into()))
    }
}

/// Counts down; `true` when there was one left to take.
fn take_one(count: &mut usize) -> bool {
    let left = *count > 0;
    *count = count.saturating_sub(1);
    left
}
