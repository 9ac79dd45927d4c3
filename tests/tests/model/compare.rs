//! Whether what was seen is what the model says, up to the order of things that happen beside each other.
//!
//! A supervisor is sequential, so for each one the entries about itself and its children have one order. A dynamic one deals with
//! its children side by side: there the order holds for each child with its supervisor. Those orders together fix how whole
//! subtrees start and stop.

use std::collections::{BTreeMap, BTreeSet};

use crate::otp::Logged;
use crate::scenario::{Entry, NodeId};

/// The first difference, if there is one. `is_dynamic` says which supervisors deal with their children side by side.
pub(crate) fn logs(
    model: &[Logged],
    seen: &[Entry],
    parents: &BTreeMap<NodeId, NodeId>,
    is_dynamic: impl Fn(NodeId) -> bool,
) -> Result<(), String> {
    let mut supervisors = BTreeSet::new();
    for of in model.iter().map(|logged| &logged.entry).chain(seen) {
        let Some(&supervisor) = parents.get(&of.node) else {
            return Err(format!(
                "OTP never starts this one:\n{}",
                lines(std::slice::from_ref(of))
            ));
        };
        one_order(model, seen, |entry| entry.node == of.node || entry.node == supervisor)?;
        supervisors.insert(supervisor);
    }
    for supervisor in supervisors.into_iter().filter(|supervisor| !is_dynamic(*supervisor)) {
        one_order(model, seen, |entry| {
            entry.node == supervisor || parents.get(&entry.node) == Some(&supervisor)
        })?;
    }
    Ok(())
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
