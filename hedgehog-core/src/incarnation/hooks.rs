//! What is to run when an incarnation ends, each once, unless it is taken back before.
//!
//! An actor may live for years while what watches it, or what it holds, comes and goes: whoever adds a hook for something
//! that can end first takes it back then, or the list grows for ever.

/// Hooks in the order in which they were added.
pub(super) struct Hooks<F> {
    /// By rising id. `None` where a hook was taken back; at most half of them are.
    entries: Vec<(HookId, Option<F>)>,
    next: u64,
    vacant: usize,
}

/// A hook that has not run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HookId(u64);

impl<F> Default for Hooks<F> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            next: 0,
            vacant: 0,
        }
    }
}

impl<F> Hooks<F> {
    pub(super) fn add(&mut self, hook: F) -> HookId {
        let id = HookId(self.next);
        self.next += 1;
        if self.entries.capacity() == 0 {
            // Most actors have one in all their life, and there may be very many actors.
            self.entries.reserve_exact(1);
        }
        self.entries.push((id, Some(hook)));
        id
    }

    /// Gives the hook back, to be dropped where no lock is held.
    pub(super) fn take_back(&mut self, id: HookId) -> Option<F> {
        let at = self.entries.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let hook = self.entries[at].1.take()?;
        self.vacant += 1;
        if self.vacant * 2 > self.entries.len() {
            self.entries.retain(|(_, hook)| hook.is_some());
            self.entries.shrink_to(2 * self.entries.len());
            self.vacant = 0;
        }
        Some(hook)
    }

    /// All of them, to be run.
    pub(super) fn take_all(&mut self) -> Vec<F> {
        self.vacant = 0;
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().filter_map(|(_, hook)| hook).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_back_is_gone_and_the_rest_keeps_its_order() {
        let mut hooks = Hooks::default();
        let ids: Vec<_> = (0..10).map(|hook| hooks.add(hook)).collect();
        for id in [3, 4, 5, 6, 7, 0] {
            assert_eq!(hooks.take_back(ids[id]), Some(id));
            assert_eq!(hooks.take_back(ids[id]), None);
        }
        let last = hooks.add(10);
        assert_eq!(hooks.take_back(last), Some(10));
        assert_eq!(hooks.take_all(), [1, 2, 8, 9]);
        assert_eq!(hooks.take_back(ids[1]), None);
    }

    #[test]
    fn many_that_come_and_go_leave_no_room_behind() {
        let mut hooks = Hooks::default();
        let ids: Vec<_> = (0..1_000).map(|hook| hooks.add(hook)).collect();
        for id in ids {
            assert!(hooks.take_back(id).is_some());
        }
        for _ in 0..100_000 {
            let id = hooks.add(0);
            assert!(hooks.take_back(id).is_some());
        }
        assert!(hooks.entries.capacity() < 16, "{}", hooks.entries.capacity());
    }
}
