//! What a trade says, small enough to keep for a few thousand trades: a repetition is told from another trade by it.

use crate::market::{Decimal, TradeEvent, plain_text};
use bigdecimal::ToPrimitive;
use std::hash::{DefaultHasher, Hash, Hasher};

/// So many trades of a symbol are remembered.
const MOST: usize = 2_048;

/// Price, quantity, side and time of a trade. The event's own time is left out: it is when the exchange sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// Of price, quantity and side.
    pub(super) told: u64,
    time: i64,
}

/// How like two trades of one id are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same trade.
    Same,
    /// Told with another time: a made-up market that has rewound tells its trades anew, and so does a new one of the same seed.
    Alike,
    /// Another trade.
    Other,
}

impl Content {
    pub(super) fn of(trade: &TradeEvent) -> Self {
        let mut hasher = DefaultHasher::new();
        hash(trade.price.value(), &mut hasher);
        hash(trade.quantity.value(), &mut hasher);
        trade.buyer_market_maker.hash(&mut hasher);
        Self {
            told: hasher.finish(),
            time: trade.trade_time,
        }
    }

    pub(super) fn likeness(self, other: Self) -> Likeness {
        match (self.told == other.told, self.time == other.time) {
            (true, true) => Likeness::Same,
            (true, false) => Likeness::Alike,
            (false, _) => Likeness::Other,
        }
    }
}

/// The value, however it is written: a stored trade may have lost its zeros. Quick where the digits fit 64 bits.
fn hash(value: &Decimal, hasher: &mut DefaultHasher) {
    let (digits, mut scale) = value.as_bigint_and_scale();
    match digits.to_i64() {
        Some(0) => 0i64.hash(hasher),
        Some(mut digits) => {
            while digits % 10 == 0 {
                digits /= 10;
                scale -= 1;
            }
            (digits, scale).hash(hasher);
        }
        None => plain_text(&value.normalized()).hash(hasher),
    }
}

/// The newest trades by id. Ids grow by one, so that each has its place by what is left of it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    places: Vec<Option<(i64, Content)>>,
    noted: usize,
}

impl Recent {
    pub(super) fn note(&mut self, id: i64, content: Content) {
        if self.noted >= self.places.len() && self.places.len() < MOST {
            self.grow();
        }
        self.noted += 1;
        let place = place(id, self.places.len());
        self.places[place] = Some((id, content));
    }

    pub(super) fn of(&self, id: i64) -> Option<Content> {
        if self.places.is_empty() {
            return None;
        }
        let (known, content) = self.places[place(id, self.places.len())]?;
        (known == id).then_some(content)
    }

    /// Most symbols have few trades: memory comes with them.
    fn grow(&mut self) {
        let length = (self.places.len() * 2).clamp(64, MOST);
        let before = std::mem::replace(&mut self.places, vec![None; length]);
        for (id, content) in before.into_iter().flatten() {
            self.places[place(id, length)] = Some((id, content));
        }
    }
}

fn place(id: i64, length: usize) -> usize {
    id.rem_euclid(length as i64) as usize
}
