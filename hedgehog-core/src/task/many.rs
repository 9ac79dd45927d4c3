//! Several tasks at once: all values or none ([`Task::await_many`]), or what there is by now ([`Task::yield_many`]).

use super::{Task, TaskError, within};
use crate::{child_spec::Shutdown, exit::ExitReason};
use futures_util::{
    StreamExt as _,
    future::{self, BoxFuture},
    stream::FuturesUnordered,
};
use std::{fmt, future::IntoFuture, time::Duration};

impl<T: Send + 'static> Task<T> {
    /// The values of all tasks, in the order given, within one `deadline` for all of them. `Task.await_many`.
    ///
    /// # Errors
    /// As for [`await_for`](Self::await_for), at once when one of them fails; the linked ones among the others are killed.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), TaskError> {
    /// let tasks = [1, 2].map(|n| Task::async_linked(async move { n * 10 }));
    /// assert_eq!(Task::await_many(tasks, None).await?, [10, 20]);
    /// # Ok(()) }
    /// ```
    pub async fn await_many(
        tasks: impl IntoIterator<Item = Self>,
        deadline: impl Into<Option<Duration>>,
    ) -> Result<Vec<T>, TaskError> {
        let mut tasks: Vec<_> = tasks.into_iter().collect();
        within(deadline.into(), future::try_join_all(tasks.iter_mut().map(Self::value))).await
    }

    /// The outcomes of many tasks within one `timeout` for all of them (`None`: as long as they run), in the order given;
    /// `None` for a task that has no outcome yet. `Task.yield_many`.
    ///
    /// Awaited as it is, it keeps the late tasks. [`YieldMany::on_timeout`] and [`YieldMany::limit`] change that.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # use std::{future::pending, time::Duration};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut mirrors = [Task::async_linked(pending()), Task::async_linked(async { "the fastest" })];
    /// let answers = Task::yield_many(&mut mirrors, Duration::from_secs(5)).limit(1).await;
    /// assert!(matches!(answers[..], [None, Some(Ok("the fastest"))])); // the other one is still running
    /// # }
    /// ```
    pub fn yield_many(tasks: &mut [Self], timeout: impl Into<Option<Duration>>) -> YieldMany<'_, T> {
        YieldMany {
            tasks,
            timeout: timeout.into(),
            limit: usize::MAX,
            on_timeout: OnYieldTimeout::default(),
        }
    }
}

/// What [`YieldMany`] does to the tasks that have no outcome when the time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnYieldTimeout {
    /// They go on and can be asked again.
    #[default]
    Nothing,
    /// They go on, linked or not, and their outcome is lost (see [`Task::ignore`]).
    Ignore,
    /// They are killed (see [`Task::shutdown`]).
    KillTask,
}

/// A question to many tasks, made by [`Task::yield_many`]; it is asked by awaiting it.
///
/// # Cancel safety
/// When the future is dropped all outcomes stay with their tasks.
#[must_use = "nothing is waited for without `.await`"]
pub struct YieldMany<'a, T> {
    tasks: &'a mut [Task<T>],
    timeout: Option<Duration>,
    limit: usize,
    on_timeout: OnYieldTimeout,
}

impl<T: Send + 'static> YieldMany<'_, T> {
    /// Waits for `limit` outcomes only. The others are `None` even if they are there, and can be asked for again: reaching
    /// the limit is no timeout. Default: as many as there are tasks.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// What happens to late tasks. Default: [`OnYieldTimeout::Nothing`].
    pub fn on_timeout(mut self, on_timeout: OnYieldTimeout) -> Self {
        self.on_timeout = on_timeout;
        self
    }

    // Nothing is taken from a task before all waiting is over: that makes it safe to cancel.
    async fn ask(self) -> Vec<Option<Result<T, ExitReason>>> {
        let mut answers = vec![false; self.tasks.len()];
        let answered = within(self.timeout, async {
            let asked = self.tasks.iter().enumerate().filter(|(_, task)| !task.is_spent());
            let mut waiting: FuturesUnordered<_> = asked
                .map(|(at, task)| async move { (at, task.ended().await).0 })
                .collect();
            for _ in 0..self.limit {
                let Some(at) = waiting.next().await else { break };
                answers[at] = true;
            }
            Ok(())
        });
        let late = answered.await.is_err();
        if late && self.on_timeout == OnYieldTimeout::KillTask {
            let late = self
                .tasks
                .iter()
                .zip(&answers)
                .filter(|(task, answered)| !task.is_spent() && !**answered);
            future::join_all(late.map(|(task, _)| task.end(Shutdown::BrutalKill))).await;
        }
        let tasks = self.tasks.iter_mut().zip(answers);
        tasks
            .map(|(task, answered)| match self.on_timeout {
                _ if answered => task.take(),
                OnYieldTimeout::KillTask if late => task.take_ended(Shutdown::BrutalKill),
                OnYieldTimeout::Ignore if late => task.give_up(),
                _ => None,
            })
            .collect()
    }
}

impl<'a, T: Send + 'static> IntoFuture for YieldMany<'a, T> {
    type Output = Vec<Option<Result<T, ExitReason>>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

impl<T> fmt::Debug for YieldMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YieldMany")
            .field("tasks", &self.tasks)
            .field("timeout", &self.timeout)
            .field("limit", &self.limit)
            .field("on_timeout", &self.on_timeout)
            .finish()
    }
}
