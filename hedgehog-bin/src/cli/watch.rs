//! `hedgehog status --watch`: the status, drawn again each second, for as long as somebody looks.

use super::output;
use crate::control::{self, Request, Response, View};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use std::io::{self, IsTerminal};
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
    let is_terminal = io::stdout().is_terminal();
    loop {
        ticks.tick().await;
        // The window may have been made wider.
        let view = View {
            width: output::width(),
            ..view
        };
        let (asked, request) = (folder.clone(), Request::Status(view));
        let answered = tokio::task::spawn_blocking(move || control::call(&asked, &request)).await?;
        let page = match answered {
            Ok(Response {
                answer: Some(answer), ..
            }) => answer.text,
            Ok(Response { failure, .. }) => failure.map(|failure| failure.message).unwrap_or_default(),
            Err(error) => format!(
                "{}\n\nwaiting for it to come back, Ctrl-C ends this",
                Failure::from(&anyhow::Error::from(error)).message
            ),
        };
        if !output::draw(&frame(&page, is_terminal))? {
            return Ok(());
        }
    }
}

/// Over the page before on a terminal, below it elsewhere.
fn frame(page: &str, is_terminal: bool) -> String {
    if !is_terminal {
        return format!("{}\n\n", page.trim_end());
    }
    let lines: Vec<_> = page
        .trim_end()
        .lines()
        .map(|line| format!("{line}{TO_LINE_END}\n"))
        .collect();
    format!("{TOP}{}{BELOW}", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_covers_the_one_before_it() {
        assert_eq!(frame("a\nb\n", true), "\u{1b}[Ha\u{1b}[K\nb\u{1b}[K\n\u{1b}[J");
        assert_eq!(frame("a\nb\n", false), "a\nb\n\n");
    }
}
