//! You learn to run a function over many items, several at a time, and what becomes of items that fail or take too long.
//!
//! `cargo run --example task_streams`

use std::{num::NonZeroUsize, time::Duration};

use anyhow::Context;
use hedgehog_core::{DynamicSupervisor, ExitReason, OnTimeout, Task, TaskError, TaskSupervisor};
use tokio::time::{Instant, sleep};

/// Page `n` takes `n` milliseconds, and there is no page 3.
async fn fetch(n: u64) -> u64 {
    sleep(Duration::from_millis(n)).await;
    assert!(n != 3, "no page 3");
    n
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The panic below is on purpose; this keeps its backtrace from the terminal.
    std::panic::set_hook(Box::new(|_| ()));
    let four = NonZeroUsize::new(4).context("not zero")?;

    let begin = Instant::now();
    let pages: Vec<u64> = Task::async_stream([200, 100, 150, 50], fetch)
        .max_concurrency(four)
        .try_collect()
        .await?;
    let faster = begin.elapsed() < Duration::from_millis(500);
    println!("in the order of the items: {pages:?}; faster than one after the other: {faster}");

    let stream = Task::async_stream([200, 100, 150, 50], fetch).max_concurrency(four);
    let pages: Vec<u64> = stream.unordered().try_collect().await?;
    println!("as they come: {pages:?}");

    // An item that fails is an error among the results, and the stream goes on.
    let mut pages = Task::async_stream([1, 2, 3, 4], fetch).run();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => println!("  page {page}"),
            Err(error) => println!("  {error}"),
        }
    }

    // A late one ends the stream, unless it is told to kill the task and go on.
    let mut pages = Task::async_stream([5, 60_000, 6], fetch)
        .max_concurrency(four)
        .timeout(Duration::from_millis(500))
        .on_timeout(OnTimeout::KillTask)
        .zip_input_on_exit()
        .run();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => println!("  page {page}"),
            Err((input, TaskError::Timeout(limit))) => println!("  page {input} took longer than {limit:?}"),
            Err((input, error)) => println!("  page {input}: {error}"),
        }
    }

    // In a tree the tasks are children of a supervisor. Items are taken from the input as there is room for their tasks, so it
    // may be endless; whoever has enough drops the stream, and the tasks that still run are killed.
    let tasks = TaskSupervisor::from(DynamicSupervisor::new().start().await?);
    let mut pages = tasks
        .async_stream((1..).map(|n| n * 100), fetch)
        .max_concurrency(four)
        .run();
    let first = pages.next().await.context("it never ends")??;
    println!(
        "first page {first}, {} more on their way",
        tasks.children().await?.len()
    );
    drop(pages);
    while !tasks.children().await?.is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    println!("the stream is dropped, and no task is left");
    tasks.supervisor().stop(ExitReason::Shutdown).await;
    Ok(())
}
