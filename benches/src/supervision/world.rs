//! What is done to the children of every contender.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::children::{Lehmer, keys};
use crate::family::{Entry, Rig, Sample};

/// A contender's supervisor. Children are called by their keys, named or not.
pub(super) trait World: Send + Sync + Sized + 'static {
    /// Starts a supervisor without children.
    fn new() -> impl Future<Output = Self> + Send;

    /// Starts a child and returns when it runs.
    fn start(&mut self, key: &str, name: Name) -> impl Future<Output = ()> + Send;

    /// Stops a named child and returns when it is gone.
    fn terminate(&self, key: &str) -> impl Future<Output = ()> + Send;

    /// Kills a named child and does not wait.
    fn kill(&self, key: &str);

    /// The number of the incarnation that answers under the name.
    fn ping(&self, key: &str) -> impl Future<Output = Option<u64>> + Send;

    /// Stops the supervisor, and returns when every child is gone.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

/// Whether a child takes a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    None,
    Key,
}

/// What is timed of the life of many children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Start,
    Terminate,
    Stop,
}

/// Makes the runtime that everything runs on.
pub(super) type On = fn() -> Runtime;

/// Starts `n` children and stops them; times one phase of it.
pub(super) fn life<W: World>(contender: &'static str, on: On, n: usize, name: Name, phase: Phase) -> Entry {
    Entry::contender(contender, move || {
        let runtime = on();
        let keys: Arc<[String]> = own(n).into();
        move |iterations: u64| {
            let keys = Arc::clone(&keys);
            let lives = runtime.spawn(async move {
                let mut took = Duration::ZERO;
                for _ in 0..iterations {
                    took += one_life::<W>(&keys, name, phase).await;
                }
                took
            });
            runtime.block_on(lives).expect("a contender panicked")
        }
    })
}

async fn one_life<W: World>(keys: &[String], name: Name, phase: Phase) -> Duration {
    let mut world = W::new().await;
    let start = Instant::now();
    for key in keys {
        world.start(key, name).await;
    }
    let started = start.elapsed();
    let terminate = Instant::now();
    if phase == Phase::Terminate {
        for key in keys {
            world.terminate(key).await;
        }
    }
    let terminated = terminate.elapsed();
    let stop = Instant::now();
    world.stop().await;
    match phase {
        Phase::Start => started,
        Phase::Terminate => terminated,
        Phase::Stop => stop.elapsed(),
    }
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Killing {
    /// Children at random, each when the one before is back.
    OneAfterAnother,
    /// All, before anybody is waited for.
    AllAtOnce,
    /// The first; all are to be new then.
    TheFirst,
}

/// Kills of one iteration that kills one after another.
pub(super) const KILLS: usize = 100;

/// After so long a child is not coming back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills children and waits until they are back under their names.
pub(super) fn death<W: World>(contender: &'static str, on: On, n: usize, killing: Killing) -> Entry {
    Entry::contender(contender, move || Deaths::<W>::new(on(), n, killing))
}

struct Deaths<W> {
    world: Arc<W>,
    keys: Arc<[String]>,
    killing: Killing,
    /// A child did not come back: there is nothing left to measure.
    broken: bool,
    /// Dropped last.
    runtime: Runtime,
}

impl<W: World> Deaths<W> {
    fn new(runtime: Runtime, n: usize, killing: Killing) -> Self {
        let keys: Arc<[String]> = own(n).into();
        let world = runtime.block_on(async {
            let mut world = W::new().await;
            for key in &*keys {
                world.start(key, Name::Key).await;
            }
            world
        });
        Self {
            world: Arc::new(world),
            keys,
            killing,
            broken: false,
            runtime,
        }
    }

    fn units(&self) -> u64 {
        match self.killing {
            Killing::AllAtOnce => self.keys.len() as u64,
            Killing::OneAfterAnother | Killing::TheFirst => KILLS as u64,
        }
    }
}

impl<W: World> Rig for Deaths<W> {
    fn run(&mut self, iterations: u64) -> Sample {
        let all_lost = Sample {
            lost: iterations * self.units(),
            ..Sample::took(PATIENCE)
        };
        if self.broken {
            return all_lost;
        }
        let (world, keys, killing) = (Arc::clone(&self.world), Arc::clone(&self.keys), self.killing);
        let deaths = self.runtime.spawn(async move {
            let start = Instant::now();
            let mut targets = Lehmer::new();
            for _ in 0..iterations {
                let back = match killing {
                    Killing::OneAfterAnother => one_after_another(&*world, &keys, &mut targets).await,
                    Killing::AllAtOnce => group(&*world, &keys, &keys).await,
                    Killing::TheFirst => the_first(&*world, &keys).await,
                };
                back?;
            }
            Ok::<_, NotBack>(start.elapsed())
        });
        if let Ok(took) = self.runtime.block_on(deaths).expect("a contender panicked") {
            return Sample::took(took);
        }
        self.broken = true;
        all_lost
    }
}

struct NotBack;

async fn one_after_another<W: World>(world: &W, keys: &[String], targets: &mut Lehmer) -> Result<(), NotBack> {
    for _ in 0..KILLS {
        let key = std::slice::from_ref(&keys[targets.below(keys.len())]);
        group(world, key, key).await?;
    }
    Ok(())
}

async fn the_first<W: World>(world: &W, keys: &[String]) -> Result<(), NotBack> {
    for _ in 0..KILLS {
        group(world, &keys[..1], keys).await?;
    }
    Ok(())
}

/// Kills some and waits until all of these are new and answer.
async fn group<W: World>(world: &W, killed: &[String], renewed: &[String]) -> Result<(), NotBack> {
    let back = async {
        let mut old = Vec::with_capacity(renewed.len());
        for key in renewed {
            old.push(world.ping(key).await.ok_or(NotBack)?);
        }
        for key in killed {
            world.kill(key);
        }
        for (key, old) in renewed.iter().zip(old) {
            while world.ping(key).await.is_none_or(|number| number == old) {
                yield_now().await;
            }
        }
        Ok(())
    };
    // Around the questions too: one to an actor that is not started again may never be answered.
    timeout(PATIENCE, back).await.unwrap_or(Err(NotBack))
}

/// Keys that nobody else has, for registries that are global to the process.
fn own(n: usize) -> Vec<String> {
    let rig = crate::number();
    keys(n).into_iter().map(|key| format!("{rig}/{key}")).collect()
}
