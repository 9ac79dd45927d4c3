//! Playing a recorded market: to its end, once, with what is wrong with it told and counted.

use anyhow::{Result, ensure};
use hedgehog_tests::program::{Folder, SOON};
use hedgehog_tests::tape::Tape;
use std::time::Duration;

const ONE_SECOND: Duration = Duration::from_secs(1);

fn stored(folder: &Folder) -> Result<String> {
    Ok(folder.select("data_warehouse.db", &["count(*)"], "FROM trade_events")?[0][0].clone())
}

#[test]
fn a_replay_stores_every_trade_and_repeating_it_stores_none_and_says_so() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT").hold("70.15", 20 * ONE_SECOND);
    let file = tape.write(&folder)?.display().to_string();
    let args = [
        "--replay",
        &file,
        "--speed",
        "max",
        "--exit-at-end",
        "--start",
        "LTCUSDT",
    ];
    let log = folder.spawn(args)?.ends_well(SOON)?;
    ensure!(
        log.contains("400 trades played") && log.contains("400 new trades stored"),
        "{log}"
    );
    ensure!(
        log.contains("which orders appear at --speed max depends on timing"),
        "{log}"
    );
    ensure!(stored(&folder)? == tape.trades().to_string());

    let log = folder.spawn(args)?.ends_well(SOON)?;
    ensure!(log.contains("0 new trades stored"), "{log}");
    ensure!(stored(&folder)? == tape.trades().to_string());
    Ok(())
}

#[test]
fn at_its_own_pace_a_recording_loses_not_even_its_first_trade() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT").hold("70.15", ONE_SECOND);
    let file = tape.write(&folder)?.display().to_string();
    let args = ["--replay", &file, "--speed", "1", "--exit-at-end", "--start", "LTCUSDT"];
    let log = folder.spawn(args)?.ends_well(SOON)?;
    ensure!(stored(&folder)? == tape.trades().to_string(), "{log}");
    Ok(())
}

#[test]
fn a_malformed_line_is_told_with_its_number_counted_and_stops_nothing() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT")
        .trade("70.15")
        .line("trade,here the disk was full")
        .trade("70.16");
    let file = tape.write(&folder)?.display().to_string();
    let args = [
        "--replay",
        &file,
        "--speed",
        "max",
        "--exit-at-end",
        "--start",
        "LTCUSDT",
    ];
    let log = folder.spawn(args)?.ends_well(SOON)?;
    ensure!(log.contains("line 3 is left out: 2 columns instead of 8"), "{log}");
    ensure!(log.contains("1 malformed line"), "{log}");
    ensure!(stored(&folder)? == "2");
    Ok(())
}

#[test]
fn a_missing_id_of_the_recording_is_a_gap_that_status_shows() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT").trade("70.15").skip(3).trade("70.16");
    let file = tape.write(&folder)?.display().to_string();
    let program = folder.run(["--replay", &file, "--speed", "max", "--start", "LTCUSDT"])?;
    program.says("2 trades played")?;
    let stream = folder.status("streaming", "LTCUSDT")?;
    ensure!(stream["gaps"] == 1 && stream["missing"] == 3, "{stream}");
    let gap = &stream["gap_ranges"][0];
    ensure!(
        gap["first_missing_id"] == 1_001 && gap["last_missing_id"] == 1_003,
        "{gap}"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn a_recording_that_nobody_listens_to_would_never_end_and_is_refused() -> Result<()> {
    let folder = Folder::new()?;
    let file = Tape::of("LTCUSDT").trade("70.15").write(&folder)?.display().to_string();
    let program = folder.spawn(["--replay", &file, "--speed", "max", "--exit-at-end"])?;
    let status = program.wait(SOON)?;
    let log = program.log();
    ensure!(
        status.code() == Some(2) && log.contains("add --start LTCUSDT"),
        "{status}: {log}"
    );
    Ok(())
}

/// The rules of a symbol decide where its orders lie: here, with a tick of a whole unit, at 69 and not at 70.01.
#[test]
fn an_exchange_info_file_brings_the_rules_of_the_recordings_time() -> Result<()> {
    let folder = Folder::new()?;
    let info = folder.file(
        "exchange_info.json",
        r#"{"symbols":[{"symbol":"LTCUSDT","status":"TRADING","baseAsset":"LTC","quoteAsset":"USDT","filters":[
            {"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"100000","tickSize":"1"},
            {"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"100000","stepSize":"0.1"}]}]}"#,
    )?;
    let (info, tape) = (
        info.display().to_string(),
        Tape::of("LTCUSDT").hold("70.15", 3 * ONE_SECOND),
    );
    let file = tape.write(&folder)?.display().to_string();
    let args = [
        "--replay",
        &file,
        "--speed",
        "1",
        "--exchange-info",
        &info,
        "--start",
        "LTCUSDT",
    ];
    let program = folder.run(args)?;
    let line = program.says("buy placed")?;
    ensure!(line.contains("2.8") && line.contains("70"), "{line}");
    program.stop()?;
    Ok(())
}

/// What another symbol's trade looks like on a [`Tape`].
const STRANGER: &str = "trade,1717200000000,ETHUSDT,7,3800.5,1,1717200000000,true";

#[test]
fn a_replay_that_is_only_partly_streamed_ends_and_counts_what_was_not_played() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT").hold("70.15", ONE_SECOND).line(STRANGER);
    let file = tape.write(&folder)?.display().to_string();
    let args = [
        "--replay",
        &file,
        "--speed",
        "max",
        "--exit-at-end",
        "--start",
        "LTCUSDT",
    ];
    let program = folder.spawn(args)?;
    let status = program.wait(SOON)?;
    let log = program.log();
    ensure!(status.code() == Some(1), "{status}: {log}");
    ensure!(
        log.contains("ETHUSDT is in the recording and not streamed: add --start ETHUSDT"),
        "{log}"
    );
    ensure!(
        log.contains("1 trades were not played, nobody streams them: add --start ETHUSDT"),
        "{log}"
    );
    ensure!(stored(&folder)? == "20", "what was streamed is stored: {log}");
    Ok(())
}

/// At the recording's own pace the trades of a symbol that nobody hears are played all the same.
#[test]
fn what_was_played_and_not_stored_is_never_a_success() -> Result<()> {
    let folder = Folder::new()?;
    let tape = Tape::of("LTCUSDT").hold("70.15", ONE_SECOND).line(STRANGER);
    let file = tape.write(&folder)?.display().to_string();
    let args = ["--replay", &file, "--speed", "1", "--exit-at-end", "--start", "LTCUSDT"];
    let program = folder.spawn(args)?;
    let status = program.wait(SOON)?;
    let log = program.log();
    ensure!(status.code() == Some(1), "{status}: {log}");
    ensure!(log.contains("1 trades of ETHUSDT were played and not stored"), "{log}");
    Ok(())
}

#[test]
fn a_file_whose_name_tells_no_symbol_is_played_as_the_one_that_is_said() -> Result<()> {
    let folder = Folder::new()?;
    folder.file("download.csv", "1,70.15,1,70.15,1717200000000,true,true\n")?;
    let refused = folder.refused(["run", "--replay", "download.csv", "--start", "LTCUSDT"], 2)?;
    ensure!(
        refused.contains("download.csv does not name its symbol: say it with --symbol"),
        "{refused}"
    );
    let args = "--replay download.csv --symbol ltcusdt --speed max --exit-at-end --start LTCUSDT";
    folder.spawn(args.split(' '))?.ends_well(SOON)?;
    ensure!(stored(&folder)? == "1");
    Ok(())
}

#[test]
fn trades_that_are_none_of_the_market_are_not_stored_and_leave_no_gap() -> Result<()> {
    let folder = Folder::new()?;
    let frame = |id: i64, price: &str, who: &str| {
        format!(
            r#"{{"e":"trade","E":1722470400001,"T":1722470400000,"s":"BTCUSDT","t":{id},"p":"{price}","q":"1","X":"{who}","m":true}}"#
        )
    };
    let frames = [
        frame(1, "60000.10", "MARKET"),
        frame(2, "59000.00", "INSURANCE_FUND"),
        frame(3, "60000.20", "MARKET"),
        frame(4, "0", "NA"),
        frame(5, "58000.00", "ADL"),
        frame(6, "60000.30", "MARKET"),
        frame(7, "0", "NA"),
    ];
    folder.file("frames", frames.join("\n"))?;
    let args = "--replay frames --speed max --exit-at-end --start BTCUSDT";
    let log = folder.spawn(args.split(' '))?.ends_well(SOON)?;
    ensure!(log.contains("3 trades played") && log.contains(" 0 gaps"), "{log}");
    let ids = folder.select(
        "data_warehouse.db",
        &["trade_id"],
        "FROM trade_events ORDER BY trade_id",
    )?;
    ensure!(ids == [["1"], ["3"], ["6"]], "{ids:?}");
    ensure!(folder.select("streamer.db", &["count(*)"], "FROM gaps")? == [["0"]]);
    Ok(())
}
