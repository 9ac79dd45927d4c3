//! The same scenario played on hedgehog: real supervisors over workers that live as their nodes say and record what happens.

mod words;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hedgehog_core::{
    ActorRef, AnyActorRef, Bind, ChildSpec, ChildState, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef,
    Name, NoProc, Overflow, PubSub, Registry, StartError, Strategy, Subscription, Supervisor, SupervisorEvent,
    SupervisorMsg, SupervisorRef,
};
use hedgehog_tests::scenario::word;
use parking_lot::Mutex;
use tokio::time::Instant;

use words::{counts, deleted, exit_word, failure, not_restarted, terminated, told_by, which};
use worker::{Worker, exit_reason};

use crate::otp::{Doing, Row, Snapshot};
use crate::scenario::{Body, Deed, Dynamic, Entry, Life, Node, NodeId, Order, ROOT, Reason, Request, Static, What};

/// One run of hedgehog; a clone is the same run.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Shared>);

struct Shared {
    begun: Instant,
    workers: Registry<NodeId, Order>,
    supervisors: Mutex<BTreeMap<NodeId, Name<SupervisorMsg>>>,
    dynamic_supervisors: Mutex<BTreeMap<NodeId, Name<DynamicSupervisorMsg>>>,
    /// All incarnations that ever had their names, oldest first.
    incarnations: Mutex<BTreeMap<NodeId, Vec<Address>>>,
    log: Mutex<Vec<Entry>>,
    told: Mutex<Subscription<SupervisorEvent>>,
    answers: Mutex<Answers>,
    asked: Mutex<usize>,
}

/// By number of the question, with the time at which they came.
type Answers = BTreeMap<usize, (u64, String)>;

#[derive(Clone)]
enum Address {
    Worker(ActorRef<Order>),
    Static(ActorRef<SupervisorMsg>),
    Dynamic(ActorRef<DynamicSupervisorMsg>),
}

impl Stage {
    /// An empty root beside the registry that holds the workers' names.
    pub(crate) async fn open() -> Result<Self, StartError> {
        let workers = Registry::unique("workers");
        let events = PubSub::new().topic("events");
        Supervisor::new(Strategy::OneForOne)
            .child(workers.spec("workers"))
            .start()
            .await?;
        let stage = Self(Arc::new(Shared {
            begun: Instant::now(),
            workers,
            supervisors: Mutex::default(),
            dynamic_supervisors: Mutex::default(),
            incarnations: Mutex::default(),
            log: Mutex::default(),
            told: Mutex::new(events.subscribe(Overflow::Lossless)),
            answers: Mutex::default(),
            asked: Mutex::default(),
        }));
        let root = DynamicSupervisor::new()
            .max_restarts(usize::MAX)
            .events(&events)
            .start()
            .await?;
        let root = root.whereis().ok_or(StartError::NoProc)?;
        stage.0.incarnations.lock().insert(ROOT, vec![Address::Dynamic(root)]);
        Ok(stage)
    }

    /// Lets time pass until `at` milliseconds after the beginning. Everything that is due before has happened then.
    pub(crate) async fn run_until(&self, at: u64) {
        tokio::time::sleep_until(self.0.begun + Duration::from_millis(at)).await;
    }

    /// Does it now.
    pub(crate) fn perform(&self, deed: &Deed) {
        match deed {
            Deed::Kill(node) => self.of_last(*node, |address| address.any().kill()),
            Deed::Stop(node, reason) => self.of_last(*node, |address| address.any().stop(exit_reason(*reason))),
            Deed::Tell(node, order) => self.of_last(*node, |address| {
                if let Address::Worker(worker) = address {
                    // Refused when it is on its way out.
                    let _ = worker.cast(*order);
                }
            }),
            Deed::Ask(node, request) => {
                let call = {
                    let mut asked = self.0.asked.lock();
                    *asked += 1;
                    *asked - 1
                };
                let (stage, supervisor, request) = (self.clone(), self.last(*node), request.clone());
                tokio::spawn(async move {
                    let answer = match supervisor {
                        Some(Address::Static(actor)) => stage.ask(&actor.into(), request).await,
                        Some(Address::Dynamic(actor)) => stage.ask_dynamic(&actor.into(), request).await,
                        Some(Address::Worker(_)) | None => "noproc".to_owned(),
                    };
                    let at = stage.now();
                    stage.0.answers.lock().insert(call, (at, answer));
                });
            }
        }
    }

    async fn ask(&self, supervisor: &SupervisorRef, request: Request) -> String {
        match request {
            Request::Start(node) => {
                let started = match &node.body {
                    Body::Worker(_) => supervisor.start_child(self.worker(&node)).await.map(drop),
                    Body::Static(_) => supervisor.start_child(self.supervisor(&node)).await.map(drop),
                    Body::Dynamic(_) => supervisor.start_child(self.dynamic(&node)).await.map(drop),
                };
                self.started(node.id, started)
            }
            Request::Terminate(id, _) => terminated(supervisor.terminate_child(id.to_string()).await),
            Request::Restart(id) => match supervisor.restart_child(id.to_string()).await {
                Ok(_) => self.started(id, Ok(())),
                Err(error) => not_restarted(&error),
            },
            Request::Delete(id) => deleted(supervisor.delete_child(id.to_string()).await),
            Request::Which => match supervisor.which_children().await {
                Ok(children) => which(children.iter().map(|child| (child.id.as_ref(), child.state))),
                Err(NoProc) => "noproc".to_owned(),
            },
            Request::Count => counts(supervisor.count_children().await),
        }
    }

    async fn ask_dynamic(&self, supervisor: &DynamicSupervisorRef, request: Request) -> String {
        match request {
            Request::Start(node) => {
                let started = match &node.body {
                    Body::Worker(_) => supervisor.start_child(self.worker(&node)).await.map(drop),
                    Body::Static(_) => supervisor.start_child(self.supervisor(&node)).await.map(drop),
                    Body::Dynamic(_) => supervisor.start_child(self.dynamic(&node)).await.map(drop),
                };
                self.started(node.id, started)
            }
            Request::Terminate(id, nth) => {
                let child = {
                    let incarnations = self.0.incarnations.lock();
                    let known = incarnations.get(&id).and_then(|all| all.get(nth.checked_sub(1)?));
                    // The root is nobody's child.
                    known.unwrap_or(&incarnations[&ROOT][0]).any().pid()
                };
                terminated(supervisor.terminate_child(child).await)
            }
            Request::Which => match supervisor.which_children().await {
                Ok(mut children) => {
                    children.sort_by_key(|child| child.id.parse::<NodeId>().ok());
                    which(children.iter().map(|child| (child.id.as_ref(), child.state)))
                }
                Err(NoProc) => "noproc".to_owned(),
            },
            Request::Count => counts(supervisor.count_children().await),
            Request::Restart(_) | Request::Delete(_) => unreachable!("no dynamic supervisor can be asked that"),
        }
    }

    fn started(&self, node: NodeId, started: Result<(), StartError>) -> String {
        match started {
            Ok(()) => format!("{node}#{}", self.0.incarnations.lock()[&node].len()),
            Err(error) => failure(&error),
        }
    }

    /// What has happened since the last `take`.
    pub(crate) fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.0.log.lock())
    }

    /// What supervisors have told since the last `take`, without times.
    pub(crate) fn take_told(&self) -> Vec<Entry> {
        let mut told = Vec::new();
        let incarnations = self.0.incarnations.lock();
        let _ = self.0.told.lock().drain(usize::MAX, |event| {
            let node = event.child.parse().expect("a node's id");
            let nth = event.pid.map_or(0, |pid| {
                let at = incarnations
                    .get(&node)
                    .and_then(|all: &Vec<Address>| all.iter().position(|address| address.any().pid() == pid));
                at.map_or(usize::MAX, |at| at + 1)
            });
            let what = What::Told(told_by(&event.kind));
            told.push(Entry { at: 0, node, nth, what });
        });
        told
    }

    pub(crate) fn answers(&self) -> Answers {
        self.0.answers.lock().clone()
    }

    /// The incarnations that have a name.
    pub(crate) fn names(&self) -> BTreeMap<NodeId, usize> {
        let incarnations = self.0.incarnations.lock();
        let nth = |node: NodeId, holder: AnyActorRef| {
            let of = incarnations.get(&node);
            let at = of.and_then(|all| all.iter().position(|address| address.any() == holder));
            (node, at.map_or(usize::MAX, |at| at + 1))
        };
        let keys = self.0.workers.keys().into_iter();
        let workers = keys.filter_map(|key| Some(nth(key, self.0.workers.lookup(&key)?.any())));
        let supervisors = self.0.supervisors.lock();
        let held = supervisors
            .iter()
            .filter_map(|(node, name)| Some(nth(*node, name.whereis()?.any())));
        let dynamic = self.0.dynamic_supervisors.lock();
        let held_dynamic = dynamic
            .iter()
            .filter_map(|(node, name)| Some(nth(*node, name.whereis()?.any())));
        workers.chain(held).chain(held_dynamic).collect()
    }

    /// A supervisor as its snapshot has it.
    pub(crate) fn snapshot(&self, supervisor: NodeId) -> Option<Snapshot> {
        let tree = match self.last(supervisor)? {
            Address::Static(actor) => SupervisorRef::from(actor).tree()?,
            Address::Dynamic(actor) => DynamicSupervisorRef::from(actor).tree()?,
            Address::Worker(_) => return None,
        };
        let row = |child: &hedgehog_core::TreeNode| {
            let doing = match child.state {
                ChildState::Running => Doing::Running,
                ChildState::Restarting => Doing::Restarting,
                ChildState::Stopped => Doing::Stopped,
                _ => return None,
            };
            Some(Row {
                node: child.id.parse().ok()?,
                doing,
                restarts: child.restarts,
                last_exit: child.last_exit.as_deref().map(exit_word),
            })
        };
        Some(Snapshot {
            restarts: tree.restart_window?.restarts,
            children: tree.children.iter().map(row).collect::<Option<_>>()?,
        })
    }

    /// Asks the root to stop.
    pub(crate) fn stop_root(&self) {
        self.perform(&Deed::Stop(ROOT, Reason::Shutdown));
    }

    /// Lets go of the incarnations, whose supervisors' child specs hold the stage.
    pub(crate) fn close(&self) {
        self.0.incarnations.lock().clear();
    }

    // The cast.

    fn worker(&self, node: &Node) -> ChildSpec<Order> {
        let Body::Worker(lives) = &node.body else {
            unreachable!("it is a worker");
        };
        let (stage, id, lives) = (self.clone(), node.id, Arc::<[Life]>::from(lives.as_slice()));
        let worker = move || {
            let worker = Worker {
                stage: stage.clone(),
                node: id,
                lives: lives.clone(),
            };
            (worker, ())
        };
        let spec = ChildSpec::worker(node.id.to_string(), worker).via(self.0.workers.via(node.id));
        self.configured(spec, node)
    }

    fn supervisor(&self, node: &Node) -> ChildSpec<SupervisorMsg> {
        let Body::Static(options) = &node.body else {
            unreachable!("it is a static supervisor");
        };
        let (stage, id, options) = (self.clone(), node.id, options.clone());
        let spec = Supervisor::spec(node.id.to_string(), move || {
            let earlier = stage.0.incarnations.lock().get(&id).map_or(0, Vec::len);
            if options.declines == Some(earlier + 1) {
                Supervisor::ignore()
            } else {
                stage.tree(&options)
            }
        });
        let name = self
            .0
            .supervisors
            .lock()
            .entry(node.id)
            .or_insert_with(|| Name::new("static"))
            .clone();
        self.configured(spec.name(&name), node)
    }

    fn tree(&self, options: &Static) -> Supervisor {
        let supervisor = Supervisor::new(options.strategy)
            .max_restarts(options.max_restarts)
            .max_seconds(options.window)
            .auto_shutdown(options.auto_shutdown);
        options
            .children
            .iter()
            .fold(supervisor, |supervisor, child| match &child.body {
                Body::Worker(_) => supervisor.child(self.worker(child)),
                Body::Static(_) => supervisor.child(self.supervisor(child)),
                Body::Dynamic(_) => supervisor.child(self.dynamic(child)),
            })
    }

    fn dynamic(&self, node: &Node) -> ChildSpec<DynamicSupervisorMsg> {
        let Body::Dynamic(Dynamic {
            max_children,
            max_restarts,
            window,
        }) = node.body
        else {
            unreachable!("it is a dynamic supervisor");
        };
        let spec = DynamicSupervisor::spec(node.id.to_string(), move || {
            DynamicSupervisor::new()
                .max_children(max_children)
                .max_restarts(max_restarts)
                .max_seconds(window)
        });
        let name = self
            .0
            .dynamic_supervisors
            .lock()
            .entry(node.id)
            .or_insert_with(|| Name::new("dynamic"))
            .clone();
        self.configured(spec.name(&name), node)
    }

    fn configured<M>(&self, spec: ChildSpec<M>, node: &Node) -> ChildSpec<M>
    where
        M: hedgehog_core::Message,
        Address: From<ActorRef<M>>,
    {
        let recorder = Recorder {
            stage: Arc::downgrade(&self.0),
            node: node.id,
        };
        // Last: an incarnation that does not get its name is none.
        let spec = spec.restart(node.restart).shutdown(node.shutdown).via(recorder);
        let spec = if node.significant { spec.significant() } else { spec };
        if node.drain { spec.drain() } else { spec }
    }

    fn now(&self) -> u64 {
        self.0.begun.elapsed().as_millis() as u64
    }

    fn last(&self, node: NodeId) -> Option<Address> {
        self.0.incarnations.lock().get(&node)?.last().cloned()
    }

    fn of_last(&self, node: NodeId, act: impl FnOnce(&Address)) {
        if let Some(address) = self.last(node) {
            act(&address);
        }
    }

    fn record(&self, node: NodeId, nth: usize, what: What) {
        let at = self.now();
        self.0.log.lock().push(Entry { at, node, nth, what });
    }
}

/// Bound to every incarnation, so that it is known from before its start until its exit can be seen.
struct Recorder {
    stage: Weak<Shared>,
    node: NodeId,
}

impl<M: hedgehog_core::Message> Bind<M> for Recorder
where
    Address: From<ActorRef<M>>,
{
    fn bind(&self, actor: &ActorRef<M>) -> Result<(), StartError> {
        let Some(stage) = self.stage.upgrade().map(Stage) else {
            return Err(StartError::NoProc);
        };
        let node = self.node;
        let nth = {
            let mut incarnations = stage.0.incarnations.lock();
            let all = incarnations.entry(node).or_default();
            all.push(actor.clone().into());
            all.len()
        };
        stage.record(node, nth, What::Begin);
        actor.on_exit(move |reason| stage.record(node, nth, What::Exit(word(reason))));
        Ok(())
    }
}

impl Address {
    fn any(&self) -> AnyActorRef {
        match self {
            Self::Worker(actor) => actor.any(),
            Self::Static(actor) => actor.any(),
            Self::Dynamic(actor) => actor.any(),
        }
    }
}

impl From<ActorRef<Order>> for Address {
    fn from(actor: ActorRef<Order>) -> Self {
        Self::Worker(actor)
    }
}

impl From<ActorRef<SupervisorMsg>> for Address {
    fn from(actor: ActorRef<SupervisorMsg>) -> Self {
        Self::Static(actor)
    }
}

impl From<ActorRef<DynamicSupervisorMsg>> for Address {
    fn from(actor: ActorRef<DynamicSupervisorMsg>) -> Self {
        Self::Dynamic(actor)
    }
}
