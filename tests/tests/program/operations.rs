//! What each command answers, to a person and as JSON, and with which exit code.

use anyhow::{Context, Result, ensure};
use hedgehog_tests::program::{Folder, SOON, eventually};
use serde_json::{Value, json};

/// What `start`, `stop` and `shutdown` answer as JSON, without the symbols.
fn outcomes(answer: &Value) -> Vec<&str> {
    let changes = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(|change| change["outcome"].as_str()).collect()
}

#[test]
fn start_and_stop_say_what_they_did_or_that_it_was_so_already() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    for (command, answer) in [
        (
            "start streaming btcusdt EthUsdt",
            "streaming BTCUSDT: started\nstreaming ETHUSDT: started\n",
        ),
        ("start streaming BTCUSDT", "streaming BTCUSDT: already running\n"),
        ("stop streaming ethUSDT", "streaming ETHUSDT: stopped\n"),
        ("stop streaming ethusdt", "streaming ETHUSDT: not running\n"),
        (
            "start storing ltcusdt --stream Orders",
            "storing ORDERS:LTCUSDT: started\n",
        ),
        (
            "start storing ltcusdt",
            "storing TRADE_EVENTS:LTCUSDT: started\nstoring ORDERS:LTCUSDT: already running\n",
        ),
        (
            "stop storing ltcusdt --stream TRADE_EVENTS",
            "storing TRADE_EVENTS:LTCUSDT: stopped\n",
        ),
        (
            "stop storing ethusdt --stream orders",
            "storing ORDERS:ETHUSDT: not running\n",
        ),
        ("start trading xrpusdt", "trading XRPUSDT: started\n"),
        ("start trading XrpUsdt", "trading XRPUSDT: already running\n"),
        ("stop trading xrpusdt", "trading XRPUSDT: stopped\n"),
        ("stop trading xrpusdt", "trading XRPUSDT: not running\n"),
        ("shutdown trading xrpusdt", "trading XRPUSDT: not running\n"),
    ] {
        let answered = folder.ok(command.split(' ')).context(command)?;
        ensure!(answered == answer, "{command}: {answered}");
    }
    program.stop()?;
    Ok(())
}

#[test]
fn of_many_starts_at_the_same_time_one_starts_and_the_others_find_it_running() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    let start = || folder.json(["start", "streaming", "btcusdt"]);
    let answers = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        let answered = starts.into_iter().map(|start| start.join().expect("a start returns"));
        answered.collect::<Result<Vec<_>>>()
    })?;
    let mut outcomes: Vec<_> = answers.iter().flat_map(outcomes).collect();
    outcomes.sort_unstable();
    ensure!(
        outcomes[..7] == ["already_running"; 7] && outcomes[7] == "started",
        "{outcomes:?}"
    );
    ensure!(folder.tree()?.below("Hedgehog/Streamer.Supervisor/Streams") == ["BTCUSDT"]);
    program.stop()?;
    Ok(())
}

#[test]
fn json_answers_are_documents_for_scripts() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run([])?;
    let answer = folder.json(["start", "storing", "btcusdt"])?;
    let started = |stream: &str| json!({"symbol": "BTCUSDT", "stream": stream, "outcome": "started"});
    ensure!(
        answer == json!([started("trade_events"), started("orders")]),
        "{answer}"
    );
    ensure!(outcomes(&folder.json(["start", "streaming", "btcusdt"])?) == ["started"]);
    ensure!(outcomes(&folder.json(["stop", "streaming", "btcusdt"])?) == ["stopped"]);
    ensure!(outcomes(&folder.json(["stop", "trading", "btcusdt"])?) == ["not_running"]);
    let seeded = folder.json(["seed"])?;
    ensure!(
        seeded[0]["inserted"] == 0 && seeded[0]["known"].as_u64() >= Some(20),
        "{seeded}"
    );
    let killed = folder.json(["kill", "Hedgehog/Control"])?;
    ensure!(
        killed["path"] == "Hedgehog/Control" && killed["pid"].is_u64(),
        "{killed}"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn status_tells_what_is_on_since_when_and_how_it_goes() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "btcusdt"])?;
    let started = folder.json(["status"])?["since"].as_i64().context("since")?;
    eventually("a trade and an order are stored", SOON, || {
        let stored =
            |topic: &str| -> Result<bool> { Ok(folder.status("storing", topic)?["rows_stored"].as_i64() > Some(0)) };
        Ok((stored("TRADE_EVENTS:BTCUSDT")? && stored("ORDERS:BTCUSDT")?).then_some(()))
    })?;

    let status = folder.json(["status"])?;
    ensure!(
        status["venue"] == "sim:1" && status["apps"] == json!(["streamer", "naive", "warehouse"]),
        "{status}"
    );
    let (stream, trading, storing) = (&status["streaming"][0], &status["trading"][0], &status["storing"]);
    ensure!(
        stream["symbol"] == "BTCUSDT" && stream["on"] == true && stream["state"] == "connected",
        "{stream}"
    );
    ensure!(stream["gaps"] == 0 && stream["trades"].as_u64() > Some(0), "{stream}");
    ensure!(trading["symbol"] == "BTCUSDT" && trading["status"] == "on", "{trading}");
    ensure!(
        trading["open_traders"]
            .as_array()
            .is_some_and(|traders| !traders.is_empty()),
        "{trading}"
    );
    ensure!(storing.as_array().is_some_and(|topics| topics.len() == 2), "{storing}");
    for part in [stream, trading, &storing[0], &storing[1]] {
        ensure!(part["since"].as_i64() >= Some(started), "{part}");
    }

    let mut wide = folder.command(["status"])?;
    let text = String::from_utf8(wide.env("COLUMNS", "140").output()?.stdout)?;
    for told in [
        "sim:1",
        "SYMBOL",
        "STREAMING",
        "connected",
        "TRADES",
        "TRADING",
        "OPEN",
        "REALISED",
        "STORING",
        "STORED",
        "TO STORE",
        "BTCUSDT",
    ] {
        ensure!(text.contains(told), "{told} is missing:\n{text}");
    }
    let traders = folder.ok(["status", "--traders"])?;
    ensure!(traders.contains("TRADER") && traders.contains("buying"), "{traders}");
    program.stop()?;
    Ok(())
}

#[test]
fn tree_shows_every_process_with_its_path_state_restarts_and_uptime() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "btcusdt"])?;
    let tree = folder.tree()?;
    for path in [
        "Hedgehog",
        "Hedgehog/Simulator",
        "Hedgehog/Warehouse.SubscriberSupervisor/Registry",
        "Hedgehog/Warehouse.SubscriberSupervisor/Workers/ORDERS:BTCUSDT",
        "Hedgehog/Warehouse.SubscriberSupervisor/Workers/TRADE_EVENTS:BTCUSDT",
        "Hedgehog/Naive.Supervisor/Symbols/BTCUSDT/Leader",
        "Hedgehog/Naive.Supervisor/Symbols/BTCUSDT/Traders",
        "Hedgehog/Streamer.Supervisor/Streams/BTCUSDT",
        "Hedgehog/Control",
    ] {
        let process = tree
            .find(path)
            .with_context(|| format!("{path} is missing: {tree:?}"))?;
        ensure!(
            process.state == "running" && process.pid.is_some() && process.restarts == 0,
            "{path}: {process:?}"
        );
    }
    let text = folder.ok(["tree"])?;
    let header: Vec<_> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    ensure!(
        header[..5] == ["PROCESS", "STATE", "PID", "RESTARTS", "UPTIME"],
        "{text}"
    );
    ensure!(
        text.contains("├─ Streamer.Supervisor") && text.contains("│  ├─ "),
        "{text}"
    );
    for columns in ["60", "80", "120"] {
        let mut command = folder.command(["tree"])?;
        let text = String::from_utf8(command.env("COLUMNS", columns).output()?.stdout)?;
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        ensure!(
            widest <= columns.parse()? && text.contains("BTCUSDT"),
            "{columns}:\n{text}"
        );
    }
    program.stop()?;
    Ok(())
}

#[test]
fn kill_names_the_incarnation_that_it_ended_and_another_takes_its_place() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "btcusdt"])?;
    let path = "Hedgehog/Streamer.Supervisor/Streams/BTCUSDT";
    let before = folder.tree()?.pid(path).context("the stream runs")?;
    ensure!(folder.ok(["kill", path])? == format!("{path}: killed <0.{before}>\n"));
    let after = eventually("it runs again", SOON, || {
        Ok(folder.tree()?.find(path).filter(|p| p.pid.is_some()).cloned())
    })?;
    ensure!(after.pid != Some(before) && after.restarts == 1, "{after:?}");

    let autostart = "Hedgehog/Streamer.Supervisor/Autostart";
    ensure!(folder.ok(["kill", autostart])? == format!("{autostart}: not running, nothing to kill\n"));
    program.stop()?;
    Ok(())
}

#[test]
fn seed_works_without_a_running_program_and_may_be_repeated() -> Result<()> {
    let folder = Folder::new()?;
    let seeded = folder.json(["seed"])?;
    let symbols = seeded[0]["inserted"].as_u64().context("a count")?;
    ensure!(symbols >= 20 && seeded[1]["inserted"] == symbols, "{seeded}");
    let again = folder.ok(["seed"])?;
    ensure!(again == format!("streaming settings: 0 new, {symbols} known\ntrading settings: 0 new, {symbols} known\n"));
    let off = folder.select("naive.db", &["count(*)"], "FROM settings WHERE status = 'off'")?;
    ensure!(off == [[symbols.to_string()]], "{off:?}");
    Ok(())
}

#[test]
fn each_app_is_a_service_of_its_own() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--apps", "streamer,warehouse", "--start", "btcusdt"])?;
    let tree = folder.tree()?;
    ensure!(
        tree.below("Hedgehog")
            == [
                "Control",
                "Simulator",
                "Streamer.Supervisor",
                "Warehouse.SubscriberSupervisor"
            ],
        "{tree:?}"
    );
    let refused = folder.refused(["start", "trading", "btcusdt"], 2)?;
    ensure!(refused.contains("naive app does not run"), "{refused}");
    ensure!(folder.json(["status"])?["trading"].is_null());
    ensure!(
        !folder.data().join("naive.db").exists(),
        "an app that does not run has no database"
    );
    program.stop()?;
    Ok(())
}

#[test]
fn the_terminal_says_what_runs_where_the_data_is_and_what_to_type_next() -> Result<()> {
    let folder = Folder::new()?;
    let program = folder.run(["--start", "btcusdt"])?;
    program.says("BTCUSDT buy placed: ")?;
    let log = program.stop()?;
    let data = folder.data().canonicalize()?.display().to_string();
    let next = format!("--data-dir {} status", folder.data().display());
    for told in [
        "on sim:1 at http://127.0.0.1:",
        &format!("data is in {data}"),
        "BTCUSDT: storing, streaming, trading",
        &next,
    ] {
        ensure!(log.contains(told), "{told} is missing:\n{log}");
    }
    Ok(())
}

#[test]
fn every_line_is_a_json_object_when_asked_and_rust_log_chooses_them() -> Result<()> {
    let folder = Folder::new()?;
    let mut command = folder.command(["run", "--log-format", "json", "--start", "btcusdt"])?;
    command.env("RUST_LOG", "hedgehog_bin::naive=debug");
    let program = folder.spawn_command(command)?;
    program.says("buy placed")?;
    let log = program.stop()?;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        ensure!(
            line["target"]
                .as_str()
                .is_some_and(|target| target.starts_with("hedgehog_bin::naive")),
            "{line}"
        );
    }
    ensure!(log.contains(r#""level":"DEBUG""#), "{log}");
    Ok(())
}

#[test]
fn help_and_version_are_answers() -> Result<()> {
    let folder = Folder::new()?;
    ensure!(folder.ok(["--version"])?.starts_with("hedgehog 0."));
    let help = folder.ok(["run", "--help"])?;
    ensure!(
        help.contains("--replay") && !help.contains('\u{1b}'),
        "colours are for terminals:\n{help}"
    );
    Ok(())
}
