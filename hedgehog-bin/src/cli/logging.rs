//! Log lines on stderr: plain words for people, or one JSON object a line.

use crate::config::LogFormat;
use indicatif::ProgressBar;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// Ours in plain words, of the others only what went wrong. `RUST_LOG` replaces it.
const DEFAULT_FILTER: &str = "warn,hedgehog=info,hedgehog_bin=info";

/// Installs the subscriber of this process. Lines and `bar` share the terminal without overwriting each other.
pub(super) fn init(format: LogFormat, bar: &ProgressBar) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::builder().parse_lossy(directives),
        _ => EnvFilter::new(DEFAULT_FILTER),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(BesideBar(bar.clone()));
    let installed = match format {
        LogFormat::Text => lines
            .with_ansi(io::stderr().is_terminal())
            .event_format(PlainWords)
            .try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
}

/// `22:58:01  BTCUSDT buy placed: …`; the level shows only when it is not the usual one.
struct PlainWords;

impl<S, N> FormatEvent<S, N> for PlainWords
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(out, "{}  ", chrono::Local::now().format("%H:%M:%S"))?;
        let target = event.metadata().target();
        match *event.metadata().level() {
            Level::INFO => {}
            Level::WARN => write!(out, "warning: ")?,
            Level::ERROR => write!(out, "error: ")?,
            level => write!(out, "{} {target}: ", level.as_str().to_lowercase())?,
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// Stderr, with the bar out of the way while a line is written.
///
/// Never fails: the subscriber would complain about it on stderr, and panic because that fails too. So a program goes on
/// whose reader has gone, as in `hedgehog run 2>&1 | head`.
#[derive(Clone)]
struct BesideBar(ProgressBar);

impl Write for BesideBar {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.0.suspend(|| io::stderr().write_all(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for BesideBar {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
