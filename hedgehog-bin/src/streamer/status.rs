//! What the app tells of each stream.

use crate::market::{Gap, Symbol};
use serde::{Deserialize, Serialize};

/// How a stream is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// No process.
    #[default]
    Off,
    /// Opening a connection.
    Connecting,
    /// Trades flow as the market makes them.
    Connected,
    /// The last connection failed or broke; the next attempt waits its turn.
    BackingOff,
}

/// What `status` shows of one stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamStatus {
    /// The pair.
    pub symbol: Symbol,
    /// Whether the settings row says so.
    pub on: bool,
    /// The exchange's own word: `TRADING`, or why nothing comes (`HALT`, `BREAK`).
    pub exchange_status: String,
    /// How it is doing.
    pub state: StreamState,
    /// When its present process began, in milliseconds since the epoch; `None` without one.
    pub since: Option<i64>,
    /// Trades broadcast by this program.
    pub trades: u64,
    /// The world of ids that it hears now; see [`TradeEvent::epoch`](crate::market::TradeEvent::epoch).
    pub epoch: i32,
    /// The highest of the epoch, this program's or an earlier one's.
    pub last_trade_id: Option<i64>,
    /// How many gaps there are, those found by earlier programs and those of earlier epochs included.
    pub gaps: u64,
    /// How many trades are missing in them.
    pub missing: i64,
    /// The newest gaps, newest last.
    pub gap_ranges: Vec<Gap>,
    /// Trades that came again and were dropped.
    pub duplicates: u64,
    /// Of these, how many an earlier program had stored.
    pub stored_before: u64,
    /// Frames that were neither trades nor answers.
    pub unknown_frames: u64,
    /// Frames that could not be read.
    pub malformed_frames: u64,
    /// Connections after the first one.
    pub reconnects: u64,
    /// Why the last connection failed or ended, or what it waits for; `None` once trades flow again.
    pub last_error: Option<String>,
}
