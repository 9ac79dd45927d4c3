//! How much of unstored events may be kept in memory, over all topics together.
//!
//! A topic's log has no bound of its own: it keeps what is not acknowledged. The workers ask here, and put on disk what is too much.

use parking_lot::Mutex;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::Instant;

/// Events of a topic that are not durable yet.
pub(super) trait Backlog: Send + Sync {
    /// How many.
    fn events(&self) -> u64;

    /// Their bytes.
    fn weight(&self) -> u64;
}

pub(super) struct Memory {
    /// In bytes.
    limit: u64,
    backlogs: Mutex<Vec<Weak<dyn Backlog>>>,
    /// When it was added up, and to what.
    sample: Mutex<Option<(Instant, u64)>>,
}

/// How long a sum is good for: hundreds of workers ask.
const FRESH: Duration = Duration::from_millis(20);

impl Memory {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            backlogs: Mutex::default(),
            sample: Mutex::default(),
        }
    }

    pub(super) fn count(&self, backlog: Weak<dyn Backlog>) {
        let mut backlogs = self.backlogs.lock();
        backlogs.retain(|backlog| backlog.strong_count() > 0);
        backlogs.push(backlog);
    }

    /// Whether there is too much. `own` is the asker's part: who has less than a fair share leaves it to the others.
    pub(super) fn is_full(&self, own: u64) -> bool {
        let used = self.used();
        used > self.limit && own.saturating_mul(self.backlogs.lock().len() as u64) >= used
    }

    /// Whether there is room again: half of it, so that one event more does not fill it again.
    pub(super) fn has_room(&self) -> bool {
        *self.sample.lock() = None;
        self.used() <= self.limit / 2
    }

    fn used(&self) -> u64 {
        let mut sample = self.sample.lock();
        let now = Instant::now();
        match *sample {
            Some((at, used)) if now < at + FRESH => used,
            _ => {
                let backlogs = self.backlogs.lock();
                let used = backlogs
                    .iter()
                    .filter_map(Weak::upgrade)
                    .map(|backlog| backlog.weight())
                    .sum();
                *sample = Some((now, used));
                used
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    struct Fixed(u64);

    impl Backlog for Fixed {
        fn events(&self) -> u64 {
            self.0
        }
        fn weight(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn the_limit_is_for_all_and_who_has_most_makes_room() {
        let memory = Memory::new(100);
        let topics = [Arc::new(Fixed(90)), Arc::new(Fixed(20))];
        for topic in &topics {
            let topic: Arc<dyn Backlog> = topic.clone();
            memory.count(Arc::downgrade(&topic));
        }
        assert!(memory.is_full(90) && !memory.is_full(20) && !memory.has_room());
        let [large, small] = topics;
        drop(large);
        assert!(memory.has_room() && !memory.is_full(small.0));
    }
}
