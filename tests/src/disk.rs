//! A small disk of a test's own, to be filled.
//!
//! It is a file system in memory, which only somebody with the right to mount can have. Invariant: it is gone with the process
//! that made it, however that ends; a shell at the other end of a pipe sees to it.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Mounted, until the end of its standard input.
const LIFE: &str = r#"
trap '' PIPE
mount -t tmpfs -o "size=$2,mode=755" tmpfs "$1" || exit 1
echo ready
cat > /dev/null
umount -l "$1"
"#;

/// A mounted file system with a limit.
pub struct Disk {
    shell: Child,
    folder: tempfile::TempDir,
}

impl Disk {
    /// Whether there can be one, or why a test that needs it must report *ignored*.
    pub fn available() -> Result<(), String> {
        let tried = Self::new(1 << 20);
        tried.map(drop).map_err(|error| format!("no small disk: {error:#}"))
    }

    /// An empty one with room for so many bytes.
    pub fn new(bytes: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hedgehog-disk-").tempdir()?;
        let mut life = Command::new("sh");
        life.args(["-c", LIFE, "sh"]).arg(folder.path()).arg(bytes.to_string());
        life.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C is for the tests; their end is what the shell waits for.
        life.process_group(0);
        let mut shell = life.spawn().context("sh")?;
        let mut told = String::new();
        BufReader::new(shell.stdout.take().context("its output is a pipe")?).read_line(&mut told)?;
        let disk = Self { shell, folder };
        ensure!(told.trim() == "ready", "a file system in memory cannot be mounted here");
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes until nothing more goes in.
    pub fn fill(&self) -> Result<()> {
        let mut ballast = File::options().append(true).create(true).open(self.ballast())?;
        for size in [1 << 16, 1 << 12, 1] {
            let piece = vec![0_u8; size];
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Takes back what [`fill`](Self::fill) wrote.
    pub fn free(&self) -> Result<()> {
        match std::fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing to do about a shell that is gone already.
        let _ = self.shell.wait();
    }
}
