//! Every example says what it shows, and ends by itself and in good order.
//!
//! A row of [`EXAMPLES`] is an example and lines of its output that do not depend on the machine, in their order.

use anyhow::{Context as _, Result, bail, ensure};
use escargot::CargoBuild;
use hedgehog_tests::build::build;
use libtest_mimic::{Arguments, Trial};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

const EXAMPLES: [(&str, &[&str]); 9] = [
    (
        "quickstart",
        &[
            "counts 15",
            "crashes: error: out of fingers",
            "took its place and counts 10",
            "the supervisor stops: shutdown",
        ],
    ),
    (
        "tracker",
        &[
            "1. a process is started for id 7",
            "2. it is registered under its id; a second start is refused: the name transactions/7 is already registered",
            "3. it is attached to the supervisor:",
            "tracker named transactions/7",
            "4. tracker 7 with 1 confirmation crashes (error: lost the connection) and is restarted",
            "5. lookup finds the current process",
            "id 7, 0 confirmations",
            "6. it finishes (normal) and is gone from the registry: None",
            "7. what start returned and what lookup finds is the same process: true",
            "stopped (shutdown); still registered: 0",
        ],
    ),
    (
        "rest_for_one",
        &[
            "boot, in this order: registry, streams, autostart",
            "autostart: btc, eth",
            "stream btc starts",
            "stream eth starts",
            "a stream is killed",
            "stream eth starts",
            "root/streams is killed",
            "autostart: btc, eth",
            "root/registry is killed",
            "autostart: btc, eth",
            "stream eth starts",
        ],
    ),
    (
        "registry_pubsub",
        &[
            r#"who reads all got ["home team wins", "light wind", "storm at noon"]"#,
            r#"who reads what is urgent got ["storm at noon"]"#,
            "readers of weather: 2",
            "one stops; readers of weather: 1",
        ],
    ),
    (
        "task_streams",
        &[
            "in the order of the items: [200, 100, 150, 50]",
            "page 2",
            "the task ended without a value: panic: no page 3",
            "page 4",
            "page 60000 took longer than 500ms",
            "page 6",
            "the stream is dropped, and no task is left",
        ],
    ),
    (
        "partition_pool",
        &["partition 0: user 0, user 4", "partition 3: user 3, user 7"],
    ),
    (
        "embedding",
        &[
            "the parser fails: error: invalid digit",
            "parsed 1",
            "parsed 2",
            "parsed 4",
            "lines parsed since the restart: 1",
            "stopped with the program: shutdown",
        ],
    ),
    (
        "watching_the_tree",
        &[
            "exited: error: it was only looked at",
            "restarted, restarts: 1",
            "1 restarts, the last one after: error: it was only looked at",
            r#""path": "shop/counters/vase""#,
            "digraph tree {",
            "terminated: shutdown",
            "problems among it: 0",
        ],
    ),
    (
        "agent",
        &[
            "apples: Some(3)",
            "set to 7, before it was Some(3)",
            "plums: the actor ended before it replied",
            r#"a new agent: {"apples": 3}"#,
        ],
    ),
];

/// How long an example may take that needs a second with nothing else to do.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() -> ExitCode {
    let runs = EXAMPLES.map(|(name, lines)| trial(name, move || runs(name, lines)));
    let rules = trial("all_are_known_and_short_and_begin_with_what_is_learned", keep_the_rules);
    let trials = runs.into_iter().chain([rules]).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| format!("{error:#}").into()))
}

#[tokio::main(flavor = "current_thread")]
async fn runs(name: &str, lines: &[&str]) -> Result<()> {
    let example = build(CargoBuild::new().example(name))?;
    let run = Command::new(example).kill_on_drop(true).output();
    let output = timeout(PATIENCE, run).await.context("it does not end")??;
    let (said, complained) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{}\n{said}{complained}", output.status);
    let mut rest = &*said;
    for line in lines {
        let Some((_, after)) = rest.split_once(line) else {
            bail!("it does not say {line:?}, or not in this order:\n{said}{complained}");
        };
        rest = after;
    }
    Ok(())
}

fn keep_the_rules() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/examples");
    for entry in fs::read_dir(&folder).context("the folder of the examples")? {
        let path = entry?.path();
        let name = path.file_stem().and_then(OsStr::to_str).context("a name")?;
        ensure!(
            EXAMPLES.iter().any(|(known, _)| *known == name),
            "{name} is not run here"
        );
        let text = fs::read_to_string(&path)?;
        ensure!(
            text.starts_with("//! You learn "),
            "{name} does not begin with what is learned"
        );
        ensure!(text.lines().count() < 120, "{name} is longer than a reader's patience");
    }
    Ok(())
}
