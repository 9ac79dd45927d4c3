use super::text::LONGEST_LINE;
use super::*;
use sha2::{Digest as _, Sha256};
use std::io::Write;
use tempfile::TempDir;

const HEADER: &str = "event_type,event_time,symbol,trade_id,price,quantity,buyer_order_id,seller_order_id,trade_time,\
                      buyer_market_maker\n";
const RAW: &str = r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":11,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn open(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<Recording, RecordingError> {
        Recording::open(&self.write(name, contents), None)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, contents).expect("writable");
        path
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

fn only(recording: &Recording) -> (&Symbol, Vec<RecordedTrade>) {
    let mut symbols = recording.symbols.keys();
    let symbol = symbols.next().expect("one symbol");
    assert!(symbols.next().is_none(), "one symbol");
    let trades = (0..).map_while(|index| recording.trade(symbol, index)).collect();
    (symbol, trades)
}

fn ids(recording: &Recording) -> Vec<i64> {
    only(recording).1.iter().map(|trade| trade.trade_id).collect()
}

fn row(id: i64, price: &str, time: i64) -> String {
    format!("trade,{},XRPUSDT,{id},{price},7.00000000,1,2,{time},true\n", time + 3)
}

#[test]
fn csv_with_a_header_is_sorted_by_id() {
    let text = [
        HEADER,
        &row(3, "0.43", 2_000),
        &row(2, "0.44", 1_000),
        &row(1, "0.45", 1_000),
    ]
    .concat();
    let recording = Folder::new().open("day.csv", text).expect("readable");
    let (symbol, trades) = only(&recording);
    assert_eq!(symbol.as_str(), "XRPUSDT");
    assert_eq!(trades.iter().map(|trade| trade.trade_id).collect::<Vec<_>>(), [1, 2, 3]);
    let first = RecordedTrade {
        trade_id: 1,
        price: 45_000_000,
        quantity: 700_000_000,
        trade_time: 1_000,
        event_lag: 3,
        buyer_market_maker: true,
        nobodys: false,
    };
    assert_eq!(trades[0], first);
    assert!(size_of::<RecordedTrade>() <= 40);
}

#[test]
fn columns_are_found_by_name_in_any_order_and_the_row_id_is_not_the_trade_id() {
    let text = "id,buyer_market_maker,trade_time,quantity,price,trade_id,symbol\nabc,f,1000,1,2.5,9,ETHUSDT\n";
    let recording = Folder::new().open("x.csv", text).expect("readable");
    let (symbol, trades) = only(&recording);
    assert_eq!(
        (symbol.as_str(), trades[0].trade_id, trades[0].buyer_market_maker),
        ("ETHUSDT", 9, false)
    );
}

#[test]
fn thirteen_columns_without_a_header_are_known() {
    let text = "0f8b;trade;1559423597658;XRPUSDT;25376302;0.43113;7.0;15;16;1559423597655;t;2021-01-01;2021-01-01\n";
    let recording = Folder::new().open("x.csv", text).expect("readable");
    let (_, trades) = only(&recording);
    assert_eq!(
        (trades[0].trade_id, trades[0].event_lag, trades[0].buyer_market_maker),
        (25_376_302, 3, true)
    );
}

#[test]
fn public_dumps_take_the_symbol_from_the_file_name_and_either_time_unit() {
    let folder = Folder::new();
    let header = "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch\n";
    let milliseconds = "28457,0.01,10.0,0.1,1565000000123,true,true\n";
    let microseconds = "28458,0.01,10.0,0.1,1735689600123456,False,True\n";
    for text in [
        [header, milliseconds, microseconds].concat(),
        [milliseconds, microseconds].concat(),
    ] {
        let recording = folder.open("BTCUSDT-trades-2024-08-08.csv", text).expect("readable");
        let (symbol, trades) = only(&recording);
        assert_eq!(symbol.as_str(), "BTCUSDT");
        assert_eq!(
            trades.iter().map(|trade| trade.trade_time).collect::<Vec<_>>(),
            [1_565_000_000_123, 1_735_689_600_123]
        );
    }
    let unnamed = folder
        .open("trades.csv", [header, milliseconds].concat())
        .expect_err("no symbol");
    assert!(
        unnamed.to_string().contains("rename it like") && unnamed.to_string().contains("--symbol"),
        "{unnamed}"
    );
}

#[test]
fn frames_are_read_raw_and_combined_with_and_without_a_stamp_in_either_format() {
    let combined = format!(
        r#"{{"stream":"btcusdt@trade","data":{}}}"#,
        RAW.replace("\"t\":11", "\"t\":12")
    );
    let stamped = format!("1723161255443013888 {}", combined.replace("\"t\":12", "\"t\":13"));
    let legacy = RAW
        .replace("\"t\":11", "\"t\":14")
        .replace("\"T\"", "\"b\":151732446,\"a\":151732463,\"T\"");
    let microseconds = RAW
        .replace("\"t\":11", "\"t\":15")
        .replace("5343,", "5343000,")
        .replace("5342,", "5342000,");
    let book = r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","b":[["1","2"]],"a":[]}}"#;
    let ticker = r#"{"u":400900217,"s":"BTCUSDT","b":"25.3","B":"31.2","a":"25.4","A":"40.6"}"#;
    let snapshot = r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#;
    let text = [snapshot, RAW, &combined, book, &stamped, ticker, &legacy, &microseconds].join("\r\n");
    let recording = Folder::new().open("capture.jsonl", text).expect("readable");
    let (_, trades) = only(&recording);
    assert_eq!(
        trades.iter().map(|trade| trade.trade_id).collect::<Vec<_>>(),
        [11, 12, 13, 14, 15]
    );
    assert!(
        trades
            .iter()
            .all(|trade| trade.trade_time == 1_723_161_255_342 && trade.event_lag == 1)
    );
    assert_eq!((recording.other_events(), recording.malformed_lines()), (3, 0));
}

#[test]
fn malformed_lines_are_counted_with_number_and_reason_and_stop_nothing() {
    let text = [
        HEADER,
        &row(1, "0.43", 1_000),
        "trade,1,XRPUSDT,2\n",
        &row(3, "zero", 1_000),
        &row(4, "0.000000001", 1_000),
        &row(5, "-1", 1_000),
        "\n",
        &row(6, "0.43", 1_000).replace("true", "maybe"),
        &row(7, "0.43", 1_000),
    ]
    .concat();
    let recording = Folder::new().open("day.csv", text).expect("readable");
    assert_eq!(only(&recording).1.len(), 2);
    assert_eq!(recording.malformed_lines(), 5);
    let told: Vec<_> = recording
        .malformed()
        .iter()
        .map(|line| (line.number, line.reason.as_str()))
        .collect();
    assert_eq!(told[0], (3, "4 columns instead of 10"));
    assert_eq!(
        told.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [3, 4, 5, 6, 8]
    );

    let frames = [
        RAW,
        "{\"e\":\"trade\"",
        "garbage",
        &RAW.replace("61837.63000000", "x"),
        "{\"e\":1}",
    ]
    .join("\n");
    let recording = Folder::new().open("frames", frames).expect("readable");
    let numbers: Vec<_> = recording.malformed().iter().map(|line| line.number).collect();
    assert_eq!((only(&recording).1.len(), numbers), (1, vec![2, 3, 4, 5]));
}

#[test]
fn invalid_utf8_and_duplicates_are_survived() {
    let mut bytes = [HEADER, &row(1, "0.43", 1_000), &row(1, "0.43", 1_000)]
        .concat()
        .into_bytes();
    bytes.extend_from_slice(b"trade,\xff\xfe\n");
    let recording = Folder::new().open("day.csv", bytes).expect("readable");
    assert_eq!(
        (recording.trades(), recording.duplicates(), recording.malformed_lines()),
        (1, 1, 1)
    );
}

#[test]
fn gzip_is_told_by_its_bytes_and_each_file_has_its_own_hash() {
    let text = [HEADER, &row(1, "0.43", 1_000)].concat();
    let folder = Folder::new();
    let plain = folder.open("a.csv", &text).expect("readable");
    let compressed = folder.open("a.dat", gzip(&text)).expect("readable");
    assert_eq!(only(&plain), only(&compressed));
    assert_eq!(plain.hash(), hex::encode(Sha256::digest(&text)));
    assert_ne!(plain.hash(), compressed.hash());
}

#[test]
fn files_that_cannot_be_played_are_refused_in_one_line() {
    let folder = Folder::new();
    let cut = gzip(&[HEADER, &row(1, "0.43", 1_000)].concat());
    for (name, contents, needle) in [
        ("empty.csv", Vec::new(), "holds no trade"),
        ("header.csv", HEADER.into(), "holds no trade"),
        (
            "bad.csv",
            [HEADER, "x\n"].concat().into_bytes(),
            "(line 2: 1 columns instead of 10)",
        ),
        ("picture.png", b"\x89PNG\r\n\x1a\n".to_vec(), "is not a recording"),
        ("notes.txt", b"hello world".to_vec(), "is not a recording"),
        ("cut.gz", cut[..cut.len() - 12].to_vec(), "cannot read"),
        (
            "books.jsonl",
            br#"{"e":"depthUpdate","s":"X"}"#.to_vec(),
            "holds no trade",
        ),
    ] {
        let error = folder.open(name, contents).expect_err(name).to_string();
        assert!(
            error.contains(needle) && error.contains(name) && !error.contains('\n'),
            "{error}"
        );
    }
    let absent = Recording::open(&folder.0.path().join("absent"), None)
        .expect_err("absent")
        .to_string();
    assert!(absent.starts_with("cannot read"), "{absent}");
}

#[test]
fn rules_are_those_of_the_time_unless_a_file_knows_better() {
    let folder = Folder::new();
    let rules = |recording: &Recording| {
        let (info, _, source) = recording.symbols().next().expect("one symbol");
        let text = crate::market::plain_text;
        (text(&info.filters.tick_size), text(&info.filters.step_size), source)
    };
    let of_2019 = folder.write("2019.csv", [HEADER, &row(1, "0.43113", 1_559_423_597_655)].concat());
    let recording = Recording::open(&of_2019, None).expect("readable");
    assert_eq!(
        rules(&recording),
        ("0.00001000".into(), "0.10000000".into(), RuleSource::Table)
    );
    assert_eq!(recording.symbols().next().expect("one").0.quote_asset, "USDT");

    let of_2024 = [HEADER, &row(1, "0.4311", 1_723_161_255_342)].concat();
    let recording = folder.open("2024.csv", of_2024).expect("readable");
    assert_eq!(
        rules(&recording),
        ("0.00010000".into(), "1.00000000".into(), RuleSource::Table)
    );

    let finer = [HEADER, &row(1, "0.431131", 1_723_161_255_342)].concat();
    let recording = folder.open("finer.csv", finer).expect("readable");
    assert_eq!(
        rules(&recording),
        ("0.00000100".into(), "1.00000000".into(), RuleSource::Derived)
    );

    let info = folder.write(
        "info.json",
        r#"{"symbols":[{"symbol":"XRPUSDT","status":"BREAK","baseAsset":"XRP","quoteAsset":"USDT","filters":[
            {"filterType":"PRICE_FILTER","tickSize":"0.001"},{"filterType":"LOT_SIZE","stepSize":"2"}]}]}"#,
    );
    let recording = Recording::open(&of_2019, Some(&info)).expect("readable");
    assert_eq!(
        rules(&recording),
        ("0.001".into(), "2".into(), RuleSource::ExchangeInfo)
    );

    let error = Recording::open(&of_2019, Some(&of_2019))
        .expect_err("not JSON")
        .to_string();
    assert!(error.contains("is not a recorded exchangeInfo answer"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_line_of_any_kind_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let first_lines = [HEADER.trim().as_bytes(), RAW.as_bytes(), b"1,2,3,4,5,true,true", bytes.as_slice()];
        for first in first_lines {
            if let Ok(mut layout) = Layout::detect(first, Path::new("BTCUSDT.csv"), &ReadOptions::default()) {
                let _ = layout.read(first);
                let _ = layout.read(&bytes);
            }
        }
    }
}

#[test]
fn numbers_that_no_exchange_sends_make_a_frame_malformed() {
    for odd in [
        RAW.replace("\"t\":11", "\"t\":-11"),
        RAW.replace("\"E\":1723161255343", "\"E\":-9223372036854775808"),
    ] {
        let recording = Folder::new()
            .open("frames", format!("{RAW}\n{odd}\n"))
            .expect("readable");
        assert_eq!((recording.trades(), recording.malformed_lines()), (1, 1), "{odd}");
    }
}

#[test]
fn an_endless_line_is_one_malformed_line_and_the_lines_after_it_keep_their_numbers() {
    let endless = "x".repeat(10 * LONGEST_LINE as usize + 1);
    let text = format!("{RAW}\n{endless}\njunk\n{}\n", RAW.replace("\"t\":11", "\"t\":12"));
    let recording = Folder::new().open("frames", text).expect("readable");
    assert_eq!(recording.trades(), 2);
    let told: Vec<_> = recording
        .malformed()
        .iter()
        .map(|line| (line.number, line.reason.as_str()))
        .collect();
    assert_eq!(told[0], (2, "longer than 1048576 bytes"));
    assert_eq!((told.len(), told[1].0), (2, 3));
    let refused = Folder::new().open("zeros", vec![0; LONGEST_LINE as usize + 1]);
    assert!(
        matches!(refused, Err(RecordingError::UnknownLayout { .. })),
        "{refused:?}"
    );
}

#[test]
fn trades_are_played_in_the_order_of_their_ids_whatever_their_times() {
    // A later id may be told of an earlier moment: 1, 2, 3 at +10, +12, +11.
    let frame = |id: i64, time: i64| {
        RAW.replace("\"t\":11", &format!("\"t\":{id}"))
            .replace("5342", &time.to_string())
    };
    let frames = [frame(1, 5310), frame(3, 5311), frame(2, 5312), frame(3, 5313)].join("\n");
    let dump =
        "1,2.5,1,2.5,1000000010,true,true\n3,2.5,1,2.5,1000000011000,true,true\n2,2.5,1,2.5,1000000012000,true,true\n";
    let dump = dump.replace("1000000010,", "1000000010000,");
    for (name, text, duplicates) in [("frames", frames, 1), ("BTCUSDT-trades-2001-09-09.csv", dump, 0)] {
        let recording = Folder::new().open(name, text).expect("readable");
        assert_eq!(ids(&recording), [1, 2, 3], "{name}");
        assert_eq!(recording.duplicates(), duplicates, "{name}");
        let symbol = only(&recording).0;
        let positions = (0..5).map(|id| recording.position_of(symbol, id)).collect::<Vec<_>>();
        assert_eq!(positions, [0, 0, 1, 2, 3], "{name}");
    }
}

#[test]
fn a_byte_order_mark_is_removed_wherever_a_text_begins() {
    const MARK: &str = "\u{feff}";
    let dump = |from: i64| {
        (from..from + 3)
            .map(|id| format!("{id},0.4215,100.0,42.15,{},True,True\n", 1_561_939_200_000 + id))
            .collect::<Vec<_>>()
            .concat()
    };
    let header = "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch\n";
    let frames = |from: i64| {
        (from..from + 3)
            .map(|id| RAW.replace("\"t\":11", &format!("\"t\":{id}")) + "\n")
            .collect::<Vec<_>>()
            .concat()
    };
    let name = "XRPUSDT-trades-2019-07-01.csv";
    let mut texts = Vec::new();
    for part in [dump as fn(i64) -> String, frames as fn(i64) -> String] {
        texts.push((3, format!("{MARK}{}", part(1))));
        texts.push((3, format!("{MARK}{MARK}\r\n{}", part(1).replace('\n', "\r\n"))));
        texts.push((6, format!("{MARK}{}{MARK}{}", part(1), part(4))));
        // The first file has no last line break.
        texts.push((6, format!("{MARK}{}{MARK}{}", part(1).trim_end(), part(4))));
    }
    texts.push((3, format!("{MARK}{header}{}", dump(1))));
    texts.push((6, format!("{MARK}{header}{}{MARK}{header}{}", dump(1), dump(4))));
    texts.push((3, format!("{MARK}1561939200000 {}", frames(1))));
    let folder = Folder::new();
    for (trades, text) in texts {
        for bytes in [text.clone().into_bytes(), gzip(&text)] {
            let recording = folder.open(name, bytes).expect("readable");
            assert_eq!(
                (ids(&recording), recording.malformed_lines()),
                ((1..=trades).collect(), 0),
                "{text}"
            );
        }
    }
    let joined = [gzip(&format!("{MARK}{}", dump(1))), gzip(&format!("{MARK}{}", dump(4)))].concat();
    let recording = folder.open(name, joined).expect("readable");
    assert_eq!((recording.trades(), recording.malformed_lines()), (6, 0));

    let rules =
        r#"{"symbols":[{"symbol":"XRPUSDT","status":"TRADING","baseAsset":"XRP","quoteAsset":"USDT","filters":[]}]}"#;
    let (file, rules) = (
        folder.write(name, dump(1)),
        folder.write("info.json", format!("{MARK}{rules}")),
    );
    let recording = Recording::open(&file, Some(&rules)).expect("readable");
    assert_eq!(recording.symbols().next().expect("one").2, RuleSource::ExchangeInfo);
}

#[test]
fn what_is_no_text_is_refused_with_what_it_is_and_what_to_do() {
    let folder = Folder::new();
    let dump = "1,60000.1,0.01,600,1722470400001,true,true\n";
    let wide = |little: bool| -> Vec<u8> {
        (dump.encode_utf16())
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    };
    let mut tar = vec![b'x'; 257];
    tar.extend(b"ustar\0 00");
    tar.extend([0; 512]);
    let name = "BTCUSDT-trades-2024-08-01";
    for (contents, needle) in [
        (
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(),
            "is a zip archive: unzip it first",
        ),
        (
            gzip(&String::from_utf8(tar.clone()).expect("ascii")),
            "is a tar archive: unpack it first",
        ),
        (tar, "is a tar archive"),
        (b"\x28\xb5\x2f\xfd".to_vec(), "decompress it first"),
        ([&[0xff, 0xfe][..], &wide(true)].concat(), "UTF-16: save it as UTF-8"),
        ([&[0xfe, 0xff][..], &wide(false)].concat(), "UTF-16: save it as UTF-8"),
        (wide(true), "UTF-16: save it as UTF-8"),
        (wide(false), "UTF-16: save it as UTF-8"),
    ] {
        let error = folder.open(name, contents).expect_err(needle).to_string();
        assert!(
            error.contains(needle) && error.contains(name) && !error.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn other_dumps_of_the_exchange_are_named_and_refused() {
    let folder = Folder::new();
    for (text, needle) in [
        ("1,60000.1,0.010,3,5,1722470400001,true\n", "aggregated trades"),
        ("1,60000.1,0.010,3,5,1722470400001,True,True\n", "aggregated trades"),
        (
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n",
            "take the trades dump",
        ),
        (
            "1722470400000,60000.1,60001.0,59999.0,60000.5,12.5,1722470459999,750000.1,120,6.0,360000.0,0\n",
            "holds klines",
        ),
        ("open_time,open,high,low,close,volume,close_time\n", "holds klines"),
        (
            "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty\n",
            "quotes of the order book",
        ),
        ("1,60000.1,0.01,600,1722470400,true,true\n", "is in seconds"),
    ] {
        let error = folder
            .open("BTCUSDT-trades-2024-08-01.csv", text)
            .expect_err(text)
            .to_string();
        assert!(error.contains(needle), "{error}");
    }
    let aggregates = r#"{"e":"aggTrade","E":1722470400001,"s":"BTCUSDT","a":1,"p":"1","q":"1","f":1,"l":2,"T":1722470400001,"m":true}"#;
    let error = folder.open("frames", aggregates).expect_err("aggregates").to_string();
    assert!(error.contains("1 aggregated trades"), "{error}");
}

#[test]
fn futures_without_a_header_flags_as_numbers_and_further_headers_are_read() {
    let (spot, futures) = (
        "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n",
        "id,price,qty,quote_qty,time,is_buyer_maker\n",
    );
    let rows = |from: i64, end: &str| {
        (from..from + 2)
            .map(|id| format!("{id},60000.1,0.010,600.001,{},{end}\n", 1_722_470_400_000 + id))
            .collect::<Vec<_>>()
            .concat()
    };
    let folder = Folder::new();
    for text in [
        rows(1, "true") + &rows(3, "false"),
        rows(1, "1,1") + &rows(3, "0,1"),
        format!("{futures}{}{futures}{}", rows(1, "true"), rows(3, "false")),
        format!("{}{spot}{}", rows(1, "True,True"), rows(3, "False,True")),
        // Another layout behind the first.
        format!("{spot}{}{futures}{}", rows(1, "True,True"), rows(3, "false")),
    ] {
        let recording = folder.open("BTCUSDT-trades-2024-08-01.csv", &text).expect("readable");
        assert_eq!(
            (ids(&recording), recording.malformed_lines()),
            (vec![1, 2, 3, 4], 0),
            "{text}"
        );
        let (_, trades) = only(&recording);
        assert!(trades[0].buyer_market_maker && !trades[3].buyer_market_maker, "{text}");
    }
}

#[test]
fn a_symbol_is_given_where_nothing_tells_it_and_refused_where_the_lines_do() {
    let folder = Folder::new();
    let file = folder.write("download.csv", "1,60000.1,0.01,600,1722470400001,true,true\n");
    let symbol = "币安人生USDT".parse().expect("a symbol");
    let options = ReadOptions {
        symbol: Some(&symbol),
        ..ReadOptions::default()
    };
    let recording = Recording::read(&file, &options).expect("readable");
    assert_eq!(only(&recording).0, &symbol);
    for text in [RAW.to_owned(), [HEADER, &row(1, "0.43", 1_000)].concat()] {
        let error = Recording::read(&folder.write("x", text), &options).expect_err("named");
        assert!(error.to_string().contains("leave out --symbol"), "{error}");
    }
}

#[test]
fn trades_of_nobody_use_up_ids_and_are_counted_as_other_events() {
    let frame = |id: i64, price: &str, who: &str| {
        format!(
            r#"{{"e":"trade","E":1722470400001,"T":1722470400000,"s":"BTCUSDT","t":{id},"p":"{price}","q":"1","X":"{who}","m":true}}"#
        )
    };
    let text = [
        frame(1, "60000.10", "MARKET"),
        frame(2, "59000.00", "INSURANCE_FUND"),
        frame(3, "60000.20", "MARKET"),
        frame(4, "0", "NA"),
        frame(5, "58000.00", "ADL"),
        frame(6, "60000.30", "MARKET"),
        frame(7, "0", "MARKET"),
        frame(8, "-1", "MARKET"),
    ]
    .join("\n");
    let recording = Folder::new().open("futures", text).expect("readable");
    assert_eq!((recording.other_events(), recording.malformed_lines()), (3, 2));
    let (symbol, trades) = only(&recording);
    let nobodys: Vec<_> = trades
        .iter()
        .filter(|trade| trade.nobodys)
        .map(|trade| trade.trade_id)
        .collect();
    assert_eq!((ids(&recording).len(), nobodys), (6, vec![2, 4, 5]));
    assert!(
        trades.iter().all(|trade| trade.nobodys == (trade.price == 0)),
        "a price tells them apart"
    );
    assert_eq!(recording.market_trades(symbol, 0..u64::MAX), 3);
    assert_eq!(recording.market_trades(symbol, 1..4), 1);

    let nothing = Folder::new().open("futures", frame(4, "0", "NA"));
    assert!(
        matches!(nothing, Err(RecordingError::Empty { other_events: 1, .. })),
        "{nothing:?}"
    );
}

#[test]
fn a_wanted_symbol_without_readable_rules_is_told() {
    let folder = Folder::new();
    let file = folder.write("day.csv", [HEADER, &row(1, "0.43", 1_561_939_200_000)].concat());
    let good = r#"{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[]}"#;
    let odd = good.replace("BTCUSDT", "XRPUSDT").replace("[]", "null");
    for (listings, told) in [
        (
            format!("{odd},{good}"),
            "XRPUSDT cannot be read (filters is absent or null) in",
        ),
        (good.to_owned(), "XRPUSDT is not listed in"),
    ] {
        let info = folder.write("info.json", format!(r#"{{"symbols":[{listings}]}}"#));
        let recording = Recording::open(&file, Some(&info)).expect("readable");
        let (_, left_out) = read_exchange_info(&info).expect("readable");
        let notes = recording.notes_on_rules(&left_out, &info);
        assert!(
            notes
                .iter()
                .any(|note| note.contains(told) && note.ends_with("rules of the time")),
            "{notes:?}"
        );
        assert_eq!(notes.len(), left_out.len() + 1);
    }
}

mod large {
    //! Recordings that do not fit into the memory that they are given.

    use super::*;
    use proptest::prelude::*;

    fn trade(trade_id: i64, trade_time: i64, nobodys: bool) -> RecordedTrade {
        RecordedTrade {
            trade_id,
            price: if nobodys { 0 } else { 1 + trade_id % 7 },
            quantity: i64::MAX - trade_id,
            trade_time,
            event_lag: -3,
            buyer_market_maker: trade_id % 2 == 0,
            nobodys,
        }
    }

    /// Reads with little room, as a recording.
    fn read(in_memory: usize, at_once: usize, trades: &[(Symbol, RecordedTrade)], folder: &Path) -> Recording {
        let mut gathering = Gathering::with_room(in_memory, at_once, vec![folder.to_owned()]);
        for (symbol, trade) in trades {
            assert!(gathering.add(symbol.clone(), *trade).is_ok());
        }
        let Ok((symbols, duplicates)) = gathering.finish() else {
            panic!("there is room on the disk")
        };
        let recorded = symbols.into_iter().map(|(symbol, gathered)| {
            let (info, rules) = rules::of(&symbol, &gathered.facts, None);
            let recorded = RecordedSymbol {
                info,
                rules,
                trades: gathered.trades,
                nobodys: gathered.nobodys,
            };
            (symbol, recorded)
        });
        Recording {
            path: PathBuf::new(),
            hash: String::new(),
            symbols: recorded.collect(),
            malformed: Vec::new(),
            malformed_lines: 0,
            other_events: 0,
            duplicates,
        }
    }

    proptest! {
        #[test]
        fn a_recording_on_the_disk_is_the_same_as_one_in_memory(
            rows in proptest::collection::vec((0..4u8, 0..400i64, 0..9i64, 0..9u8), 1..600),
            sorted in any::<bool>(),
            at_once in 1..50usize,
        ) {
            let mut rows = rows;
            if sorted {
                rows.sort_by_key(|(_, id, ..)| *id);
            }
            let trades: Vec<_> = (rows.iter())
                .map(|(symbol, id, time, kind)| {
                    let symbol: Symbol = format!("S{symbol}USDT").parse().expect("a symbol");
                    // Of one id there is one trade; only its time may be told in two ways.
                    (symbol, trade(*id, *time, (*id + i64::from(*kind) / 8) % 5 == 0))
                })
                .collect();
            let folder = tempfile::tempdir().expect("a folder");
            let memory = read(usize::MAX, usize::MAX, &trades, folder.path());
            let disk = read(3, at_once, &trades, folder.path());
            prop_assert!(memory.failure().is_none());
            prop_assert_eq!(memory.duplicates(), disk.duplicates());
            prop_assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0, "a file with a name");
            let symbols: Vec<_> = memory.symbols.keys().cloned().collect();
            prop_assert_eq!(&symbols, &disk.symbols.keys().cloned().collect::<Vec<_>>());
            for symbol in &symbols {
                prop_assert_eq!(memory.len(symbol), disk.len(symbol));
                let all = |recording: &Recording| {
                    (0..=recording.len(symbol)).map(|index| recording.trade(symbol, index).map(|trade| trade.rank())).collect::<Vec<_>>()
                };
                prop_assert_eq!(all(&memory), all(&disk));
                prop_assert!(all(&memory).is_sorted_by_key(Option::is_none));
                for id in 0..402 {
                    prop_assert_eq!(memory.position_of(symbol, id), disk.position_of(symbol, id), "{}", id);
                }
            }
            let places = |recording: &Recording| {
                recording.symbols().map(|(info, len, _)| (info.clone(), len)).collect::<Vec<_>>()
            };
            prop_assert_eq!(places(&memory), places(&disk));
        }
    }

    #[test]
    fn duplicates_are_counted_once_wherever_they_meet() {
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let ids = [1, 2, 2, 3, 4, 5, 5, 6, 1, 9, 8, 7, 6, 6, 10];
        let trades: Vec<_> = ids.map(|id| (symbol.clone(), trade(id, id, false))).into();
        let folder = tempfile::tempdir().expect("a folder");
        for at_once in 1..8 {
            let disk = read(2, at_once, &trades, folder.path());
            let played: Vec<_> = (0..disk.len(&symbol))
                .filter_map(|index| disk.trade(&symbol, index))
                .map(|trade| trade.trade_id)
                .collect();
            assert_eq!((played, disk.duplicates()), ((1..=10).collect(), 5), "{at_once}");
        }
    }

    #[test]
    fn every_trade_comes_back_whole_and_two_places_are_read_beside_each_other() {
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let trades: Vec<_> = (0..20_000)
            .map(|id| (symbol.clone(), trade(id, id, id % 10 == 8)))
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let disk = read(100, 7_000, &trades, folder.path());
        for index in 0..trades.len() {
            assert_eq!(disk.trade(&symbol, index), Some(trades[index].1), "{index}");
            let behind = index.saturating_sub(16_000);
            assert_eq!(disk.trade(&symbol, behind), Some(trades[behind].1), "{behind}");
        }
        assert_eq!(disk.trade(&symbol, trades.len()), None);
        assert_eq!(disk.market_trades(&symbol, 0..u64::MAX), 18_000);
        assert_eq!(disk.market_trades(&symbol, 8..10), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_any_more_is_told() {
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let trades: Vec<_> = (0..20_000).map(|id| (symbol.clone(), trade(id, id, false))).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let disk = read(100, 7_000, &trades, folder.path());
        let failure = disk.failure().expect("it is on the disk");
        assert!(disk.trade(&symbol, 0).is_some() && failure.borrow().is_none());
        disk.symbols[&symbol].trades.truncate_file();
        assert_eq!(disk.trade(&symbol, 10_000), None);
        let told = failure.borrow().clone().expect("it is told");
        assert!(
            told.contains("cannot be read") && told.contains(&folder.path().display().to_string()),
            "{told}"
        );
    }

    #[test]
    fn without_room_on_any_disk_the_place_is_named() {
        let nowhere = vec![PathBuf::from("/proc/none"), PathBuf::from("/proc")];
        let mut gathering = Gathering::with_room(1, 1, nowhere);
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        assert!(gathering.add(symbol.clone(), trade(1, 1, false)).is_ok());
        let refused = gathering.add(symbol, trade(2, 2, false));
        assert!(refused.is_err_and(|none| none.folder == Path::new("/proc")));
    }
}
