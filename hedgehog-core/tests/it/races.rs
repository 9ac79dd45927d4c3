//! Many threads at once, in real time: what must hold whoever comes first.

use crate::kit::{Log, Order, Probe, Script};
use hedgehog_core::{ChildSpec, ExitReason, Registry, Task};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

/// Whoever locks is killed, dropped or done, in any order: the lock is never held by two, and always free in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_is_held_by_one_whatever_becomes_of_its_holders() {
    let registry: Registry<u8, Order> = Registry::unique("locks");
    let held = Arc::new(AtomicBool::new(false));
    let spec = {
        let (registry, held) = (registry.clone(), held.clone());
        move |n: u64| {
            let (registry, held) = (registry.clone(), held.clone());
            Task::spec("locker", move || {
                let (registry, held) = (registry.clone(), held.clone());
                async move {
                    let working = async || {
                        let _mine = Held::take(&held);
                        for _ in 0..n % 5 {
                            tokio::task::yield_now().await;
                        }
                    };
                    registry.lock(0, working).await;
                    Ok::<(), String>(())
                }
            })
        }
    };
    let mut ends = Vec::new();
    for n in 0..2_000 {
        let task = spec(n).start().await.unwrap();
        if n % 3 == 0 {
            task.kill();
        } else if n % 7 == 0 {
            task.stop(ExitReason::Shutdown);
        }
        ends.push(task);
    }
    for task in ends {
        let end = tokio::time::timeout(Duration::from_secs(20), task.exited()).await;
        let end = end.expect("the lock comes round to everybody");
        assert!(!matches!(end, ExitReason::Panic(_)), "{end}");
    }
    registry.lock(0, async || assert!(!held.load(SeqCst))).await;
}

/// Panics when somebody else has it.
struct Held(Arc<AtomicBool>);

impl Held {
    fn take(held: &Arc<AtomicBool>) -> Self {
        assert!(!held.swap(true, SeqCst), "two hold the lock");
        Self(held.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

/// Links, monitors and ends at the same time, from different threads: everybody linked to the dead is gone in the end, and
/// each monitor has fired once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn links_and_monitors_hold_though_their_ends_come_in_between() {
    for n in 0..1_000_u32 {
        let log = Log::default();
        let idle = || {
            let script = Script::new("idle", &log);
            ChildSpec::worker("idle", move || (Probe, script.clone()))
        };
        let (one, other) = (idle().start().await.unwrap(), idle().start().await.unwrap());
        let fired = Arc::new(AtomicU32::new(0));
        let linking = {
            let (one, other) = (one.clone(), other.clone());
            tokio::spawn(async move { one.link(&other) })
        };
        let ending = {
            let one = one.clone();
            let kills = n % 2 == 0;
            tokio::spawn(async move {
                if kills {
                    one.kill();
                } else {
                    one.stop(ExitReason::Shutdown);
                }
            })
        };
        let watching = {
            let (one, fired) = (one.clone(), fired.clone());
            tokio::spawn(async move {
                one.on_exit(move |_| {
                    fired.fetch_add(1, SeqCst);
                });
            })
        };
        let racing = [linking, ending, watching];
        for race in racing {
            race.await.unwrap();
        }
        for actor in [&one, &other] {
            let end = tokio::time::timeout(Duration::from_secs(10), actor.exited()).await;
            assert!(end.is_ok(), "a link to the dead was lost in round {n}");
        }
        assert_eq!(fired.load(SeqCst), 1);
    }
}
