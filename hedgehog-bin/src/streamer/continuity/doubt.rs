//! Trades whose ids came before with something else: strays among trades that go on, a market that has rewound, or another world.

use super::content::Recent;
use super::{Continuity, Effect, LEAP, Place, Stored};
use std::time::Duration;

/// So many trades in a row whose content is known and differs are another world.
const IN_A_ROW: usize = 3;

/// More are not held where nothing new will be known: what is known by then decides.
const MOST_HELD: usize = 4_096;

/// So many wait for the archive at most: a market that is played as fast as it can be tells ten thousand again while a question is asked.
const MOST_UNASKED: usize = 262_144;

pub(super) enum Judgement {
    Wait,
    /// The trade at this index goes on from before: the suspects in front of it do not count.
    GoesOn {
        before: usize,
    },
    NewWorld,
}

impl Continuity {
    /// What the suspect in front is, by what came after it.
    pub(super) fn judge(&self, now: Duration) -> Judgement {
        let (mut others, mut alike, mut only_alike) = (0, 0, true);
        let (mut told, mut telling) = (None, false);
        let mut before: Option<i64> = None;
        for (index, held) in self.held.iter().enumerate() {
            let id = held.trade.trade_id;
            match self.place(held) {
                Place::Other => {
                    (others, only_alike) = (others + 1, false);
                }
                Place::Alike => {
                    // Where every trade says the same, that tells nothing: another time is another trade.
                    alike += 1;
                    telling |= *told.get_or_insert(held.content.told) != held.content.told;
                    if alike >= IN_A_ROW && !telling {
                        return Judgement::NewWorld;
                    }
                }
                Place::Unasked => return Judgement::Wait,
                Place::Unknown => (others, only_alike) = (0, false),
                // Another world that has grown past the old one: it follows on its own trades.
                Place::Fresh
                    if others + 1 >= IN_A_ROW && before.and_then(|before| before.checked_add(1)) == Some(id) =>
                {
                    others += 1;
                }
                Place::Fresh => return Judgement::GoesOn { before: index },
                Place::Repeated => others = 0,
                Place::Late | Place::Leap | Place::StoredBefore => {}
            }
            if others >= IN_A_ROW {
                return Judgement::NewWorld;
            }
            before = Some(id);
        }
        let Some(front) = self.held.front() else {
            return Judgement::Wait;
        };
        // A market that tells its own trades anew has rewound by some seconds, and needs as long to be back.
        let patience = if only_alike { self.patience * 2 } else { self.patience };
        if now >= front.at + patience {
            return Judgement::NewWorld;
        }
        match self.held.len() < MOST_HELD {
            true => Judgement::Wait,
            false if only_alike => Judgement::GoesOn {
                before: self.held.len(),
            },
            false => Judgement::NewWorld,
        }
    }

    /// An archive that does not answer holds nobody up for longer than patience lasts.
    pub(super) fn give_up_asking(&mut self, now: Duration) {
        let full = self.held.len() >= MOST_UNASKED;
        if !self.archive || !(full || self.held.front().is_some_and(|front| now >= front.at + self.patience)) {
            return;
        }
        let late = |at: Duration| full || now >= at + self.patience;
        for held in self
            .held
            .iter_mut()
            .filter(|held| held.stored.is_none() && late(held.at))
        {
            held.stored = Some(Stored::Untold);
        }
    }

    /// Drops the suspects among the first `count` trades; the others are what they are.
    pub(super) fn drop_suspects(&mut self, count: usize, out: &mut Vec<Effect>) {
        let (mut repeated, mut strays, mut stored) = (0, 0, 0);
        for _ in 0..count {
            let Some(front) = self.held.front() else { break };
            match self.place(front) {
                Place::Late => {
                    self.fill(out);
                    continue;
                }
                Place::StoredBefore => {
                    self.pass(front.trade.trade_id, out);
                    continue;
                }
                Place::Other => strays += 1,
                _ => {
                    repeated += 1;
                    stored += u64::from(matches!(front.stored, Some(Stored::Yes(_))));
                }
            }
            self.held.pop_front();
        }
        if stored > 0 {
            out.push(Effect::StoredBefore(stored));
        }
        if repeated > 0 {
            out.push(Effect::Repeated(repeated));
        }
        if strays > 0 {
            out.push(Effect::Strays(strays));
        }
    }

    /// The trades that are held are another world's.
    pub(super) fn begin_epoch(&mut self, out: &mut Vec<Effect>) {
        let Some(front) = self.held.front() else { return };
        let first = front.trade.trade_id;
        let highest = self.highest.unwrap_or(first);
        self.end_crossing();
        self.epoch = self.epoch.saturating_add(1);
        (self.highest, self.recalled, self.crossing) = (None, false, 0);
        self.recent = Recent::default();
        self.used_up.clear();
        for held in &mut self.held {
            (held.stored, held.leap_is_a_gap) = (None, false);
        }
        out.push(Effect::NewEpoch {
            epoch: self.epoch,
            highest,
            first,
        });
    }

    /// A trade far ahead, and the one after it.
    pub(super) fn decide_leap(&mut self, id: i64, next: i64, out: &mut Vec<Effect>) {
        if next == id {
            // It came twice, which tells nothing more.
            self.held.remove(1);
            out.push(Effect::Repeated(1));
        } else if next > id && next - id <= LEAP {
            if let Some(front) = self.held.front_mut() {
                front.leap_is_a_gap = true;
            }
        } else if let (Some(_), Some(highest)) = (self.held.pop_front(), self.highest) {
            out.push(Effect::Absurd { id, highest });
        }
    }
}
