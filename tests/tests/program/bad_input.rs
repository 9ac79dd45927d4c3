//! What cannot be done as asked: one line that names the thing and what to do, an exit code, and nothing changed.

use anyhow::{Context, Result, ensure};
use diesel::connection::SimpleConnection;
use hedgehog_tests::program::{Folder, Program};
use hedgehog_tests::sqlite;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const BAD_INPUT: i32 = 2;
const NOT_RUNNING: i32 = 3;
const DATABASE: i32 = 4;
const IN_USE: i32 = 5;

/// Fails unless the line holds all of these words.
fn tells(line: &str, words: &[&str]) -> Result<()> {
    for word in words {
        ensure!(line.contains(word), "{word:?} is missing: {line}");
    }
    Ok(())
}

/// A folder with a program on it.
fn running() -> Result<(Folder, Program)> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    Ok((folder, program))
}

#[test]
fn a_file_that_is_not_there_is_named() -> Result<()> {
    let folder = Folder::new()?;
    let refused = folder.refused(["run", "--replay", "nowhere.csv"], BAD_INPUT)?;
    tells(&refused, &["cannot read nowhere.csv"])?;
    ensure!(!folder.data().exists(), "nothing was made");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_is_named() -> Result<()> {
    let folder = Folder::new()?;
    // Whoever runs this, nobody can read a folder as a file; and half a gzip file breaks in the middle.
    tells(
        &folder.refused(["run", "--replay", "."], BAD_INPUT)?,
        &["cannot read ."],
    )?;
    folder.file("broken.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3])?;
    tells(
        &folder.refused(["run", "--replay", "broken.csv.gz"], BAD_INPUT)?,
        &["cannot read broken.csv.gz"],
    )?;
    ensure!(!folder.data().exists(), "nothing was made");
    Ok(())
}

#[test]
fn a_file_of_an_unknown_layout_is_refused_with_the_known_ones() -> Result<()> {
    let folder = Folder::new()?;
    folder.file("letter.csv", "Dear Sir,\nplease buy\n")?;
    let refused = folder.refused(["run", "--replay", "letter.csv"], BAD_INPUT)?;
    tells(
        &refused,
        &["letter.csv is not a recording", "csv with a header", "Dear Sir"],
    )?;
    ensure!(!folder.data().exists(), "nothing was made");
    Ok(())
}

#[test]
fn a_busy_port_is_named() -> Result<()> {
    let folder = Folder::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    std::fs::create_dir(folder.data())?;
    std::fs::write(
        folder.data().join("hedgehog.toml"),
        format!("[simulator]\nport = {}\n", address.port()),
    )?;
    let refused = folder.refused(["run"], IN_USE)?;
    tells(&refused, &[&format!("cannot listen on {address}"), "simulator.port"])?;
    ensure!(
        !folder.data().join("venue").exists(),
        "the folder belongs to nobody yet"
    );
    Ok(())
}

/// A place where no folder can be made, not even by root, who may write anywhere else.
fn unwritable(folder: &Folder) -> Result<PathBuf> {
    let locked = folder.data().with_file_name("locked");
    std::fs::create_dir(&locked)?;
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500))?;
    let probe = locked.join("probe");
    Ok(match std::fs::create_dir(&probe) {
        Ok(()) => PathBuf::from("/proc/hedgehog-data"),
        Err(_) => locked.join("data"),
    })
}

#[test]
fn a_data_folder_without_write_permission_is_named() -> Result<()> {
    let folder = Folder::new()?;
    let place = unwritable(&folder)?.display().to_string();
    let mut command = std::process::Command::new(hedgehog_tests::program::binary()?);
    let output = command.args(["run", "--data-dir", &place]).output()?;
    let line = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(BAD_INPUT) && line.lines().count() == 1,
        "{}: {line}",
        output.status
    );
    tells(&line, &["cannot write into the data folder", &place, "--data-dir"])
}

#[test]
fn a_data_folder_that_is_a_file_is_named() -> Result<()> {
    let folder = Folder::new()?;
    folder.file("data", "a file")?;
    let refused = folder.refused(["run"], BAD_INPUT)?;
    tells(
        &refused,
        &[
            "cannot write into the data folder",
            &folder.data().display().to_string(),
            "--data-dir",
        ],
    )?;
    ensure!(std::fs::read_to_string(folder.data())? == "a file");
    Ok(())
}

#[test]
fn a_database_of_a_newer_schema_is_left_as_it_is() -> Result<()> {
    let folder = Folder::new()?;
    folder.ok(["seed"])?;
    let file = folder.data().join("naive.db");
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')";
    sqlite::open(&file)?.batch_execute(newer)?;
    let before = std::fs::read(&file)?;
    let refused = folder.refused(["run"], DATABASE)?;
    tells(&refused, &["naive.db", "20990101000000", "newer"])?;
    ensure!(std::fs::read(&file)? == before, "not a byte has changed");
    Ok(())
}

#[test]
fn a_misspelt_config_key_is_refused_with_the_nearest_known_one() -> Result<()> {
    let folder = Folder::new()?;
    let config = folder.file("my.toml", "[simulator]\nsede = 3\n")?.display().to_string();
    let refused = folder.refused(["run", "--config", &config], BAD_INPUT)?;
    tells(
        &refused,
        &[&config, r#""simulator.sede""#, r#"did you mean "simulator.seed"?"#],
    )?;

    let mut command = folder.command(["run"])?;
    let output = command.env("HEDGEHOG_SIMULATOR_SEDE", "3").output()?;
    ensure!(output.status.code() == Some(BAD_INPUT));
    tells(
        &String::from_utf8(output.stderr)?,
        &["HEDGEHOG_SIMULATOR_SEDE", "HEDGEHOG_SIMULATOR_SEED"],
    )?;
    ensure!(!folder.data().exists(), "nothing was made");
    Ok(())
}

#[test]
fn a_value_that_a_setting_cannot_have_is_refused_with_what_it_can_be() -> Result<()> {
    let folder = Folder::new()?;
    for (args, words) in [
        (vec!["--seed", "x"], vec!["--seed", "x", "a whole number"]),
        (vec!["--rule", "around"], vec!["--rule", "around", "touch or through"]),
        (
            vec!["--apps", "naif"],
            vec!["--apps", "naif", "streamer,naive,warehouse"],
        ),
        (vec!["--log-format", "xml"], vec!["--log-format", "xml", "text or json"]),
        (vec!["--start", "BTC/USDT"], vec!["BTC/USDT", "BTCUSDT"]),
        (vec!["--speed", "max"], vec!["--replay"]),
        (vec!["--replay", "x", "--speed", "fast"], vec!["fast", "max"]),
        (vec!["--sede", "1"], vec!["--sede", "--seed"]),
    ] {
        let refused = folder.refused(std::iter::once("run").chain(args), BAD_INPUT)?;
        tells(&refused, &words)?;
    }
    tells(
        &folder.refused(["start", "storing", "btcusdt", "--stream", "candles"], BAD_INPUT)?,
        &["trade_events or orders"],
    )?;
    tells(&folder.refused(["stat"], BAD_INPUT)?, &["'stat'", "'status'"])?;
    ensure!(!folder.data().exists(), "nothing was made");
    Ok(())
}

#[test]
fn an_unknown_symbol_is_refused_with_the_nearest_known_ones_and_the_others_do_not_start() -> Result<()> {
    let (folder, program) = running()?;
    for command in [
        "start streaming",
        "start trading",
        "start storing",
        "stop streaming",
        "stop trading",
        "stop storing",
        "shutdown trading",
    ] {
        let refused = folder
            .refused(command.split(' ').chain(["ethusdt", "btcusd"]), BAD_INPUT)
            .context(command)?;
        tells(&refused, &["unknown symbol BTCUSD", "did you mean BTCUSDT"])?;
    }
    let status = folder.json(["status"])?;
    for app in ["streaming", "trading", "storing"] {
        ensure!(status[app].as_array().is_some_and(Vec::is_empty), "{status}");
    }
    program.stop()?;
    Ok(())
}

#[test]
fn run_refuses_to_start_an_unknown_symbol() -> Result<()> {
    let folder = Folder::new()?;
    let refused = folder.refused(["run", "--start", "ethusdt", "btcusd"], BAD_INPUT)?;
    tells(&refused, &["unknown symbol BTCUSD", "did you mean BTCUSDT"])?;
    ensure!(!folder.data().exists(), "the refusal made the data folder");
    Ok(())
}

#[test]
fn a_second_program_on_a_data_folder_is_refused_and_the_first_goes_on() -> Result<()> {
    let (folder, program) = running()?;
    let refused = folder.refused(["run", "--start", "btcusdt"], IN_USE)?;
    tells(
        &refused,
        &[
            "in use by another hedgehog",
            &folder.data().display().to_string(),
            "--data-dir",
        ],
    )?;
    ensure!(
        folder.json(["status"])?["streaming"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
    program.stop()?;
    Ok(())
}

#[test]
fn another_venue_is_refused_with_the_command_for_a_new_folder() -> Result<()> {
    let folder = Folder::new()?;
    folder.ok(["seed"])?;
    let refused = folder.refused(["run", "--seed", "2"], BAD_INPUT)?;
    let other = format!("{}-sim-2", folder.data().display());
    tells(
        &refused,
        &[
            "belongs to sim:1",
            "not to sim:2",
            "run --seed 2",
            &format!("--data-dir {other}"),
        ],
    )?;
    ensure!(std::fs::read_to_string(folder.data().join("venue"))?.trim() == "sim:1");
    Ok(())
}

#[test]
fn an_unknown_path_for_kill_is_refused_with_the_nearest_ones() -> Result<()> {
    let (folder, program) = running()?;
    let before = folder.tree()?;
    let refused = folder.refused(["kill", "Hedgehog/Simulater"], BAD_INPUT)?;
    tells(&refused, &["Hedgehog/Simulater", "did you mean Hedgehog/Simulator"])?;
    tells(
        &folder.refused(["kill", "Hedgehog"], BAD_INPUT)?,
        &["the whole program", "SIGTERM"],
    )?;
    ensure!(folder.tree()?.pids() == before.pids(), "nobody was killed");
    program.stop()?;
    Ok(())
}

#[test]
fn without_a_program_every_question_says_so() -> Result<()> {
    let folder = Folder::new()?;
    for command in [
        "status",
        "tree",
        "kill Hedgehog/Control",
        "start streaming btcusdt",
        "shutdown trading btcusdt",
    ] {
        let refused = folder.refused(command.split(' '), NOT_RUNNING).context(command)?;
        tells(
            &refused,
            &["no hedgehog runs", &folder.data().display().to_string(), "hedgehog run"],
        )?;
    }
    ensure!(!folder.data().exists(), "a question makes no folder");
    Ok(())
}

#[test]
fn a_program_that_was_killed_is_not_running_and_leaves_a_usable_folder() -> Result<()> {
    let (folder, program) = running()?;
    program.signal("KILL")?;
    program.wait(hedgehog_tests::program::SOON)?;
    folder.refused(["status"], NOT_RUNNING)?;
    folder.run([])?.stop()?;
    Ok(())
}
