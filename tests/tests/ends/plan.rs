//! Which ends are tried: drawn from a seed, so that each can be had again.

use fastrand::Rng;
use std::fmt;
use std::time::Duration;

/// Where the trades come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Market {
    /// A recording at full speed.
    Max,
    /// A recording at its pace.
    Paced,
    /// Made up within the program, and so at rest while that is.
    Generated,
    /// An exchange of its own, which goes on.
    Alone,
}

/// Where the apps keep their tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackEnd {
    Sqlite,
    Postgres,
}

/// What stands in the way of storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Healthy,
    Locked,
    /// A server that has gone, fast or at once.
    Stopped(&'static str),
    /// A server that stands still.
    Suspended,
    Full,
}

/// A signal that ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Int,
    Hup,
    Kill,
}

/// One end.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Of all ends that the seed gives; the name is made from it.
    pub(crate) number: usize,
    pub(crate) market: Market,
    pub(crate) back_end: BackEnd,
    pub(crate) trouble: Trouble,
    pub(crate) signal: Signal,
    /// Whether a second signal follows, if the first has not been enough by then.
    pub(crate) twice: bool,
    /// Whether the trouble is over before the end.
    pub(crate) passes: bool,
    /// The trouble begins with so many rows.
    pub(crate) rows: u64,
    /// The end comes with so many trades more received, or after so long.
    pub(crate) received: u64,
    pub(crate) patience: Duration,
    /// The next run is killed after so long, and it is the one after that which must have everything.
    pub(crate) killed_again: Option<Duration>,
    /// Of a generated market.
    pub(crate) market_seed: u64,
}

const MARKETS: [Market; 4] = [Market::Max, Market::Paced, Market::Generated, Market::Alone];
const TROUBLES: [Trouble; 5] = [
    Trouble::Healthy,
    Trouble::Locked,
    Trouble::Stopped("fast"),
    Trouble::Suspended,
    Trouble::Full,
];

/// Trades in a recording that is played at full speed.
pub(crate) const TRADES_AT_MAX: u64 = 30_000;
/// Trades in a recording that is played at its pace.
pub(crate) const TRADES_PACED: u64 = 6_000;

/// Every combination comes once before any comes again.
pub(crate) fn draw(seed: u64, ends: usize) -> Vec<Plan> {
    let mut random = Rng::with_seed(seed);
    let mut deck = Vec::new();
    (0..ends)
        .map(|number| {
            if deck.is_empty() {
                deck = combinations();
                random.shuffle(&mut deck);
            }
            let (market, back_end, trouble) = deck.pop().expect("it has just been filled");
            Plan::new(number, market, back_end, trouble, &mut Rng::with_seed(random.u64(..)))
        })
        .collect()
}

fn combinations() -> Vec<(Market, BackEnd, Trouble)> {
    let mut all = Vec::new();
    for market in MARKETS {
        for trouble in TROUBLES {
            all.push((market, BackEnd::Postgres, trouble));
            if !matches!(trouble, Trouble::Stopped(_) | Trouble::Suspended) {
                all.push((market, BackEnd::Sqlite, trouble));
            }
        }
    }
    all
}

impl Plan {
    fn new(number: usize, market: Market, back_end: BackEnd, trouble: Trouble, random: &mut Rng) -> Self {
        let trouble = match trouble {
            Trouble::Stopped(_) if random.bool() => Trouble::Stopped("immediate"),
            other => other,
        };
        let signal = [Signal::Term, Signal::Int, Signal::Hup, Signal::Kill, Signal::Kill][random.usize(..5)];
        let (rows, received) = match market {
            Market::Max => (random.u64(1..TRADES_AT_MAX * 9 / 10), random.u64(1..5_000)),
            _ => (random.u64(1..60), random.u64(5..80)),
        };
        Self {
            number,
            market,
            back_end,
            trouble,
            signal,
            twice: signal != Signal::Kill && random.u8(..4) == 0,
            passes: trouble != Trouble::Healthy && random.u8(..4) == 0,
            rows,
            received,
            patience: Duration::from_millis(random.u64(100..4_000)),
            killed_again: (random.u8(..4) == 0).then(|| Duration::from_millis(random.u64(10..2_000))),
            market_seed: random.u64(1..1_000),
        }
    }

    /// With nothing random in it.
    pub(crate) fn plain(market: Market, back_end: BackEnd, trouble: Trouble) -> Self {
        Self::new(0, market, back_end, trouble, &mut Rng::with_seed(0))
    }

    pub(crate) fn name(&self) -> String {
        let Self {
            number,
            market,
            back_end,
            trouble,
            ..
        } = self;
        format!("{number:03}::{market}::{back_end}::{trouble}")
    }
}

impl Signal {
    /// As `kill` knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Hup => "HUP",
            Self::Kill => "KILL",
        }
    }

    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Kill => 9,
            Self::Term => 15,
        }
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Max => "replay_at_max",
            Self::Paced => "paced_replay",
            Self::Generated => "generated",
            Self::Alone => "exchange_alone",
        })
    }
}

impl fmt::Display for BackEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Locked => "locked",
            Self::Stopped(_) => "stopped",
            Self::Suspended => "suspended",
            Self::Full => "full",
        })
    }
}
