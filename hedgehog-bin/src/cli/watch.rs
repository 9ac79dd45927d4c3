//! `hedgehog status --watch`: the status, drawn again each second, for as long as somebody looks.

use super::output;
use super::render::{self, View};
use crate::app::Operation;
use crate::data_dir::DataDir;
use crate::exit_code;
use crate::failure::Failure;
use crate::frontends::unix::{self, Response};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const EVERY: Duration = Duration::from_secs(1);
/// To the first cell, and nothing below: what was there is drawn over, without the flicker of an empty screen.
const TOP: &str = "\u{1b}[H";
const TO_LINE_END: &str = "\u{1b}[K";
const BELOW: &str = "\u{1b}[J";

/// Ends with Ctrl-C, and when nobody reads any more. A program that ends is waited for: it may come back.
pub(super) fn watch(folder: &DataDir, view: View) -> anyhow::Result<Option<Failure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let watched = runtime.block_on(async {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            ended = draw(folder, view) => ended,
        }
    });
    // A question that is still open is of no use to anybody.
    runtime.shutdown_background();
    watched.map(|()| None)
}

async fn draw(folder: &DataDir, view: View) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // The window may have been made wider.
        let view = View {
            width: output::width(),
            ..view
        };
        let asked = folder.clone();
        let answered = tokio::task::spawn_blocking(move || unix::call(&asked, &Operation::Status)).await?;
        let page = match answered {
            Ok(Response {
                answer: Some(answer), ..
            }) => render::text(&answer, view),
            Ok(Response { failure, .. }) => failure.map(|failure| failure.message).unwrap_or_default(),
            Err(error) => format!(
                "{}\n\nwaiting for it to come back, Ctrl-C ends this",
                exit_code::failure(&error).message
            ),
        };
        if !output::draw(&frame(&page, output::height()))? {
            return Ok(());
        }
    }
}

/// Over the page before on a terminal of so many lines, which shows what fits; elsewhere below it.
fn frame(page: &str, height: Option<usize>) -> String {
    let lines: Vec<_> = page.trim_end().lines().collect();
    let Some(height) = height else {
        return format!("{}\n\n", lines.join("\n"));
    };
    // The last line stays empty: a line end on it would move everything up.
    let room = height.saturating_sub(1).max(1);
    let (shown, more) = if lines.len() > room {
        let shown = &lines[..room - 1];
        (shown, vec![format!("… {} more lines", lines.len() - shown.len())])
    } else {
        (lines.as_slice(), Vec::new())
    };
    let drawn = shown.iter().copied().chain(more.iter().map(String::as_str));
    let drawn: Vec<_> = drawn.map(|line| format!("{line}{TO_LINE_END}\n")).collect();
    format!("{TOP}{}{BELOW}", drawn.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_covers_the_one_before_it_and_stays_on_the_screen() {
        assert_eq!(frame("a\nb\n", Some(24)), "\u{1b}[Ha\u{1b}[K\nb\u{1b}[K\n\u{1b}[J");
        assert_eq!(
            frame("a\nb\nc", Some(3)),
            "\u{1b}[Ha\u{1b}[K\n… 2 more lines\u{1b}[K\n\u{1b}[J"
        );
        assert_eq!(frame("a\nb\n", None), "a\nb\n\n");
    }
}
