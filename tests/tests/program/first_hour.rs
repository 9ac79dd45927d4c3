//! What a person meets in the first hour: every word on the terminal is true, and every command that is advised works.

use anyhow::{Context, Result, ensure};
use hedgehog_tests::program::{Folder, SOON, eventually};
use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_second_start_says_what_goes_on_and_complains_of_nothing() -> Result<()> {
    let folder = Folder::new()?;
    let first = folder.run(["--start", "BTCUSDT"])?;
    first.says("BTCUSDT buy placed")?;
    first.stop()?;
    let second = folder.run(["--start", "BTCUSDT"])?;
    second.says("BTCUSDT: streaming, storing and trading go on")?;
    let log = second.stop()?;
    ensure!(!log.contains("error:") && !log.contains("warning:"), "{log}");
    Ok(())
}

#[test]
fn lists_are_taken_alike_and_all_stands_for_every_symbol() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "btcusdt,ethusdt", "xrpusdt"])?;
    let stopped = folder.ok(["stop", "streaming", "btcusdt,ethusdt"])?;
    ensure!(
        stopped == "streaming BTCUSDT: stopped\nstreaming ETHUSDT: stopped\n",
        "{stopped}"
    );
    let stopped = folder.ok(["stop", "storing", "--all", "--stream", "orders"])?;
    ensure!(
        stopped.lines().count() == 3 && stopped.contains("storing ORDERS:XRPUSDT: stopped"),
        "{stopped}"
    );
    let drained = folder.ok(["shutdown", "trading", "--all"])?;
    ensure!(drained.lines().count() == 3, "{drained}");
    let started = folder.ok(["start", "streaming", "--all"])?;
    let listed = folder.json(["symbols"])?.as_array().map_or(0, Vec::len);
    ensure!(
        listed >= 20 && started.lines().count() == listed,
        "{listed}:\n{started}"
    );
    ensure!(started.contains("streaming XRPUSDT: already running"), "{started}");
    let stopped = folder.ok(["stop", "streaming", "--all"])?;
    ensure!(
        stopped.lines().count() == listed && !stopped.contains("not running"),
        "{stopped}"
    );
    ensure!(folder.ok(["stop", "streaming", "--all"])? == "nothing to do\n");
    program.stop()?;
    Ok(())
}

#[test]
fn symbols_and_settings_are_shown_and_changed_with_and_without_a_program() -> Result<()> {
    let folder = Folder::new()?;
    let listed = folder.json(["symbols", "btc"])?;
    let symbols = listed.as_array().context("a list")?;
    ensure!(
        symbols
            .iter()
            .all(|listed| listed["symbol"].as_str().is_some_and(|name| name.contains("BTC"))),
        "{listed}"
    );
    ensure!(
        symbols[0]["base_asset"].is_string() && symbols[0]["on"].as_array().is_some_and(Vec::is_empty),
        "{listed}"
    );
    let shown = folder.ok(["settings", "btcusdt", "chunks=3", "budget=500"])?;
    ensure!(shown.starts_with("BTCUSDT, off\nchunks=3\nbudget=500\n"), "{shown}");

    let program = folder.run(["--start", "BTCUSDT"])?;
    let told = folder.json(["settings", "BTCUSDT,ETHUSDT", "chunks=7"])?;
    ensure!(
        told[0]["chunks"] == 7 && told[1]["chunks"] == 7 && told[0]["budget"] == "500",
        "{told}"
    );
    ensure!(folder.ok(["symbols", "*USDT"])?.contains("streaming, storing, trading"));
    for (words, code, tells) in [
        (["settings", "BTCUSDT", "chunks=0"], 2, "a whole number from 1 to 100"),
        (["settings", "BTCUSDT", "chunk=3"], 2, "did you mean chunks?"),
        (["settings", "BTCUSD", "chunks=3"], 2, "did you mean BTCUSDT"),
        (["settings", "BTCUSDT,NOPE", "chunks=3"], 2, "unknown symbol NOPE"),
    ] {
        let refused = folder.refused(words, code)?;
        ensure!(refused.contains(tells), "{refused}");
    }
    ensure!(
        folder.json(["settings", "BTCUSDT"])?[0]["chunks"] == 7,
        "a refusal changes nothing"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn a_process_is_killed_by_the_end_of_its_path() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    let refused = folder.refused(["kill", "BTCUSDT"], 2)?;
    ensure!(
        refused.contains("Streams/BTCUSDT") && refused.contains("Symbols/BTCUSDT"),
        "{refused}"
    );
    let killed = folder.ok(["kill", "Streams/BTCUSDT"])?;
    ensure!(
        killed.starts_with("Hedgehog/Streamer.Supervisor/Streams/BTCUSDT: killed "),
        "{killed}"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn a_killed_trader_shows_that_it_was_and_a_killed_app_is_told_in_one_line() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    program.says("BTCUSDT buy placed")?;
    let traders = "Hedgehog/Naive.Supervisor/Symbols/BTCUSDT/Traders";
    let tree = folder.tree()?;
    let id = tree
        .below(traders)
        .first()
        .map(|id| (*id).to_owned())
        .context("a trader")?;
    folder.ok(["kill", &id[id.len() - 12..]])?;
    eventually("it is back and shows its restart", SOON, || {
        let tree = folder.tree()?;
        let trader = tree.find(&format!("{traders}/{id}"));
        Ok(trader
            .filter(|trader| trader.restarts == 1 && trader.pid.is_some())
            .cloned())
    })?;
    let told = program.log().matches("error:").count();
    folder.ok(["kill", "Streamer.Supervisor"])?;
    program.says("child restarted supervisor=\"Hedgehog\" child=Streamer.Supervisor")?;
    let log = program.stop()?;
    ensure!(log.matches("error:").count() <= told + 1, "{log}");
    Ok(())
}

#[test]
fn a_misspelt_filter_and_an_empty_place_are_refused_and_nothing_is_made() -> Result<()> {
    let folder = Folder::new()?;
    for (variable, value, tells) in [
        ("RUST_LOG", "inof", "did you mean info?"),
        ("RUST_LOG", "hedgehog_bni=debug", "did you mean hedgehog_bin?"),
        ("HEDGEHOG_CONFIG", "", "HEDGEHOG_CONFIG is empty"),
    ] {
        let output = folder.command(["run"])?.env(variable, value).output()?;
        let told = String::from_utf8(output.stderr)?;
        ensure!(
            output.status.code() == Some(2) && told.lines().count() == 1,
            "{variable}: {told}"
        );
        ensure!(told.contains(tells), "{told}");
    }
    let output = folder.command(["status", "--data-dir", ""])?.output()?;
    ensure!(output.status.code() == Some(2));
    ensure!(!folder.data().exists(), "nothing was made");
    Ok(())
}

#[test]
fn a_suspended_program_is_not_one_that_does_not_run() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    program.signal("STOP")?;
    let begun = Instant::now();
    let refused = folder.refused(["status"], 1)?;
    ensure!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    ensure!(
        refused.contains("is suspended") && refused.contains("kill -CONT"),
        "{refused}"
    );
    program.signal("CONT")?;
    program.stop()?;
    Ok(())
}

#[test]
fn a_long_path_is_found_whatever_the_folder_for_temporary_files() -> Result<()> {
    let folder = Folder::new()?;
    let long = folder.data().with_file_name("d".repeat(120));
    std::fs::create_dir(&long)?;
    symlink(&long, folder.data())?;
    let program = folder.run([])?;
    let mut command = folder.command(["status"])?;
    let output = command.env("TMPDIR", folder.data()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program.stop()?;
    Ok(())
}

#[test]
fn an_answer_that_could_not_be_written_is_a_failure() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    let full = File::options().write(true).open("/dev/full")?;
    let output = folder.command(["status"])?.stdout(Stdio::from(full)).output()?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(1) && told.contains("could not be written"),
        "{}: {told}",
        output.status
    );
    program.stop()?;
    Ok(())
}

#[test]
fn what_is_watched_ends_with_an_interrupt_and_bears_a_program_that_ends() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "BTCUSDT"])?;
    let watched = folder.spawn_command(folder.command(["status", "--watch"])?)?;
    watched.says("BTCUSDT")?;
    program.stop()?;
    watched.says("waiting for it to come back")?;
    let again = folder.run([])?;
    let seen = |log: &str| {
        log.rsplit("waiting for it")
            .next()
            .is_some_and(|last| last.contains("BTCUSDT"))
    };
    eventually("it is seen again", SOON, || Ok(seen(&watched.log()).then_some(())))?;
    watched.signal("INT")?;
    watched.ends_well(Duration::from_secs(10))?;
    again.stop()?;
    Ok(())
}

#[test]
fn lines_of_a_log_that_is_kept_have_dates() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    let log = program.stop()?;
    let line = log.lines().find(|line| line.contains("data is in")).context("a line")?;
    let (date, time) = line.split_once(' ').context("two words")?;
    ensure!(
        date.len() == 10 && date.matches('-').count() == 2 && time.as_bytes()[2] == b':',
        "{line}"
    );
    Ok(())
}
