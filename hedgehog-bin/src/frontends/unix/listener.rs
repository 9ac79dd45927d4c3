//! The control socket, which outlives every incarnation of the process that serves it.

use crate::data_dir::Lock;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// A bound socket; its file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Binds the socket of a folder that we hold: a file that lies there already was left by a program that is gone.
    pub(super) fn bind(lock: &Lock) -> io::Result<Self> {
        let path = lock.folder().socket();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(&path)?;
        // Who may connect may kill processes and trade.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path })
    }

    /// The same socket for one incarnation of the server: connections that wait at a kill are served by the next one.
    pub(super) fn incarnation(&self) -> io::Result<tokio::net::UnixListener> {
        tokio::net::UnixListener::from_std(self.socket.try_clone()?)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A file that is left over is removed by the next program.
        let _ = std::fs::remove_file(&self.path);
    }
}
