//! What a symbol's next trade means: whether it is broadcast, what is missing before it, and whether its id belongs to this world.
//!
//! Pure: the caller brings the time and carries the [`Effect`]s out. Trades that cannot be judged yet are held, in order, and what
//! comes after them waits behind them.
//! Invariant: in each epoch the ids broadcast and the ids missing are contiguous but for those that the exchange gave to nobody's trades,
//! and no id is broadcast twice.

mod content;
mod doubt;

#[cfg(test)]
mod tests;

use super::ranges::{Ranges, count};
use crate::market::TradeEvent;
use content::{Content, Likeness, Recent};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long suspects may come with nothing fresh among them: then the ids have gone back.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// An id this far ahead is no gap yet: the next trade decides.
const LEAP: i64 = 10_000_000;

/// So far below the first trade of an epoch, and for so many trades, ids may come late: two may have crossed at the very beginning.
const CROSSING: i64 = 16;

/// So many ids of nobody's trades are remembered until a trade of the market comes behind them.
const MOST_USED_UP: usize = 65_536;

/// Why trades could be missed: what lay between the trade before the gap and the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nothing: the exchange itself skipped them.
    Jump,
    /// A lost connection.
    Reconnect,
    /// A new process.
    Restart,
    /// The stream was switched off.
    Stopped,
    /// The program was not running.
    Downtime,
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Broadcast it; its epoch is set. `late`: it fills a gap.
    Publish { trade: TradeEvent, late: bool },
    /// These are missing.
    Gap {
        epoch: i32,
        range: RangeInclusive<i64>,
        cause: Cause,
    },
    /// Find out what of a range is stored, and tell it to [`Continuity::settle`].
    Ask(Question),
    /// So many trades came again, and were dropped.
    Repeated(u64),
    /// So many trades of these, or of those that were passed, stood in the archive already.
    StoredBefore(u64),
    /// Up to this id nothing is left to broadcast: an earlier program has stored it, or no trade of the market has it.
    Passed { epoch: i32, id: i64 },
    /// So many trades came under ids of others, alone among trades that go on, and were dropped.
    Strays(u64),
    /// A trade far ahead of all others was dropped: those after it go on from before.
    Absurd { id: i64, highest: i64 },
    /// The ids have gone back from the highest one to the first one.
    NewEpoch { epoch: i32, highest: i64, first: i64 },
}

/// A range of which an earlier program may have stored something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) epoch: i32,
    pub(super) range: RangeInclusive<i64>,
    pub(super) about: About,
}

/// What a question is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// What lies between the saved position and the first trade.
    Downtime,
    /// What lies before the first trade, where no position was saved: missing from the first stored one on.
    Beginning,
    /// A gap row: what came late may be stored without the row knowing it.
    Row,
}

/// What an earlier run of the program left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Recollection {
    /// The newest epoch, and how far it is done.
    pub(super) position: Option<(i32, i64)>,
    /// All gap rows.
    pub(super) gaps: Vec<(i32, RangeInclusive<i64>, Cause, i64)>,
}

/// An id that did not come: known to be missing, or yet to be asked about. Either way it may come late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    Missing,
    Asked,
    /// Below the first trade of the epoch; no gap.
    Crossing,
}

/// The state of one symbol.
#[derive(Debug)]
pub(super) struct Continuity {
    epoch: i32,
    highest: Option<i64>,
    /// No trade has been taken since the earlier program's: what is above `highest` may be stored all the same.
    recalled: bool,
    /// Whether stored trades can be asked for.
    archive: bool,
    patience: Duration,
    holes: Ranges<Hole>,
    recent: Recent,
    held: VecDeque<Held>,
    /// Ids above the highest one that no trade of the market will have.
    used_up: BTreeSet<i64>,
    /// Trades left until nothing below the first one of the epoch is expected any more.
    crossing: i64,
    /// What happened to the connection since the last trade.
    interruption: Option<Cause>,
}

/// A trade that is being judged.
#[derive(Debug)]
struct Held {
    trade: TradeEvent,
    content: Content,
    at: Duration,
    /// What the archive says of its id; `None` before it has answered.
    stored: Option<Stored>,
    /// The trade after it has shown that its leap is a gap.
    leap_is_a_gap: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    No,
    Yes(Likeness),
    /// No answer came in time.
    Untold,
}

/// What a trade is, seen from the state as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Above all others.
    Fresh,
    /// Too far above them.
    Leap,
    /// In a hole.
    Late,
    Repeated,
    /// Above all others, and stored by an earlier program.
    StoredBefore,
    /// The archive has to be asked.
    Unasked,
    Alike,
    Other,
    /// Its id came before, and what came under it is not known any more.
    Unknown,
}

impl Continuity {
    pub(super) fn new(archive: bool, patience: Duration) -> Self {
        Self {
            epoch: 0,
            highest: None,
            recalled: false,
            archive,
            patience,
            holes: Ranges::default(),
            recent: Recent::default(),
            held: VecDeque::new(),
            used_up: BTreeSet::new(),
            crossing: 0,
            interruption: None,
        }
    }

    /// Takes over what an earlier program left, before the first trade.
    pub(super) fn recall(&mut self, recollection: &Recollection, out: &mut Vec<Effect>) {
        self.recalled = true;
        let newest_gap = recollection
            .gaps
            .iter()
            .map(|(epoch, range, ..)| (*epoch, *range.end()));
        let Some((epoch, highest)) = recollection.position.into_iter().chain(newest_gap).max() else {
            return;
        };
        self.epoch = epoch;
        if let Some((at, id)) = recollection.position {
            // Of an epoch that has rows and no position nobody knows what was done of it: it begins with the next trade.
            self.highest = (at == epoch).then_some(highest);
            out.push(Effect::Passed { epoch: at, id });
        }
        for (epoch, range, ..) in &recollection.gaps {
            for range in self.holes.add(*epoch, range.clone(), &Hole::Missing) {
                if self.archive {
                    let (epoch, about) = (*epoch, About::Row);
                    out.push(Effect::Ask(Question { epoch, range, about }));
                }
            }
        }
        // A gap row is written at once, a position every few seconds: what lies between is not told by either.
        if let Some((at, position)) = recollection.position
            && at == epoch
            && position < highest
        {
            self.missed(position + 1..=highest, Cause::Downtime, out);
        }
    }

    /// The next trade of the stream.
    pub(super) fn take(&mut self, trade: TradeEvent, now: Duration, out: &mut Vec<Effect>) {
        self.held.push_back(Held {
            content: Content::of(&trade),
            trade,
            at: now,
            stored: None,
            leap_is_a_gap: false,
        });
        self.review(now, out);
    }

    /// An id that the exchange gave to a trade that is none of the market's: there is nothing to broadcast, and when a later trade
    /// comes, nothing is missing there.
    pub(super) fn use_up(&mut self, id: i64, out: &mut Vec<Effect>) {
        if self.highest.is_none_or(|highest| id > highest) {
            self.used_up.insert(id);
            if self.used_up.len() > MOST_USED_UP {
                self.used_up.pop_first();
            }
        }
        // Nothing is missing before the id only where it goes on from the last trade.
        let from = self.highest.map_or(i64::MAX, |highest| highest.saturating_add(1));
        if self.held.is_empty() && from <= id && (from..=id).all(|id| self.used_up.contains(&id)) {
            out.push(Effect::Passed { epoch: self.epoch, id });
        }
    }

    /// Whether [`review`](Self::review) has something to decide when time passes.
    pub(super) fn is_in_doubt(&self) -> bool {
        !self.held.is_empty()
    }

    /// Decides what can be decided of the trades that are held.
    pub(super) fn review(&mut self, now: Duration, out: &mut Vec<Effect>) {
        self.give_up_asking(now);
        while let Some(front) = self.held.front() {
            let id = front.trade.trade_id;
            match self.place(front) {
                Place::Fresh => self.accept(out),
                Place::Late => self.fill(out),
                Place::Repeated => {
                    self.held.pop_front();
                    out.push(Effect::Repeated(1));
                }
                Place::StoredBefore => self.pass(id, out),
                Place::Leap => match self.held.get(1).map(|next| next.trade.trade_id) {
                    None => return,
                    Some(next) => self.decide_leap(id, next, out),
                },
                Place::Unasked => return,
                Place::Alike | Place::Other | Place::Unknown => match self.judge(now) {
                    doubt::Judgement::Wait => return,
                    doubt::Judgement::GoesOn { before } => self.drop_suspects(before, out),
                    doubt::Judgement::NewWorld => self.begin_epoch(out),
                },
            }
        }
    }

    /// Epoch and ids of which the archive is to say what it has; see [`answer`](Self::answer).
    pub(super) fn unasked(&self, at_most: usize) -> (i32, Vec<i64>) {
        let unasked = self.held.iter().filter(|held| self.place(held) == Place::Unasked);
        let ids = unasked.map(|held| held.trade.trade_id).take(at_most).collect();
        (self.epoch, ids)
    }

    /// What is stored under the ids that were asked about.
    pub(super) fn answer(
        &mut self,
        epoch: i32,
        asked: &[i64],
        stored: &[TradeEvent],
        now: Duration,
        out: &mut Vec<Effect>,
    ) {
        if epoch == self.epoch {
            let mut answers: HashMap<_, _> = asked.iter().map(|id| (*id, None)).collect();
            answers.extend(stored.iter().map(|trade| (trade.trade_id, Some(Content::of(trade)))));
            for held in &mut self.held {
                if let Some(answer) = answers.get(&held.trade.trade_id) {
                    held.stored = Some(answer.map_or(Stored::No, |stored| Stored::Yes(stored.likeness(held.content))));
                }
            }
            self.review(now, out);
        }
    }

    /// What of a question's range is missing. Returns the ranges that are gaps now, those with trades that came late since then
    /// included: they are not stored yet.
    pub(super) fn settle(&mut self, question: &Question, missing: &[RangeInclusive<i64>]) -> Vec<RangeInclusive<i64>> {
        let Question { epoch, range, about } = question;
        let mut missing: Vec<_> = missing
            .iter()
            .filter_map(|one| super::ranges::shared(one, range))
            .collect();
        if *about == About::Beginning {
            missing.retain(|one| one.start() != range.start());
            for gap in &missing {
                for crossing in self.holes.within(*epoch, gap) {
                    self.holes.remove(*epoch, *crossing.start());
                }
                self.holes.add(*epoch, gap.clone(), &Hole::Missing);
            }
            return missing;
        }
        for hole in self.holes.within(*epoch, range) {
            self.holes.remove(*epoch, *hole.start());
            for gap in missing.iter().filter_map(|one| super::ranges::shared(one, &hole)) {
                self.holes.add(*epoch, gap, &Hole::Missing);
            }
        }
        missing
    }

    /// The connection, the process or the switch: it names the next gap.
    pub(super) fn interrupted(&mut self, cause: Cause) {
        match cause {
            Cause::Stopped => self.interruption = Some(cause),
            _ => {
                self.interruption.get_or_insert(cause);
            }
        }
    }

    pub(super) fn epoch(&self) -> i32 {
        self.epoch
    }

    pub(super) fn highest(&self) -> Option<i64> {
        self.highest
    }

    /// What is known to be missing, in order of epoch and id.
    pub(super) fn gaps(&self) -> impl DoubleEndedIterator<Item = (i32, RangeInclusive<i64>)> {
        let missing = self.holes.iter().filter(|(.., hole)| **hole == Hole::Missing);
        missing.map(|(epoch, range, _)| (epoch, range))
    }

    fn place(&self, held: &Held) -> Place {
        let id = held.trade.trade_id;
        let above = self.highest.is_none_or(|highest| id > highest);
        if above {
            let leaps = self.highest.is_some_and(|highest| id.saturating_sub(highest) > LEAP);
            return match held.stored {
                _ if leaps && !held.leap_is_a_gap => Place::Leap,
                _ if !(self.recalled && self.archive) => Place::Fresh,
                None => Place::Unasked,
                Some(Stored::No | Stored::Untold) => Place::Fresh,
                Some(Stored::Yes(Likeness::Same)) => Place::StoredBefore,
                Some(Stored::Yes(Likeness::Alike)) => Place::Alike,
                Some(Stored::Yes(Likeness::Other)) => Place::Other,
            };
        }
        if self.holes.holding(self.epoch, id).is_some() {
            return Place::Late;
        }
        let likeness = match (self.recent.of(id), held.stored) {
            (Some(known), _) => known.likeness(held.content),
            (None, Some(Stored::Yes(likeness))) => likeness,
            (None, None) if self.archive => return Place::Unasked,
            (None, _) => return Place::Unknown,
        };
        match likeness {
            Likeness::Same => Place::Repeated,
            Likeness::Alike => Place::Alike,
            Likeness::Other => Place::Other,
        }
    }

    /// The trade in front is above all others: what lies between is missing.
    fn accept(&mut self, out: &mut Vec<Effect>) {
        let Some(held) = self.held.pop_front() else { return };
        let id = held.trade.trade_id;
        let interruption = self.interruption.take();
        match self.highest {
            Some(highest) if id > highest + 1 => {
                let cause = if self.recalled {
                    Cause::Downtime
                } else {
                    interruption.unwrap_or(Cause::Jump)
                };
                self.missed(highest + 1..=id - 1, cause, out);
            }
            Some(_) => {}
            None => self.begin(id, out),
        }
        self.recalled = false;
        self.highest = Some(id);
        // A row of an earlier program that had come further.
        let late = self.holes.take(self.epoch, id);
        if self.crossing > 0 {
            self.crossing -= 1;
            if self.crossing == 0 {
                self.end_crossing();
            }
        }
        self.publish(held, late, out);
    }

    /// The first trade of an epoch.
    fn begin(&mut self, id: i64, out: &mut Vec<Effect>) {
        if id <= 0 {
            return;
        }
        // An earlier program had got further than its first gap, and saved no position.
        let first_gap = self
            .holes
            .within(self.epoch, &(0..=id - 1))
            .first()
            .map(|gap| *gap.start());
        if let Some(first) = first_gap {
            self.missed(first..=id - 1, Cause::Downtime, out);
        }
        let unknown = 0..=first_gap.unwrap_or(id) - 1;
        if self.archive && !unknown.is_empty() {
            let (epoch, range, about) = (self.epoch, unknown, About::Beginning);
            out.push(Effect::Ask(Question { epoch, range, about }));
        }
        self.crossing = CROSSING;
        self.holes
            .add(self.epoch, (id - CROSSING).max(0)..=id - 1, &Hole::Crossing);
    }

    fn end_crossing(&mut self) {
        let crossing = self.holes.iter().filter(|(.., hole)| **hole == Hole::Crossing);
        let ended: Vec<_> = crossing.map(|(epoch, range, _)| (epoch, *range.start())).collect();
        for (epoch, first) in ended {
            self.holes.remove(epoch, first);
        }
    }

    fn fill(&mut self, out: &mut Vec<Effect>) {
        let Some(held) = self.held.pop_front() else { return };
        let id = held.trade.trade_id;
        let hole = self.holes.holding(self.epoch, id).map(|(range, hole)| (range, *hole));
        self.holes.take(self.epoch, id);
        // The epoch begins lower than it seemed, and what lies between is missing.
        if let Some((range, Hole::Crossing)) = hole
            && id < *range.end()
        {
            self.holes.remove(self.epoch, id + 1);
            self.missed(id + 1..=*range.end(), Cause::Jump, out);
        }
        self.publish(held, true, out);
    }

    /// An earlier program has stored the trade in front.
    fn pass(&mut self, id: i64, out: &mut Vec<Effect>) {
        if let Some(held) = self.held.pop_front() {
            self.recent.note(id, held.content);
        }
        match self.highest {
            Some(highest) if id > highest + 1 => self.missed(highest + 1..=id - 1, Cause::Downtime, out),
            Some(_) => {}
            None => self.begin(id, out),
        }
        self.highest = Some(id);
        out.push(Effect::Repeated(1));
        out.push(Effect::StoredBefore(1));
        out.push(Effect::Passed { epoch: self.epoch, id });
    }

    /// All of a range but the ids that no trade of the market has.
    fn missed(&mut self, range: RangeInclusive<i64>, cause: Cause, out: &mut Vec<Effect>) {
        if range.is_empty() {
            return;
        }
        let (mut first, last) = range.into_inner();
        let nobodys: Vec<_> = self.used_up.range(first..=last).copied().collect();
        for id in nobodys {
            self.missed_all(first..=id - 1, cause, out);
            first = id + 1;
        }
        self.missed_all(first..=last, cause, out);
        self.used_up = self.used_up.split_off(&(last + 1));
    }

    fn missed_all(&mut self, range: RangeInclusive<i64>, cause: Cause, out: &mut Vec<Effect>) {
        if range.is_empty() {
            return;
        }
        let (epoch, asks) = (self.epoch, self.recalled && self.archive);
        let hole = if asks { Hole::Asked } else { Hole::Missing };
        for range in self.holes.add(epoch, range, &hole) {
            let about = About::Downtime;
            out.push(if asks {
                Effect::Ask(Question { epoch, range, about })
            } else {
                Effect::Gap { epoch, range, cause }
            });
        }
    }

    fn publish(&mut self, held: Held, late: bool, out: &mut Vec<Effect>) {
        let Held { mut trade, content, .. } = held;
        self.recent.note(trade.trade_id, content);
        trade.epoch = self.epoch;
        out.push(Effect::Publish { trade, late });
    }
}

/// How many ids are missing in all.
pub(super) fn missing(gaps: impl Iterator<Item = (i32, RangeInclusive<i64>)>) -> i64 {
    gaps.map(|(_, range)| count(&range)).fold(0, i64::saturating_add)
}

impl Cause {
    const ALL: [Self; 5] = [
        Self::Jump,
        Self::Reconnect,
        Self::Restart,
        Self::Stopped,
        Self::Downtime,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Reconnect => "reconnect",
            Self::Restart => "restart",
            Self::Stopped => "stopped",
            Self::Downtime => "downtime",
        }
    }

    /// As it stands in a row.
    pub(super) fn from_row(text: &str) -> Self {
        let named = Self::ALL.into_iter().find(|cause| cause.as_str() == text);
        named.unwrap_or(Self::Downtime)
    }
}
