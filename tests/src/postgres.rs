//! A PostgreSQL server of the tests' own, made from the installed binaries and gone with them.
//!
//! A test target holds one [`Postgres`] and takes a fresh database from it for each test, or a [`Server`] of its own where it
//! means to stop it. Invariant: the server and its folder do not outlive the process that made them, however that ends; a
//! shell at the other end of a pipe sees to it.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const USER: &str = "hedgehog";

/// Checked by the server, and so a secret as far as the program can know: it must not appear in anything it prints.
pub const PASSWORD: &str = "correct-horse";

/// The server's life: made, started, waiting for the end of its standard input, taken away.
///
/// The parent's death closes the pipe, so that this needs no signal and no destructor to run; `trap`, because a parent
/// that died meanwhile does not hear "ready". `password` instead of `scram-sha-256`: the password is checked all the
/// same, without thousands of hashes per connection in a debug build.
///
/// What was committed outlives the server's end, as it does with its defaults: `synchronous_commit` stays on, and without
/// `fsync` it costs nothing. The log's segments are small, so that a small disk holds it all. A server that a test has
/// suspended hears nothing until it goes on.
const LIFE: &str = r#"
trap '' PIPE
if "$1/initdb" -D data -U "$2" -A password --pwfile=password -E UTF8 --locale=C --no-sync --wal-segsize=1 > log 2>&1 &&
    cat settings >> data/postgresql.conf &&
    "$1/pg_ctl" -D data -l server.log -w start >> log 2>&1
then
    echo ready
    cat > /dev/null
else
    cat log server.log 2> /dev/null
fi
kill -CONT "$(head -n 1 data/postmaster.pid)" > /dev/null 2>&1
"$1/pg_ctl" -D data -m immediate stop > /dev/null 2>&1
cd / && rm -rf "$3"
"#;

const SETTINGS: &str = "\
listen_addresses = ''
unix_socket_directories = 'FOLDER'
max_connections = 200
shared_buffers = 16MB
fsync = off
full_page_writes = off
autovacuum = off
min_wal_size = 2MB
max_wal_size = 8MB
";

/// Between the columns of an answer.
const SEPARATOR: &str = "\u{1f}";

/// The installed PostgreSQL, and the server that runs from it once somebody has asked for a database.
pub struct Postgres {
    binaries: PathBuf,
    server: OnceLock<Result<Server, String>>,
}

impl Postgres {
    /// Looks for the binaries, or tells why a test that needs them must report *ignored*. Starts nothing.
    pub fn installed() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut debian: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
        debian.sort();
        let mut folders = debian.into_iter().rev().chain(std::env::split_paths(&path));
        let binaries = folders.find(|folder| {
            ["initdb", "pg_ctl", "createdb", "psql"]
                .iter()
                .all(|name| folder.join(name).is_file())
        });
        Ok(Self {
            binaries: binaries.ok_or("PostgreSQL is not installed (neither in PATH nor in /usr/lib/postgresql)")?,
            server: OnceLock::new(),
        })
    }

    /// The URL, password included, of a new empty database.
    pub fn database(&self) -> Result<String> {
        let server = self
            .server
            .get_or_init(|| self.server(&std::env::temp_dir()).map_err(|error| format!("{error:#}")));
        let server = server.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(server.url(&server.database()?))
    }

    /// A server that nobody else uses, with all that it writes below `parent`.
    pub fn server(&self, parent: &Path) -> Result<Server> {
        Server::start_in(parent, &self.binaries)
    }
}

/// A running server, or one that a test has stopped.
pub struct Server {
    shell: Child,
    folder: tempfile::TempDir,
    binaries: PathBuf,
    user: Option<(u32, u32)>,
    databases: AtomicU32,
}

impl Server {
    fn start_in(parent: &Path, binaries: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hedgehog-pg-").tempdir_in(parent)?;
        std::fs::write(folder.path().join("password"), PASSWORD)?;
        let settings = SETTINGS.replace("FOLDER", &folder.path().display().to_string());
        std::fs::write(folder.path().join("settings"), settings)?;
        // The folder is ours: if its owner is root, so are we, and a server that runs as root refuses to.
        let user = (folder.path().metadata()?.uid() == 0).then(unprivileged).transpose()?;
        if let Some((user, group)) = user {
            for path in ["", "password", "settings"] {
                chown(folder.path().join(path), Some(user), Some(group))?;
            }
        }
        let mut life = as_user(command("sh"), user);
        life.args(["-c", LIFE, "sh"])
            .args([binaries.as_os_str(), USER.as_ref(), folder.path().as_os_str()]);
        life.current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Ctrl-C is for the tests; their end is what the shell waits for.
        life.process_group(0);
        let mut shell = life.spawn().context("sh")?;
        let mut told = BufReader::new(shell.stdout.take().context("its output is a pipe")?);
        let mut first = String::new();
        told.read_line(&mut first)?;
        let mut server = Self {
            shell,
            folder,
            binaries: binaries.to_owned(),
            user,
            databases: AtomicU32::new(0),
        };
        if first.trim() != "ready" {
            told.read_to_string(&mut first)?;
            server.end();
            anyhow::bail!("no PostgreSQL server from {}: {first}", binaries.display());
        }
        Ok(server)
    }

    /// Makes a new empty database and returns its name.
    pub fn database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = self.client("createdb").args(["-T", "template0", &name]).output()?;
        ensure!(
            made.status.success(),
            "createdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(name)
    }

    /// The URL of a database, password included.
    pub fn url(&self, database: &str) -> String {
        let folder = percent_encoded(&self.folder.path().display().to_string());
        format!("postgres://{USER}:{PASSWORD}@{folder}/{database}")
    }

    /// The rows of a query, each value as text; `NULL` is an empty text.
    pub fn select(&self, database: &str, query: &str) -> Result<Vec<Vec<String>>> {
        let answer = self
            .client("psql")
            .args(["-X", "-At", "-F", SEPARATOR, "-d", database, "-c", query])
            .output()?;
        ensure!(
            answer.status.success(),
            "{query}: {}",
            String::from_utf8_lossy(&answer.stderr)
        );
        let text = String::from_utf8(answer.stdout)?;
        Ok(text
            .lines()
            .map(|line| line.split(SEPARATOR).map(str::to_owned).collect())
            .collect())
    }

    /// Runs a statement in a transaction that stays open until what is returned is dropped.
    pub fn hold(&self, database: &str, statement: &str) -> Result<Held> {
        let mut psql = self.client("psql");
        psql.args(["-X", "-At", "-v", "ON_ERROR_STOP=1", "-d", database]);
        let mut session = Held(psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let input = session.0.stdin.as_mut().context("its input is a pipe")?;
        writeln!(input, "BEGIN; {statement}; SELECT 'held';")?;
        let mut told = BufReader::new(session.0.stdout.take().context("its output is a pipe")?);
        let mut line = String::new();
        while line.trim() != "held" {
            line.clear();
            ensure!(told.read_line(&mut line)? > 0, "psql ended: {statement}");
        }
        Ok(session)
    }

    /// Ends it, connections and all: `fast` tells its clients, `immediate` does not.
    pub fn stop(&self, mode: &str) -> Result<()> {
        self.control(&["-m", mode, "-w", "stop"])
    }

    /// Starts it again after [`stop`](Self::stop), or after it ended by itself.
    pub fn start(&self) -> Result<()> {
        self.control(&["-l", "server.log", "-w", "start"])
    }

    /// Whether it takes connections.
    pub fn answers(&self) -> bool {
        self.select("template1", "SELECT 1").is_ok()
    }

    /// Suspends it with all its processes: connections stand and nothing answers. [`resume`](Self::resume) is its way back.
    pub fn suspend(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on after [`suspend`](Self::suspend).
    pub fn resume(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let file = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"))?;
        let postmaster: u32 = file.lines().next().unwrap_or_default().trim().parse()?;
        let send = |process: u32| {
            let mut kill = Command::new("kill");
            kill.args([signal, &process.to_string()]).stderr(Stdio::null()).status()
        };
        // First, because it makes no more of them while it is stopped.
        ensure!(send(postmaster)?.success(), "kill {signal} {postmaster} failed");
        for child in children(postmaster)? {
            // One that has ended meanwhile needs no signal.
            send(child)?;
        }
        Ok(())
    }

    fn control(&self, args: &[&str]) -> Result<()> {
        let mut control = as_user(command(self.binaries.join("pg_ctl")), self.user);
        control.args(["-D", "data"]).args(args);
        control.current_dir(self.folder.path()).process_group(0);
        let done = control.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(done.success(), "pg_ctl {}: {done}", args.join(" "));
        Ok(())
    }

    fn client(&self, program: &str) -> Command {
        let mut client = command(self.binaries.join(program));
        client.env("PGPASSWORD", PASSWORD).args(["-U", USER, "-h"]);
        client.arg(self.folder.path()).stdin(Stdio::null());
        client
    }

    fn end(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing to do about a shell that is gone already.
        let _ = self.shell.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A transaction that somebody keeps open.
pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // Its server takes the transaction back when the connection ends.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The processes that one has started, as the system lists them.
fn children(parent: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended meanwhile has no file.
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        if fields.split_whitespace().nth(1) == Some(&parent.to_string()) {
            children.push(process);
        }
    }
    Ok(children)
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// A command that none of the caller's own PostgreSQL settings reaches.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
    command
}

/// User and group of somebody who is not root.
fn unprivileged() -> Result<(u32, u32)> {
    let id = |option, user| -> Option<u32> {
        let told = Command::new("id").args([option, user]).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    ["postgres", "nobody"]
        .iter()
        .find_map(|user| Some((id("-u", user)?, id("-g", user)?)))
        .context("neither a user postgres nor a user nobody to run the server as")
}

fn percent_encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
