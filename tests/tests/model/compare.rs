//! Whether what was seen is what the model says, up to the order of things that happen beside each other.
//!
//! A supervisor is sequential, so for each one the entries about itself and its children have one order. A dynamic one deals with
//! its children side by side: there the order holds for each child with its supervisor. Those orders together fix how whole
//! subtrees start and stop.

use std::collections::{BTreeMap, BTreeSet};

use crate::otp::Logged;
use crate::scenario::{Entry, NodeId};

/// The first difference in what children lived through, if there is one.
pub(crate) fn lives(model: &[Logged], seen: &[Entry], tree: &Tree<'_>) -> Result<(), String> {
    let supervisors = tree.supervisors(model, seen)?;
    for (child, supervisor) in &supervisors {
        one_order(model, seen, |entry| entry.node == *child || entry.node == *supervisor)?;
    }
    for supervisor in supervisors.values().filter(|supervisor| !tree.is_dynamic(**supervisor)) {
        one_order(model, seen, |entry| {
            entry.node == *supervisor || tree.is_child(entry.node, *supervisor)
        })?;
    }
    Ok(())
}

/// The first difference in what supervisors told, if there is one. Each tells of its children alone, and two of them have no order.
pub(crate) fn told(model: &[Logged], seen: &[Entry], tree: &Tree<'_>) -> Result<(), String> {
    for (child, supervisor) in &tree.supervisors(model, seen)? {
        if tree.is_dynamic(*supervisor) {
            one_order(model, seen, |entry| entry.node == *child)?;
        } else {
            one_order(model, seen, |entry| tree.is_child(entry.node, *supervisor))?;
        }
    }
    Ok(())
}

/// Who is whose child, and which supervisors deal with theirs side by side.
pub(crate) struct Tree<'a> {
    pub(crate) parents: BTreeMap<NodeId, NodeId>,
    pub(crate) dynamic: &'a BTreeSet<NodeId>,
}

impl Tree<'_> {
    /// The nodes of these entries, each with its supervisor.
    fn supervisors(&self, model: &[Logged], seen: &[Entry]) -> Result<BTreeMap<NodeId, NodeId>, String> {
        let of = |entry: &Entry| match self.parents.get(&entry.node) {
            Some(supervisor) => Ok((entry.node, *supervisor)),
            None => Err(format!(
                "OTP never starts this one:\n{}",
                lines(std::slice::from_ref(entry))
            )),
        };
        model.iter().map(|logged| &logged.entry).chain(seen).map(of).collect()
    }

    fn is_child(&self, child: NodeId, supervisor: NodeId) -> bool {
        self.parents.get(&child) == Some(&supervisor)
    }

    fn is_dynamic(&self, supervisor: NodeId) -> bool {
        self.dynamic.contains(&supervisor)
    }
}

/// Whether the entries that `is_about` takes are the same.
fn one_order(model: &[Logged], seen: &[Entry], is_about: impl Fn(&Entry) -> bool) -> Result<(), String> {
    let mut expected: Vec<Logged> = model.iter().filter(|logged| is_about(&logged.entry)).cloned().collect();
    let mut seen: Vec<Entry> = seen.iter().filter(|entry| is_about(entry)).cloned().collect();
    settle_order(&mut expected, &mut seen);
    let expected: Vec<Entry> = expected.into_iter().map(|logged| logged.entry).collect();
    if expected == seen {
        Ok(())
    } else {
        Err(format!(
            "the log\n  OTP:\n{}  hedgehog:\n{}",
            lines(&expected),
            lines(&seen)
        ))
    }
}

/// Brings both into one order where the model knows none.
fn settle_order(expected: &mut [Logged], seen: &mut [Entry]) {
    let mut from = 0;
    for group in expected.chunk_by_mut(|a, b| a.unordered.is_some() && a.unordered == b.unordered) {
        let to = from + group.len();
        group.sort_by_key(|logged| logged.entry.node);
        if let Some(seen) = seen.get_mut(from..to) {
            seen.sort_by_key(|entry| entry.node);
        }
        from = to;
    }
}

fn lines(entries: &[Entry]) -> String {
    let lines: Vec<_> = entries.iter().map(|entry| format!("    {entry}\n")).collect();
    lines.concat()
}
