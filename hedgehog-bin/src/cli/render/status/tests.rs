use super::super::text::width;
use super::*;
use crate::app::{StoringLine, StreamLine, TradingLine, totals};
use crate::market::{Decimal, Gap, parse_decimal};
use crate::naive::schema::TradingStatus as Switch;
use crate::streamer::StreamState;

fn decimal(text: &str) -> Decimal {
    parse_decimal(text).expect("a decimal")
}

/// A symbol with which all is well.
fn line(symbol: &str) -> SymbolLine {
    let quote = if symbol.ends_with("BTC") { "BTC" } else { "USDT" };
    SymbolLine {
        stream: Some(StreamLine {
            on: true,
            state: StreamState::Connected,
            trades: 117_859,
            exchange_status: "TRADING".to_owned(),
            ..StreamLine::default()
        }),
        trading: Some(TradingLine {
            status: Switch::On,
            price: Some(decimal("67123.45")),
            quote_asset: Some(quote.to_owned()),
            open_profit: Some(decimal("-3.25")),
            realised: decimal("12.3456"),
            cycles: 17,
            parked: None,
            traders: Vec::new(),
        }),
        trades: Some(StoringLine {
            on: true,
            rows: 1_117_859,
            ..StoringLine::default()
        }),
        orders: Some(StoringLine {
            on: true,
            rows: 240,
            ..StoringLine::default()
        }),
        ..SymbolLine::new(symbol.parse().expect("a symbol"))
    }
}

fn draw(lines: Vec<SymbolLine>, columns: u16, all: bool) -> String {
    draw_of(&AppSet::default(), lines, columns, all)
}

fn draw_of(apps: &AppSet, lines: Vec<SymbolLine>, columns: u16, all: bool) -> String {
    let totals = totals(&lines);
    let balances = [Balance {
        asset: "USDT".to_owned(),
        free: decimal("9980.12"),
        locked: decimal("20"),
    }];
    let overview = Overview {
        heading: vec!["sim:1 at http://127.0.0.1:1".to_owned()],
        apps,
        lines,
        totals: &totals,
        balances: &balances,
        unreadable: &BTreeMap::new(),
    };
    overview.draw(View {
        width: Some(columns),
        all,
        traders: true,
        ..View::default()
    })
}

#[test]
fn a_symbol_is_one_line_and_the_sums_have_their_unit() {
    let text = draw(vec![line("BTCUSDT"), line("ETHBTC"), line("XRPUSDT")], 120, false);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[2].split_whitespace().next(), Some("SYMBOL"), "{text}");
    assert!(lines[3].starts_with("BTCUSDT  connected"), "{text}");
    for told in ["67123.45", "117 859", "12.3456", "1 117 859", "on"] {
        assert!(lines[3].contains(told), "{told}:\n{text}");
    }
    assert!(text.contains("24.6912 USDT       -6.5 USDT  18.1912 USDT"), "{text}");
    assert!(text.contains("12.3456 BTC"), "{text}");
    assert!(text.ends_with("balance: 10000.12 USDT (20 in orders)"), "{text}");
}

#[test]
fn two_dozen_symbols_fit_a_terminal_of_any_width() {
    let symbols: Vec<String> = (0..23)
        .map(|n| format!("SYM{n}USDT"))
        .chain(["币安人生USDT".to_owned()])
        .collect();
    for columns in [60, 80, 120] {
        let text = draw(symbols.iter().map(|symbol| line(symbol)).collect(), columns, false);
        assert!(
            text.lines().all(|line| width(line) <= columns.into()),
            "{columns}:\n{text}"
        );
        assert!(text.lines().count() < 36, "{columns}:\n{text}");
        for header in ["SYMBOL", "STREAMING", "TRADES", "TRADING", "REALISED"] {
            assert!(text.contains(header), "{header} at {columns}:\n{text}");
        }
        assert!(text.contains("币安人生USDT"), "{columns}:\n{text}");
    }
    let wide = draw(vec![line("BTCUSDT")], 120, false);
    for header in ["PRICE", "MISSING", "OPEN", "CYCLES", "STORED", "TO STORE"] {
        assert!(wide.contains(header), "{header}:\n{wide}");
    }
}

#[test]
fn what_is_missing_or_waits_shows_on_a_narrow_terminal_too() {
    let mut troubled = line("BTCUSDT");
    if let (Some(stream), Some(trades)) = (&mut troubled.stream, &mut troubled.trades) {
        (stream.missing, stream.gaps) = (11, 2);
        trades.to_store = 4321;
    }
    let text = draw(vec![troubled], 80, false);
    assert!(
        text.contains("MISSING") && text.contains("TO STORE") && text.contains("4 321"),
        "{text}"
    );
}

#[test]
fn trouble_is_told_in_sentences_and_once_for_all_who_have_it() {
    let mut lines: Vec<_> = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"].map(line).into();
    for line in &mut lines {
        let stream = line.stream.as_mut().expect("it has one");
        stream.state = StreamState::BackingOff;
        stream.error = Some("connection refused".to_owned());
    }
    let stream = lines[0].stream.as_mut().expect("it has one");
    (stream.missing, stream.gaps, stream.duplicates, stream.unknown_frames) = (7, 2, 3, 1);
    let gap = |first_missing_id, last_missing_id| Gap {
        symbol: "AUSDT".parse().expect("a symbol"),
        epoch: 0,
        first_missing_id,
        last_missing_id,
    };
    stream.gap_ranges = vec![gap(5, 10), gap(12, 12)];
    let trades = lines[1].trades.as_mut().expect("it has one");
    (trades.retrying, trades.to_store, trades.on_disk) = (Some("the disk is full".to_owned()), 1234, 1000);
    let text = draw(lines, 120, false);
    for sentence in [
        "AUSDT, BUSDT, CUSDT and 1 more: the stream waits: connection refused",
        "AUSDT: 7 trades are missing in 2 gaps: 12, 5 to 10",
        "AUSDT: 3 trades came twice and were dropped",
        "AUSDT: 1 message of the exchange is unknown here",
        "BUSDT: 1 234 trades wait for the database: the disk is full",
        "BUSDT: 1 000 trades wait on disk for the database",
    ] {
        assert!(text.contains(sentence), "{sentence}:\n{text}");
    }
    assert!(!text.contains("CUSDT: "), "{text}");
}

#[test]
fn trading_without_a_stream_is_told_with_what_helps() {
    let deaf = |symbol| SymbolLine {
        stream: None,
        ..line(symbol)
    };
    let text = draw(vec![deaf("BTCUSDT"), deaf("ETHUSDT")], 200, false);
    assert!(text.contains("`hedgehog start streaming BTCUSDT ETHUSDT`"), "{text}");
    let alone: AppSet = "naive".parse().expect("an app");
    let text = draw_of(&alone, vec![deaf("BTCUSDT")], 200, false);
    assert!(
        text.contains("--apps streamer,naive") && !text.contains("STREAMING"),
        "{text}"
    );
}

#[test]
fn the_profit_of_a_drained_symbol_stays_and_what_only_was_shows_when_asked() {
    let mut drained = line("BTCUSDT");
    (drained.stream, drained.trades, drained.orders) = (None, None, None);
    drained.trading.as_mut().expect("it has one").status = Switch::Off;
    let mut past = line("ETHUSDT");
    past.trading = None;
    past.stream = Some(StreamLine::default());
    for part in [&mut past.trades, &mut past.orders] {
        *part = Some(StoringLine {
            rows: 12,
            ..StoringLine::default()
        });
    }
    let text = draw(vec![drained.clone(), past.clone()], 120, false);
    assert!(
        text.contains("BTCUSDT") && text.contains("12.3456") && !text.contains("ETHUSDT"),
        "{text}"
    );
    assert!(draw(vec![drained, past], 120, true).contains("ETHUSDT"));
}

#[test]
fn where_nothing_is_on_it_says_what_to_type_and_that_works() {
    assert!(draw(Vec::new(), 80, false).contains("`hedgehog start streaming BTCUSDT`"));
    let alone: AppSet = "naive".parse().expect("an app");
    assert!(draw_of(&alone, Vec::new(), 80, false).contains("`hedgehog start trading BTCUSDT`"));
}
