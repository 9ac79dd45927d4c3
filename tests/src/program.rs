//! The real binary in a folder of its own: started, asked, signalled, killed.

use crate::build::build;
use crate::tree::Tree;
use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The program, built on demand: never absent, never stale. Built once per test process.
pub fn binary() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let program = escargot::CargoBuild::new().package("hedgehog-bin").bin("hedgehog");
        build(program).map_err(|error| format!("{error:#}"))
    });
    built
        .as_deref()
        .map_err(|error| anyhow::anyhow!("the program: {error}"))
}

/// How long a condition may take that holds within a moment on a machine with nothing else to do.
pub const SOON: Duration = Duration::from_mins(1);

/// A data folder and whatever runs on it. Dropping it kills the program and removes the folder.
pub struct Folder {
    dir: tempfile::TempDir,
}

/// A running `hedgehog run`.
pub struct Program {
    child: Mutex<Child>,
    lines: Arc<Mutex<Vec<String>>>,
    /// They fill `lines`, and end with the program.
    readers: Mutex<Vec<JoinHandle<()>>>,
}

impl Folder {
    /// An empty place; the data folder inside it does not exist yet.
    pub fn new() -> Result<Self> {
        Ok(Self {
            dir: tempfile::Builder::new().prefix("hedgehog-test-").tempdir()?,
        })
    }

    /// The same on another disk than the one for temporary files.
    pub fn within(parent: &Path) -> Result<Self> {
        Ok(Self {
            dir: tempfile::Builder::new().prefix("hedgehog-test-").tempdir_in(parent)?,
        })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file beside the data folder, written for the test.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    /// A command line on this folder, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args(args)
            .arg("--data-dir")
            .arg(self.data())
            .current_dir(self.dir.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HEDGEHOG_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command line to its end.
    pub fn output<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output> {
        self.command(args)?.output().context("the program does not start")
    }

    /// Runs a command line that must succeed; returns what it printed.
    pub fn ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String> {
        let output = self.output(args)?;
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        ensure!(output.status.success(), "{}\n{out}\n{err}", output.status);
        Ok(out.into_owned())
    }

    /// Runs a command line with `--json` that must succeed; returns the document.
    pub fn json<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Value> {
        let printed = self.ok(args.into_iter().chain(["--json"]))?;
        serde_json::from_str(&printed).with_context(|| format!("not JSON: {printed}"))
    }

    /// Runs a command line that must fail with `code`; returns its one line of complaint.
    pub fn refused<'a>(&self, args: impl IntoIterator<Item = &'a str>, code: i32) -> Result<String> {
        let output = self.output(args)?;
        let err = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ensure!(
            output.status.code() == Some(code),
            "expected exit code {code}, got {}: {err}",
            output.status
        );
        ensure!(err.lines().count() == 1, "expected one line, got:\n{err}");
        Ok(err)
    }

    /// `hedgehog status --json` of a program that may have its troubles: `None` if there is no answer in time, or a refusal.
    pub fn status_within(&self, deadline: Duration) -> Result<Option<Value>> {
        let mut command = self.command(["status", "--json"])?;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut told = child.stdout.take().context("its output is a pipe")?;
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            // What cannot be read is no answer.
            let _ = told.read_to_string(&mut text);
            text
        });
        let ended = eventually("an answer", deadline, || Ok(child.try_wait()?));
        if ended.is_err() {
            child.kill()?;
            child.wait()?;
        }
        let text = reader.join().unwrap_or_default();
        Ok(if ended.is_ok_and(|status| status.success()) {
            serde_json::from_str(&text).ok()
        } else {
            None
        })
    }

    /// `hedgehog tree`.
    pub fn tree(&self) -> Result<Tree> {
        Tree::parse(self.json(["tree"])?)
    }

    /// What `hedgehog status` tells of one symbol or topic under `streaming`, `trading` or `storing`; `Null` for nothing.
    pub fn status(&self, activity: &str, name: &str) -> Result<Value> {
        let status = self.json(["status"])?;
        let entries = status[activity].as_array().cloned().unwrap_or_default();
        let named = |entry: &Value| [&entry["symbol"], &entry["topic"]].iter().any(|value| *value == name);
        Ok(entries.into_iter().find(named).unwrap_or_default())
    }

    /// Returns once a symbol's stream has received the trade with this id.
    pub fn received(&self, symbol: &str, trade_id: u64) -> Result<()> {
        eventually(&format!("trade {trade_id} is received"), SOON, || {
            let last = self.status("streaming", symbol)?["last_trade_id"].as_u64();
            Ok((last >= Some(trade_id)).then_some(()))
        })
    }

    /// Starts `hedgehog run ...` and returns once everything that was on runs, and what it was told to start.
    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Program> {
        let program = self.spawn(args)?;
        program.says("Ctrl-C stops")?;
        Ok(program)
    }

    /// Starts `hedgehog run ...` and returns at once.
    pub fn spawn<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Program> {
        self.spawn_command(self.command(std::iter::once("run").chain(args))?)
    }

    /// Starts a command line of [`command`](Self::command) that was changed, and returns at once.
    pub fn spawn_command(&self, mut command: Command) -> Result<Program> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            child.stdout.take().map(|out| Box::new(out) as Box<_>),
            child.stderr.take().map(|err| Box::new(err) as Box<_>),
        ];
        let read = |output| {
            let lines = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    lines.lock().push(line);
                }
            })
        };
        let readers = outputs.into_iter().flatten().map(read).collect();
        Ok(Program {
            child: Mutex::new(child),
            lines,
            readers: Mutex::new(readers),
        })
    }

    /// Reads one of the program's SQLite databases: `SELECT columns rest`, every value as text.
    pub fn select(&self, database: &str, columns: &[&str], rest: &str) -> Result<Vec<Vec<String>>> {
        crate::sqlite::select(&self.data().join(database), columns, rest)
    }
}

impl Program {
    /// Everything it has printed.
    pub fn log(&self) -> String {
        self.lines.lock().join("\n")
    }

    /// Waits for a line with these words in it, and returns the first one. The program must live until then.
    pub fn says(&self, words: &str) -> Result<String> {
        let said = eventually(words, SOON, || {
            // Looked at before the lines, so that its last words count.
            let ended = self.ended()?;
            match (self.lines.lock().iter().find(|line| line.contains(words)), ended) {
                (Some(line), _) => Ok(Some(line.clone())),
                (None, Some(status)) => bail!("the program ended ({status}) before it said {words:?}"),
                (None, None) => Ok(None),
            }
        });
        said.with_context(|| self.log())
    }

    /// Sends a signal by name: `TERM`, `INT`, `KILL`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.lock().id().to_string()])
            .status()?;
        ensure!(sent.success(), "kill -{name} failed");
        Ok(())
    }

    /// Sends a signal again and again until it ends.
    pub fn signalled_until_it_ends(&self, name: &str, deadline: Duration) -> Result<ExitStatus> {
        let ended = eventually("the program ends", deadline, || {
            let ended = self.ended()?;
            if ended.is_none() {
                self.signal(name)?;
            }
            Ok(ended)
        });
        ended.with_context(|| self.log())
    }

    /// The most memory that it has ever had resident, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.lock().id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.context("no VmHWM")?.trim().parse::<u64>()? * 1024)
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> Result<bool> {
        Ok(self.ended()?.is_some())
    }

    /// Waits for its end.
    pub fn wait(&self, deadline: Duration) -> Result<ExitStatus> {
        eventually("the program ends", deadline, || self.ended()).with_context(|| self.log())
    }

    /// How it has ended, if it has; then everything it printed is in the log.
    fn ended(&self) -> Result<Option<ExitStatus>> {
        let status = self.child.lock().try_wait()?;
        if status.is_some() {
            for reader in self.readers.lock().drain(..) {
                // A reader that panicked has reported that itself.
                let _ = reader.join();
            }
        }
        Ok(status)
    }

    /// SIGTERM, then an orderly end with exit code 0 within the ten seconds it promises.
    pub fn stop(self) -> Result<String> {
        self.signal("TERM")?;
        self.ends_well(Duration::from_secs(10))
    }

    /// Waits for its end with exit code 0; returns everything it has printed.
    pub fn ends_well(self, deadline: Duration) -> Result<String> {
        let status = self.wait(deadline)?;
        ensure!(status.success(), "{status}\n{}", self.log());
        ensure!(!self.log().contains("panicked"), "a panic in the log:\n{}", self.log());
        Ok(self.log())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Asks until the answer is there; an error or the deadline ends it.
pub fn eventually<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() > end {
            bail!("not within {deadline:?}: {what}");
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
