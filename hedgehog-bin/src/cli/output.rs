//! What a command prints and complains of, and how wide its terminal is.

use anyhow::Context as _;
use std::io::{self, Write};
use terminal_size::{Height, Width, terminal_size_of};

/// Prints an answer. A reader who has gone has read what it wanted (`hedgehog tree | head -1`); an answer that nobody can
/// read for another reason has not been given.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    draw(&format!("{text}\n")).map(drop)
}

/// Prints a part of what goes on; false when nobody reads any more.
pub(super) fn draw(text: &str) -> anyhow::Result<bool> {
    write(&mut io::stdout().lock(), text)
}

/// To stderr, and not by `eprintln!`, which panics when the reader has gone; the exit code tells those who do not read.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn write(out: &mut impl Write, text: &str) -> anyhow::Result<bool> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("the answer could not be written"),
    }
}

/// The columns of the terminal that this process is used from, be its output piped through a pager; `None` without one.
/// `COLUMNS` wins, as everywhere.
pub(super) fn width() -> Option<u16> {
    let asked = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.trim().parse().ok());
    asked.filter(|columns| *columns > 0).or_else(|| {
        let found = terminal_size_of(io::stdout()).or_else(|| terminal_size_of(io::stderr()));
        found.map(|(Width(columns), _)| columns).filter(|columns| *columns > 0)
    })
}

/// The lines of the terminal that is printed to; `None` where it is none, and anything may be as long as it is.
pub(super) fn height() -> Option<usize> {
    terminal_size_of(io::stdout()).map(|(_, Height(lines))| usize::from(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(io::ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_has_gone_is_no_failure_and_a_full_disk_is_one() {
        let read = write(&mut Refusing(io::ErrorKind::BrokenPipe), "text").expect("it was read enough");
        assert!(!read);
        let refused = write(&mut Refusing(io::ErrorKind::StorageFull), "text").expect_err("nobody has it");
        assert!(
            format!("{refused:#}").starts_with("the answer could not be written: "),
            "{refused:#}"
        );
    }
}
