use super::*;
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

fn only(recording: &Recording) -> (&Symbol, &[RecordedTrade]) {
    let mut symbols = recording.symbols.iter();
    let (symbol, recorded) = symbols.next().expect("one symbol");
    assert!(symbols.next().is_none(), "one symbol");
    (symbol, &recorded.trades)
}

fn row(id: i64, price: &str, time: i64) -> String {
    format!("trade,{},XRPUSDT,{id},{price},7.00000000,1,2,{time},true\n", time + 3)
}

#[test]
fn csv_with_a_header_is_sorted_by_trade_time_and_id() {
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
    assert!(unnamed.to_string().contains("rename it like"), "{unnamed}");
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
            if let Ok(mut layout) = Layout::detect(first, Path::new("BTCUSDT.csv")) {
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
fn an_endless_line_is_read_in_pieces_and_the_lines_after_it_keep_their_numbers() {
    let endless = "x".repeat(2 * LONGEST_LINE as usize + 1);
    let text = format!("{RAW}\n{endless}\njunk\n{}\n", RAW.replace("\"t\":11", "\"t\":12"));
    let recording = Folder::new().open("frames", text).expect("readable");
    assert_eq!(recording.trades(), 2);
    let numbers: Vec<_> = recording.malformed().iter().map(|line| line.number).collect();
    assert_eq!(numbers, [2, 2, 2, 3]);
    let refused = Folder::new().open("zeros", vec![0; LONGEST_LINE as usize + 1]);
    assert!(
        matches!(refused, Err(RecordingError::UnknownLayout { .. })),
        "{refused:?}"
    );
}
