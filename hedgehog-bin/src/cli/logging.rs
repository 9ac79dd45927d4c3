//! Log lines on stderr: plain words for people, or one JSON object a line.

use crate::config::LogFormat;
use indicatif::ProgressBar;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Ours in plain words, of the others only what went wrong. `RUST_LOG` replaces it.
const DEFAULT_FILTER: &str = "warn,hedgehog=info,hedgehog_bin=info";

/// Installs the subscriber of this process. Lines and `bar` share the terminal without overwriting each other.
pub(super) fn init(format: LogFormat, bar: &ProgressBar) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::builder().parse_lossy(directives),
        _ => EnvFilter::new(DEFAULT_FILTER),
    };
    let filter = filter.and(without_frames());
    let lines = tracing_subscriber::fmt::layer().with_writer(BesideBar(bar.clone()));
    let installed = match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(io::stderr().is_terminal()).event_format(PlainWords);
            tracing_subscriber::registry()
                .with(lines.with_filter(filter))
                .try_init()
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            tracing_subscriber::registry()
                .with(lines.with_filter(filter))
                .try_init()
        }
    };
    installed.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
}

/// At its finest level tungstenite prints every frame, and one of them carries the API key: no filter may ask for that.
fn without_frames() -> FilterFn {
    let told =
        |metadata: &Metadata<'_>| *metadata.level() != Level::TRACE || !metadata.target().starts_with("tungstenite");
    // Without the hint every event of every frame would be asked about, whatever the other filter says.
    filter_fn(told as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::TRACE)
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

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_the_filter_passes_over_costs_nothing() {
        use tracing_subscriber::layer::Filter;
        let filter = EnvFilter::new(DEFAULT_FILTER).and(without_frames());
        let hint = Filter::<tracing_subscriber::Registry>::max_level_hint(&filter);
        assert_eq!(hint, Some(LevelFilter::INFO));
    }

    #[test]
    fn no_filter_makes_the_frames_of_a_web_socket_visible() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let filter = EnvFilter::new("trace,tungstenite=trace").and(without_frames());
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "tungstenite::protocol", "Sending frame: the key");
            tracing::debug!(target: "tungstenite::protocol", "a close frame");
            tracing::trace!(target: "hyper", "a request");
        });
        let told = String::from_utf8(lines.0.lock().clone()).expect("text");
        assert!(told.contains("a close frame") && told.contains("a request"), "{told}");
        assert!(!told.contains("the key"), "{told}");
    }
}
