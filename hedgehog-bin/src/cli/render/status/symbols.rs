//! The line of a symbol, and those of its traders.

use super::super::table::{Column, Table};
use super::super::text::{one_line, word};
use crate::app::{StreamLine, SymbolLine, TradingLine};
use crate::config::{App, AppSet};
use crate::market::{Decimal, grouped, short_text};
use crate::naive::TraderStatus;
use crate::naive::schema::TradingStatus as Switch;
use crate::streamer::StreamState;
use bigdecimal::RoundingMode;

/// Exchanges count every asset to so many decimals; what comes of a multiplication has more.
const DECIMALS: i64 = 8;

type Cell = fn(&SymbolLine) -> String;

/// One line a symbol. A column of an app that does not run is left out, and on a narrow terminal those that matter least:
/// what is missing or waits matters, unless it is nothing.
pub(super) fn table(lines: &[&SymbolLine], apps: &AppSet) -> Table {
    let is_any = |tells: fn(&SymbolLine) -> bool| lines.iter().any(|line| tells(line));
    let (missing, waiting) = (is_any(|line| missing(line) > 0), is_any(waits));
    let numbers = |header, rank| Column::numbers(header).rank(rank);
    let words = |header, rank| Column::words(header).rank(rank);
    let columns: Vec<(bool, Column, Cell)> = vec![
        (true, Column::words("SYMBOL").shrinks_to(8), |line| {
            line.symbol.to_string()
        }),
        (apps.contains(App::Streamer), words("STREAMING", 0), |line| {
            of(line.stream.as_ref(), streaming)
        }),
        (is_any(|line| price(line).is_some()), numbers("PRICE", 5), |line| {
            of(price(line).as_ref(), amount)
        }),
        (apps.contains(App::Streamer), numbers("TRADES", 0), |line| {
            of(line.stream.as_ref(), |stream| grouped(stream.trades))
        }),
        (
            apps.contains(App::Streamer),
            numbers("MISSING", if missing { 3 } else { 9 }),
            |line| of(line.stream.as_ref(), |stream| grouped(stream.missing)),
        ),
        (apps.contains(App::Naive), words("TRADING", 0), |line| {
            of(line.trading.as_ref(), trading)
        }),
        (apps.contains(App::Naive), numbers("OPEN", 2), |line| {
            of(line.trading.as_ref(), |trading| trading.traders.len().to_string())
        }),
        (apps.contains(App::Naive), numbers("CYCLES", 7), |line| {
            of(line.trading.as_ref(), |trading| {
                grouped(trading.cycles.max(0).unsigned_abs())
            })
        }),
        (apps.contains(App::Naive), numbers("REALISED", 0), |line| {
            of(line.trading.as_ref(), |trading| amount(&trading.realised))
        }),
        (is_any(|line| open(line).is_some()), numbers("AT MARKET", 10), |line| {
            of(open(line).as_ref(), amount)
        }),
        (apps.contains(App::Warehouse), words("STORING", 11), storing),
        (apps.contains(App::Warehouse), numbers("STORED", 6), |line| {
            of(line.trades.as_ref(), |trades| grouped(trades.rows))
        }),
        (apps.contains(App::Warehouse), numbers("ORDERS", 12), |line| {
            of(line.orders.as_ref(), |orders| grouped(orders.rows))
        }),
        (
            apps.contains(App::Warehouse),
            numbers("TO STORE", if waiting { 4 } else { 8 }),
            |line| grouped(to_store(line)),
        ),
    ];
    let columns: Vec<_> = columns.into_iter().filter(|(shown, ..)| *shown).collect();
    let mut table = Table::new(columns.iter().map(|(_, column, _)| column.clone()).collect());
    for line in lines {
        table.row(columns.iter().map(|(.., cell)| cell(line)).collect());
    }
    table
}

/// One line a trader, oldest first.
pub(super) fn traders(lines: &[&SymbolLine], columns: usize) -> Vec<String> {
    let mut table = Table::new(vec![
        Column::words("SYMBOL").shrinks_to(8),
        Column::words("TRADER").shrinks_in_front_to(9),
        Column::words("STATE"),
        Column::words("BUY").shrinks_to(14),
        Column::words("SELL").shrinks_to(14),
        Column::numbers("RESTARTS").rank(2),
        Column::words("NOTE").rank(1).shrinks_to(10),
    ]);
    let mut any = false;
    for line in lines {
        for trader in line.trading.iter().flat_map(|trading| &trading.traders) {
            any = true;
            table.row(trader_cells(line, trader));
        }
    }
    if any {
        table.lines(columns)
    } else {
        vec!["no open traders".to_owned()]
    }
}

fn trader_cells(line: &SymbolLine, trader: &TraderStatus) -> Vec<String> {
    let order = |executed: Option<String>, quantity: Option<String>, price: Option<String>| match (quantity, price) {
        (Some(quantity), Some(price)) => {
            let executed = executed.unwrap_or_else(|| "0".to_owned());
            format!("{executed} of {quantity} at {price}")
        }
        _ => String::new(),
    };
    let quantity = |value: &Option<crate::market::Quantity>| value.as_ref().map(|value| short_text(value.value()));
    let price = |value: &Option<crate::market::Price>| value.as_ref().map(|value| short_text(value.value()));
    vec![
        line.symbol.to_string(),
        trader.id.to_string(),
        trader.state.to_string(),
        order(
            quantity(&trader.buy_executed),
            quantity(&trader.buy_quantity),
            price(&trader.buy_price),
        ),
        order(
            quantity(&trader.sell_executed),
            quantity(&trader.sell_quantity),
            price(&trader.sell_price),
        ),
        grouped(trader.restarts),
        one_line(&note(trader)),
    ]
}

/// What keeps it from acting, or else how it last ended.
fn note(trader: &TraderStatus) -> String {
    match (&trader.parked, &trader.last_exit) {
        (Some(reason), _) => format!("waits: {reason}"),
        (None, Some(exit)) => format!("last exit: {exit}"),
        (None, None) => String::new(),
    }
}

/// Nothing to say where an app knows nothing of a symbol.
fn of<T>(part: Option<&T>, text: impl FnOnce(&T) -> String) -> String {
    part.map_or_else(|| "-".to_owned(), text)
}

fn streaming(stream: &StreamLine) -> String {
    if stream.on && stream.state == StreamState::Off {
        // Its process is just being started again.
        return "starting".to_owned();
    }
    word(&stream.state)
}

fn trading(trading: &TradingLine) -> String {
    let text = match trading.status {
        Switch::On if trading.parked.is_some() => "waits",
        Switch::On => "on",
        Switch::Shutdown => "draining",
        Switch::Off => "off",
    };
    text.to_owned()
}

fn storing(line: &SymbolLine) -> String {
    let is_on = |part: &Option<crate::app::StoringLine>| part.as_ref().is_some_and(|part| part.on);
    let text = if line.stored().any(|part| part.retrying.is_some()) {
        "retrying"
    } else {
        match (is_on(&line.trades), is_on(&line.orders)) {
            (true, true) => "on",
            (true, false) => "trades",
            (false, true) => "orders",
            (false, false) => "off",
        }
    };
    text.to_owned()
}

fn missing(line: &SymbolLine) -> u64 {
    line.stream.as_ref().map_or(0, |stream| stream.missing)
}

fn to_store(line: &SymbolLine) -> u64 {
    line.stored().map(|part| part.to_store + part.on_disk).sum()
}

/// A few are always on their way.
fn waits(line: &SymbolLine) -> bool {
    const ON_THEIR_WAY: u64 = 1000;
    to_store(line) > ON_THEIR_WAY || line.stored().any(|part| part.retrying.is_some())
}

fn price(line: &SymbolLine) -> Option<Decimal> {
    line.trading.as_ref()?.price.clone()
}

fn open(line: &SymbolLine) -> Option<Decimal> {
    line.trading.as_ref()?.open_profit.clone()
}

fn amount(value: &Decimal) -> String {
    if value.fractional_digit_count() <= DECIMALS {
        return short_text(value);
    }
    short_text(&value.with_scale_round(DECIMALS, RoundingMode::HalfEven))
}
