//! A PostgreSQL server of the tests' own, made from the installed binaries and gone with them.
//!
//! A test target holds one [`Postgres`] and takes a fresh database from it for each test. Invariant: the server and its
//! folder do not outlive the process that made them, however that ends; a shell at the other end of a pipe sees to it.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
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
const LIFE: &str = r#"
trap '' PIPE
options="-c listen_addresses='' -c unix_socket_directories='$PWD' -c max_connections=200 -c shared_buffers=16MB"
options="$options -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"
if "$1/initdb" -D data -U "$2" -A password --pwfile=password -E UTF8 --locale=C --no-sync > log 2>&1 &&
    "$1/pg_ctl" -D data -l server.log -o "$options" -w start >> log 2>&1
then
    echo ready
    cat > /dev/null
else
    cat log server.log 2> /dev/null
fi
"$1/pg_ctl" -D data -m immediate stop > /dev/null 2>&1
cd / && rm -rf "$3"
"#;

/// The installed PostgreSQL, and the server that runs from it once somebody has asked for a database.
pub struct Postgres {
    binaries: PathBuf,
    server: OnceLock<Result<Server, String>>,
    databases: AtomicU32,
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
            ["initdb", "pg_ctl", "createdb"]
                .iter()
                .all(|name| folder.join(name).is_file())
        });
        Ok(Self {
            binaries: binaries.ok_or("PostgreSQL is not installed (neither in PATH nor in /usr/lib/postgresql)")?,
            server: OnceLock::new(),
            databases: AtomicU32::new(0),
        })
    }

    /// The URL, password included, of a new empty database.
    pub fn database(&self) -> Result<String> {
        let server = self
            .server
            .get_or_init(|| Server::start(&self.binaries).map_err(|error| format!("{error:#}")));
        let server = server.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = command(self.binaries.join("createdb"))
            .env("PGPASSWORD", PASSWORD)
            .args(["-U", USER, "-T", "template0", "-h"])
            .args([server.folder.path().as_os_str(), name.as_ref()])
            .output()?;
        ensure!(
            made.status.success(),
            "createdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let folder = percent_encoded(&server.folder.path().display().to_string());
        Ok(format!("postgres://{USER}:{PASSWORD}@{folder}/{name}"))
    }
}

struct Server {
    shell: Child,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(binaries: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hedgehog-pg-").tempdir()?;
        std::fs::write(folder.path().join("password"), PASSWORD)?;
        let mut life = command("sh");
        life.args(["-c", LIFE, "sh"])
            .args([binaries.as_os_str(), USER.as_ref(), folder.path().as_os_str()]);
        life.current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Ctrl-C is for the tests; their end is what the shell waits for.
        life.process_group(0);
        // The folder is ours: if its owner is root, so are we, and a server that runs as root refuses to.
        if folder.path().metadata()?.uid() == 0 {
            let (user, group) = unprivileged()?;
            for path in [folder.path(), &folder.path().join("password")] {
                chown(path, Some(user), Some(group))?;
            }
            life.uid(user).gid(group);
        }
        let mut shell = life.spawn().context("sh")?;
        let mut told = BufReader::new(shell.stdout.take().context("its output is a pipe")?);
        let mut first = String::new();
        told.read_line(&mut first)?;
        let mut server = Self { shell, folder };
        if first.trim() != "ready" {
            told.read_to_string(&mut first)?;
            server.stop();
            anyhow::bail!("no PostgreSQL server from {}: {first}", binaries.display());
        }
        Ok(server)
    }

    fn stop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing to do about a shell that is gone already.
        let _ = self.shell.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
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
