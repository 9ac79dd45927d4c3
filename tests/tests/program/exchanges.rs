//! Another exchange by its address, and the simulator as one.

use anyhow::{Context, Result, ensure};
use hedgehog_tests::program::{Folder, Program, SOON, eventually};

const BAD_INPUT: i32 = 2;

/// Starts an exchange of its own; its address.
fn simulate(folder: &Folder, port: &str) -> Result<(Program, String)> {
    let program = folder.spawn_command(folder.command(["simulate", "--port", port])?)?;
    let said = program.says("run --exchange")?;
    let address = said.split("--exchange ").nth(1).and_then(|rest| rest.split('`').next());
    let address = address.context("an address")?.to_owned();
    Ok((program, address))
}

fn stored(folder: &Folder) -> Result<Vec<i64>> {
    let rows = folder.select(
        "data_warehouse.db",
        &["trade_id"],
        "FROM trade_events ORDER BY trade_id",
    )?;
    Ok(rows.iter().map(|row| row[0].parse()).collect::<Result<_, _>>()?)
}

/// The order of a person's first day: an exchange, a program on it, the end of either, and the program again without a flag.
#[test]
fn a_program_trades_on_an_exchange_of_its_own_that_goes_on_without_it() -> Result<()> {
    let (exchange, folder) = (Folder::new()?, Folder::new()?);
    let (simulated, address) = simulate(&exchange, "0")?;
    let program = folder.run(["--exchange", &address, "--start", "BTCUSDT"])?;
    let venue = format!("exchange:{}", address.trim_start_matches("http://"));
    ensure!(folder.json(["status"])?["venue"] == venue, "{venue}");
    eventually("an order is placed", SOON, || {
        let orders = exchange.select("simulator.db", &["order_id"], "FROM orders")?;
        Ok((!orders.is_empty()).then_some(()))
    })?;
    folder.received("BTCUSDT", 20)?;
    program.stop()?;
    let last = *stored(&folder)?.last().context("trades are stored")?;

    // It went on while nobody was there, and does not go back when it is killed.
    simulated.signal("KILL")?;
    simulated.wait(SOON)?;
    let port = address.rsplit(':').next().context("a port")?;
    let (_simulated, again) = simulate(&exchange, port)?;
    ensure!(again == address, "{again}");
    let program = folder.run([])?;
    folder.received("BTCUSDT", last as u64 + 20)?;
    program.stop()?;
    let first = stored(&folder)?
        .into_iter()
        .find(|id| *id > last)
        .context("new trades")?;
    ensure!(first > last, "{first} after {last}");
    Ok(())
}

#[test]
fn a_folder_without_a_flag_goes_on_with_its_venue() -> Result<()> {
    let folder = Folder::new()?;
    folder.run(["--seed", "9"])?.stop()?;
    let log = folder.run([])?.stop()?;
    ensure!(log.contains("sim:9"), "{log}");
    for other in [
        vec!["run", "--seed", "1"],
        vec!["run", "--exchange", "http://127.0.0.1:9"],
        vec!["run", "--exchange", "testnet", "--apps", "streamer"],
    ] {
        let refused = folder.refused(other, BAD_INPUT)?;
        ensure!(
            refused.contains("belongs to sim:9") && refused.contains("--data-dir"),
            "{refused}"
        );
    }
    Ok(())
}

#[test]
fn addresses_that_must_not_be_used_are_refused_in_one_line() -> Result<()> {
    let folder = Folder::new()?;
    for (address, words) in [
        ("https://api.binance.com", vec!["no orders on the live exchange"]),
        ("https://api1.binance.us:443", vec!["no orders on the live exchange"]),
        (
            "https://data-stream.binance.vision",
            vec!["no orders on the live exchange"],
        ),
        ("http://192.0.2.1:8080", vec!["http://192.0.2.1:8080", "unencrypted"]),
        ("https://192.0.2.1:8080", vec!["HEDGEHOG_API_KEY"]),
        (
            "http://me:pass-word@127.0.0.1:8080",
            vec!["--exchange", "HEDGEHOG_API_KEY"],
        ),
        (
            "http://127.0.0.1:8080/api",
            vec!["--exchange", "http://127.0.0.1:8080/api"],
        ),
        ("127.0.0.1:8080", vec!["--exchange", "http://127.0.0.1:8080"]),
        ("custom", vec!["exchange.rest"]),
        ("testnt", vec!["did you mean testnet?"]),
    ] {
        let refused = folder.refused(["run", "--exchange", address], BAD_INPUT)?;
        ensure!(words.iter().all(|word| refused.contains(word)), "{address}: {refused}");
        ensure!(!refused.contains("pass-word"), "{refused}");
    }
    ensure!(!folder.data().join("venue").exists(), "nothing was left behind");
    Ok(())
}

#[test]
fn a_file_or_a_variable_never_chooses_the_exchange() -> Result<()> {
    let folder = Folder::new()?;
    let mut command = folder.command(["run"])?;
    command.env("HEDGEHOG_EXCHANGE_REST", "http://127.0.0.1:9");
    let program = folder.spawn_command(command)?;
    program.says("Ctrl-C stops")?;
    let log = program.stop()?;
    ensure!(
        log.contains("on sim:1 at http://127.0.0.1:") && !log.contains("127.0.0.1:9,"),
        "{log}"
    );
    Ok(())
}
