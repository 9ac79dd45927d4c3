//! Log lines on stderr: plain words for people, or one JSON object a line.

mod directives;

use super::output::complain;
use crate::config::LogFormat;
use indicatif::ProgressBar;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Installs the subscriber of this process. Lines and `bar` share the terminal without overwriting each other.
pub(super) fn init(format: LogFormat, bar: &ProgressBar) -> anyhow::Result<()> {
    let directives = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, doubts) = directives::read(&directives)?;
    let filter = filter.and(without_frames());
    let is_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(BesideBar(bar.clone()));
    let installed = match format {
        LogFormat::Text => {
            let words = PlainWords {
                stamp: if is_terminal { TIME } else { DATE_AND_TIME },
            };
            let lines = lines.with_ansi(is_terminal).event_format(words);
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
    installed.map_err(|error| anyhow::anyhow!("cannot log: {error}"))?;
    // Not through the log: the filter in question may leave nothing of it.
    for doubt in doubts {
        match format {
            LogFormat::Text => complain(&format!("warning: {doubt}")),
            LogFormat::Json => complain(&serde_json::json!({ "level": "WARN", "message": doubt }).to_string()),
        }
    }
    Ok(())
}

/// At its finest level tungstenite prints every frame, and one of them carries the API key: no filter may ask for that.
fn without_frames() -> FilterFn {
    let told =
        |metadata: &Metadata<'_>| *metadata.level() != Level::TRACE || !metadata.target().starts_with("tungstenite");
    // Without the hint every event of every frame would be asked about, whatever the other filter says.
    filter_fn(told as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::TRACE)
}

/// Who watches a terminal knows the day.
const TIME: &str = "%H:%M:%S";
/// A file is read a week later.
const DATE_AND_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// `22:58:01  BTCUSDT buy placed: …`; the level shows only when it is not the usual one.
struct PlainWords {
    stamp: &'static str,
}

impl<S, N> FormatEvent<S, N> for PlainWords
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(out, "{}  ", chrono::Local::now().format(self.stamp))?;
        let target = event.metadata().target();
        match *event.metadata().level() {
            Level::INFO => {}
            Level::WARN => write!(out, "warning: ")?,
            Level::ERROR => write!(out, "error: ")?,
            level => write!(out, "{} {target}: ", level.as_str().to_lowercase())?,
        }
        if is_ours(target) {
            let mut message = MessageAlone {
                out: out.by_ref(),
                written: Ok(()),
            };
            event.record(&mut message);
            message.written?;
        } else {
            context.field_format().format_fields(out.by_ref(), event)?;
        }
        writeln!(out)
    }
}

/// Our own messages are sentences that say already what their fields hold for programs.
fn is_ours(target: &str) -> bool {
    target
        .split("::")
        .next()
        .is_some_and(|name| name == "hedgehog_bin" || name == "hedgehog")
}

struct MessageAlone<'a> {
    out: Writer<'a>,
    written: fmt::Result,
}

impl Visit for MessageAlone<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" && self.written.is_ok() {
            self.written = write!(self.out, "{value:?}");
        }
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
    use tracing_subscriber::EnvFilter;

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
        let filter = EnvFilter::new(directives::DEFAULT).and(without_frames());
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

    fn told(stamp: &'static str, tell: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(layer.event_format(PlainWords { stamp }));
        tracing::subscriber::with_default(subscriber, tell);
        String::from_utf8(lines.0.lock().clone()).expect("text")
    }

    #[test]
    fn our_sentences_stand_alone_and_what_others_say_keeps_its_fields() {
        let lines = told("now", || {
            tracing::info!(target: "hedgehog_bin::naive::trader", symbol = "BTCUSDT", price = "1.5", "BTCUSDT buy placed: 2 at 1.5");
            tracing::error!(target: "hedgehog_core::supervisor", child = "Streams", "child exited abnormally");
            tracing::warn!(target: "hyper", status = 500, "odd");
        });
        let expected = "now  BTCUSDT buy placed: 2 at 1.5\nnow  error: child exited abnormally child=\"Streams\"\n\
                        now  warning: odd status=500\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_line_that_is_kept_has_its_date() {
        let line = told(DATE_AND_TIME, || tracing::info!(target: "hedgehog_bin", "kept"));
        let stamp = line.strip_suffix("  kept\n").expect(&line);
        chrono::NaiveDateTime::parse_from_str(stamp, DATE_AND_TIME).expect(stamp);
    }
}
