//! What is wrong, in sentences: what of it, why, and what to type where a command helps.

use crate::app::{StoringLine, StreamLine, SymbolLine, TradingLine};
use crate::config::{App, AppSet};
use crate::market::grouped;
use crate::naive::schema::TradingStatus as Switch;
use crate::streamer::StreamState;

/// Ranges of missing trades told per symbol; `--json` has more.
const GAPS_SHOWN: usize = 3;
/// Symbols named that have the same trouble.
const NAMED: usize = 3;

/// One for each trouble, with all symbols that have it.
pub(super) fn sentences(lines: &[SymbolLine], apps: &AppSet) -> Vec<String> {
    let mut troubles: Vec<(String, Vec<&str>)> = Vec::new();
    for line in lines {
        for trouble in troubles_of(line, apps) {
            match troubles.iter_mut().find(|(told, _)| *told == trouble) {
                Some((_, symbols)) => symbols.push(line.symbol.as_str()),
                None => troubles.push((trouble, vec![line.symbol.as_str()])),
            }
        }
    }
    let sentence = |(trouble, symbols): (String, Vec<&str>)| {
        let command = trouble.replace("SYMBOLS", &symbols.join(" "));
        format!("{}: {command}", names(&symbols))
    };
    troubles.into_iter().map(sentence).collect()
}

fn names(symbols: &[&str]) -> String {
    let named = symbols.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match symbols.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Without the symbol's name, so that two symbols may share one; `SYMBOLS` stands for all who do.
fn troubles_of(line: &SymbolLine, apps: &AppSet) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some(stream) = &line.stream {
        of_stream(stream, &mut troubles);
    }
    if let Some(trading) = &line.trading {
        let streamed = line.stream.as_ref().is_some_and(|stream| stream.on);
        of_trading(trading, streamed, apps, &mut troubles);
    }
    for (name, part) in [("trades", &line.trades), ("orders", &line.orders)] {
        if let Some(part) = part {
            of_storing(name, part, &mut troubles);
        }
    }
    troubles
}

fn of_stream(stream: &StreamLine, troubles: &mut Vec<String>) {
    let waits = stream.on && stream.state != StreamState::Connected;
    if let Some(error) = stream.error.as_ref().filter(|_| waits) {
        troubles.push(format!("the stream waits: {error}"));
    }
    if stream.on && !matches!(stream.exchange_status.as_str(), "TRADING" | "") {
        troubles.push(format!(
            "the exchange says {}, so no trades come",
            stream.exchange_status
        ));
    }
    if stream.epoch > 0 {
        let times = counted(stream.epoch, "time", "times");
        troubles.push(format!("the exchange began its trade ids again, {times} so far"));
    }
    if stream.missing > 0 {
        let newest: Vec<String> = (stream.gap_ranges.iter().rev().take(GAPS_SHOWN))
            .map(|gap| match (gap.first_missing_id, gap.last_missing_id) {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first} to {last}"),
            })
            .collect();
        let gaps = counted(stream.gaps, "gap", "gaps");
        let newest = match newest.len() as u64 {
            0 => String::new(),
            shown if shown < stream.gaps => format!(", the newest {}", newest.join(", ")),
            _ => format!(": {}", newest.join(", ")),
        };
        let missing = counted(stream.missing, "trade is", "trades are");
        troubles.push(format!("{missing} missing in {gaps}{newest}"));
    }
    let frames = [
        (
            stream.duplicates,
            "trade came twice and was dropped",
            "trades came twice and were dropped",
        ),
        (
            stream.unknown_frames,
            "message of the exchange is unknown here",
            "messages of the exchange are unknown here",
        ),
        (
            stream.malformed_frames,
            "message of the exchange could not be read",
            "messages of the exchange could not be read",
        ),
    ];
    for (count, one, many) in frames {
        if count > 0 {
            troubles.push(counted(count, one, many));
        }
    }
}

fn of_trading(trading: &TradingLine, streamed: bool, apps: &AppSet, troubles: &mut Vec<String>) {
    if let Some(reason) = &trading.parked {
        troubles.push(format!("trading waits: {reason}"));
    }
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for reason in trading.traders.iter().filter_map(|trader| trader.parked.as_deref()) {
        match reasons.iter_mut().find(|(told, _)| *told == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    for (reason, count) in reasons {
        troubles.push(format!(
            "{}: {reason}",
            counted(count as u64, "trader waits", "traders wait")
        ));
    }
    if trading.open_profit.is_none() && !trading.traders.is_empty() {
        troubles.push("what its open trades are worth is not known yet, and not in the sums".to_owned());
    }
    if trading.status != Switch::Off && !streamed {
        troubles.push(if apps.contains(App::Streamer) {
            "trading sees no prices, because its trades are not streamed: `hedgehog start streaming SYMBOLS`".to_owned()
        } else {
            "trading sees no prices, because the streamer app does not run: start the program with --apps streamer,naive"
                .to_owned()
        });
    }
    if trading.status == Switch::Off && !trading.traders.is_empty() {
        let open = counted(trading.traders.len() as u64, "trade is", "trades are");
        troubles.push(format!(
            "{open} open while trading is off, with orders at the exchange: `hedgehog start trading SYMBOLS` goes on"
        ));
    }
}

fn of_storing(name: &str, part: &StoringLine, troubles: &mut Vec<String>) {
    if let Some(reason) = &part.retrying {
        let waiting = grouped(part.to_store);
        troubles.push(format!("{waiting} {name} wait for the database: {reason}"));
    } else if !part.on && part.to_store > 0 {
        troubles.push(format!(
            "{} {name} wait to be stored, and storing is off",
            grouped(part.to_store)
        ));
    }
    if part.on_disk > 0 {
        troubles.push(format!(
            "{} {name} wait on disk for the database",
            grouped(part.on_disk)
        ));
    }
    if part.lost > 0 {
        troubles.push(format!(
            "{} {name} were lost: neither the database nor the disk took them",
            grouped(part.lost)
        ));
    }
    if part.refused > 0 {
        troubles.push(format!(
            "{} {name} were refused by the database, the log names them",
            grouped(part.refused)
        ));
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}
