//! Writes the ledger to the database every few seconds and when the app stops, and tells the terminal how trades flow.
//!
//! A process of its own, so that a slow database never holds up a stream, and so that what a killed stream left in the
//! ledger is written all the same.

use super::ledger::{Ledger, Tally};
use crate::causes::causes;
use crate::market::{Symbol, grouped};
use crate::store::Db;
use hedgehog_core::{Actor, ActorProcessingErr, ChildSpec, Shutdown, ractor};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const SAVE_EVERY: Duration = Duration::from_secs(5);
const REPORT_EVERY: Duration = Duration::from_secs(10);

pub(super) fn spec(id: &'static str, ledger: &Arc<Ledger>, db: &Db) -> ChildSpec<BookkeeperMsg> {
    let (ledger, db) = (Arc::clone(ledger), db.clone());
    ChildSpec::worker(id, move || {
        (
            Bookkeeper {
                ledger: Arc::clone(&ledger),
                db: db.clone(),
            },
            (),
        )
    })
    // The last positions are saved once more when everything has stopped; the warehouse needs the time.
    .shutdown(Shutdown::Timeout(Duration::from_secs(1)))
}

struct Bookkeeper {
    ledger: Arc<Ledger>,
    db: Db,
}

/// What the bookkeeper reminds itself of.
pub(super) enum BookkeeperMsg {
    Save,
    Report,
}

/// What the last report said.
struct Reported {
    at: Instant,
    trades: HashMap<Symbol, u64>,
}

impl Bookkeeper {
    async fn save(&self) {
        let (ledger, db) = (Arc::clone(&self.ledger), self.db.clone());
        // In a task of its own: to drop a query is to wait for it.
        let saved = tokio::spawn(async move { ledger.save(&db).await }).await;
        if let Ok(Err(error)) = saved {
            let why = causes(&error);
            tracing::warn!("streamer: positions and gaps could not be saved, trying again: {why}");
        }
    }
}

impl Actor for Bookkeeper {
    type Msg = BookkeeperMsg;
    type State = Reported;
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<BookkeeperMsg>, (): ()) -> Result<Reported, ActorProcessingErr> {
        myself.send_after(SAVE_EVERY, || BookkeeperMsg::Save);
        myself.send_after(REPORT_EVERY, || BookkeeperMsg::Report);
        let trades = self
            .ledger
            .tallies()
            .into_iter()
            .map(|tally| (tally.symbol, tally.trades))
            .collect();
        Ok(Reported {
            at: Instant::now(),
            trades,
        })
    }

    async fn handle(
        &self,
        myself: ractor::ActorRef<BookkeeperMsg>,
        message: BookkeeperMsg,
        reported: &mut Reported,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BookkeeperMsg::Save => {
                self.save().await;
                myself.send_after(SAVE_EVERY, || BookkeeperMsg::Save);
            }
            BookkeeperMsg::Report => {
                if let Some(line) = reported.line(&self.ledger.tallies(), Instant::now()) {
                    tracing::info!("{line}");
                }
                myself.send_after(REPORT_EVERY, || BookkeeperMsg::Report);
            }
        }
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<BookkeeperMsg>, _: &mut Reported) -> Result<(), ActorProcessingErr> {
        self.save().await;
        Ok(())
    }
}

impl Reported {
    /// One line for all streams; nothing when nothing came since the last one.
    fn line(&mut self, tallies: &[Tally], now: Instant) -> Option<String> {
        let elapsed = now.duration_since(self.at).as_millis().max(1) as u64;
        self.at = now;
        let mut moved = Vec::new();
        for tally in tallies {
            let before = self.trades.insert(tally.symbol.clone(), tally.trades).unwrap_or(0);
            if tally.trades > before {
                moved.push((tally, tally.trades - before));
            }
        }
        // Rounded up: a stream that moves is not shown as standing still.
        let rate = |trades: u64| grouped((trades * 1000).div_ceil(elapsed));
        match &moved[..] {
            [] => None,
            [
                (
                    Tally {
                        symbol,
                        trades,
                        last_price: Some(price),
                    },
                    new,
                ),
            ] => Some(format!(
                "{symbol} {} trades/s, {price:#} ({} seen)",
                rate(*new),
                grouped(*trades)
            )),
            several => {
                let (new, seen) = several
                    .iter()
                    .fold((0, 0), |(new, seen), (tally, n)| (new + n, seen + tally.trades));
                Some(format!(
                    "{} streams, {} trades/s ({} seen)",
                    several.len(),
                    rate(new),
                    grouped(seen)
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(symbol: &str, trades: u64) -> Tally {
        Tally {
            symbol: symbol.parse().expect(symbol),
            trades,
            last_price: "61831.44".parse().ok(),
        }
    }

    #[test]
    fn the_rate_line_is_one_line_and_only_when_something_moved() {
        let begin = Instant::now();
        let mut reported = Reported {
            at: begin,
            trades: HashMap::new(),
        };
        let mut after = |seconds: u64, tallies: &[Tally]| reported.line(tallies, begin + Duration::from_secs(seconds));
        let one = after(10, &[tally("BTCUSDT", 1204), tally("ETHUSDT", 0)]);
        assert_eq!(one.as_deref(), Some("BTCUSDT 121 trades/s, 61831.44 (1 204 seen)"));
        assert_eq!(after(20, &[tally("BTCUSDT", 1204), tally("ETHUSDT", 0)]), None);
        let two = after(30, &[tally("BTCUSDT", 1205), tally("ETHUSDT", 1_000_000)]);
        assert_eq!(two.as_deref(), Some("2 streams, 100 001 trades/s (1 001 205 seen)"));
    }
}
