//! What happened in a scenario, in order.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

/// An append-only record that all actors of a scenario share; a clone is the same journal.
///
/// An entry is a verb and a name, such as `start a`, `stop a` or `drop a`.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry.
    pub fn record(&self, entry: impl Into<String>) {
        self.0.lock().push(entry.into());
    }

    /// The entries since the last `take`, joined with `", "`; the journal is empty afterwards.
    #[must_use]
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock()).join(", ")
    }

    /// As [`take`](Self::take), but only the entries that begin with one of `verbs`; the others are dropped.
    #[must_use]
    pub fn take_only(&self, verbs: &[&str]) -> String {
        let mut entries = std::mem::take(&mut *self.0.lock());
        entries.retain(|entry| verbs.iter().any(|verb| entry.split(' ').next() == Some(verb)));
        entries.join(", ")
    }

    /// Whether `entry` stands in the journal since the last `take`.
    #[must_use]
    pub fn contains(&self, entry: &str) -> bool {
        self.0.lock().iter().any(|known| known == entry)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Journal").field(&*self.0.lock()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Journal;

    #[test]
    fn take_empties_the_journal() {
        let journal = Journal::new();
        journal.record("start a");
        journal.record("stop a");
        assert!(journal.contains("stop a"));
        assert_eq!(journal.take(), "start a, stop a");
        assert_eq!(journal.take(), "");
    }

    #[test]
    fn take_only_keeps_whole_verbs() {
        let journal = Journal::new();
        journal.record("start a");
        journal.record("stop a");
        journal.record("stopped a");
        assert_eq!(journal.take_only(&["stop"]), "stop a");
        assert_eq!(journal.take(), "");
    }
}
