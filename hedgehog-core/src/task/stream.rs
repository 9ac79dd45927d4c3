//! [`TaskStream`]: one task per item, several at a time.
//!
//! Invariant: never more than `max_concurrency` tasks are alive; a slot is free when its task is gone, not when its result is
//! delivered.

use super::{Origin, Task, TaskError, TaskSupervisor};
use crate::child_spec::Shutdown;
use futures_util::{
    FutureExt as _, Stream, StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{FusedStream, FuturesUnordered},
};
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    iter::Fuse,
    num::NonZeroUsize,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
    time::Duration,
};

/// What a stream does when a task takes longer than its [`timeout`](TaskStream::timeout). The task is killed in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// The timeout is the stream's last item, and the other tasks are killed.
    #[default]
    Exit,
    /// The timeout is this item's result, and the stream goes on.
    KillTask,
}

/// A stream to be: what to run on which items, and how. `Task.async_stream`.
///
/// Nothing runs before the stream is consumed, and an item is taken from the input only when a task is started for it. Each
/// item becomes the value of its task or a [`TaskError`]: a failed task does not end the stream. Dropping the stream kills the
/// tasks that run.
///
/// Defaults: as many tasks at a time as there are cores, 5 s per task, [`OnTimeout::Exit`], results in the order of the items.
///
/// ```
/// # use hedgehog_core::*;
/// # use std::{num::NonZeroUsize, time::Duration};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let four = NonZeroUsize::new(4).expect("not zero");
/// let mut lengths = Task::async_stream(["one", "three"], |word| async move { word.len() })
///     .max_concurrency(four)
///     .timeout(Duration::from_secs(1))
///     .run();
/// while let Some(length) = lengths.next().await {
///     println!("{length:?}"); // Ok(3), Ok(5)
/// }
/// # }
/// ```
#[must_use = "nothing runs before `run` or `try_collect`"]
pub struct TaskStream<I: Iterator, F, E = TaskError> {
    items: I,
    run: F,
    tell: Tell<I::Item, E>,
    supervisor: Option<TaskSupervisor>,
    max_concurrency: NonZeroUsize,
    timeout: Option<Duration>,
    on_timeout: OnTimeout,
    ordered: bool,
}

impl Task {
    /// Runs `run` on every item, several at a time, each in a linked task of its own outside any tree, and streams what
    /// comes out (see [`TaskStream`]). In a tree: [`TaskSupervisor::async_stream`].
    pub fn async_stream<I, F, Fut>(items: I, run: F) -> TaskStream<I::IntoIter, F>
    where
        I: IntoIterator,
        F: Fn(I::Item) -> Fut,
        Fut: Future,
    {
        TaskStream::new(items.into_iter(), run, None)
    }
}

/// What the failure of an item's task becomes, decided before the item is handed to it.
type Tell<X, E> = fn(&X) -> Failure<E>;
type Failure<E> = Box<dyn FnOnce(TaskError) -> E + Send>;

impl<I: Iterator, F> TaskStream<I, F> {
    pub(super) fn new(items: I, run: F, supervisor: Option<TaskSupervisor>) -> Self {
        Self {
            items,
            run,
            tell: |_| Box::new(|error| error),
            supervisor,
            max_concurrency: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            timeout: Some(Duration::from_secs(5)),
            on_timeout: OnTimeout::default(),
            ordered: true,
        }
    }

    /// Puts the item beside its error: an item that brought no value becomes `Err((item, error))`. The items are cloned, as
    /// their tasks own them.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut halves = Task::async_stream([7_u32], |n| async move { assert!(n % 2 == 0); n / 2 }).zip_input_on_exit().run();
    /// assert!(matches!(halves.next().await, Some(Err((7, TaskError::Exited(_))))));
    /// # }
    /// ```
    pub fn zip_input_on_exit(self) -> TaskStream<I, F, (I::Item, TaskError)>
    where
        I::Item: Clone + Send + 'static,
    {
        let Self {
            items,
            run,
            tell: _,
            supervisor,
            max_concurrency,
            timeout,
            on_timeout,
            ordered,
        } = self;
        TaskStream {
            items,
            run,
            tell: |item| {
                let item = item.clone();
                Box::new(|error| (item, error))
            },
            supervisor,
            max_concurrency,
            timeout,
            on_timeout,
            ordered,
        }
    }
}

impl<I: Iterator, F, E> TaskStream<I, F, E> {
    /// How many tasks may run at a time. Default: the number of cores.
    pub fn max_concurrency(mut self, max_concurrency: NonZeroUsize) -> Self {
        self.max_concurrency = max_concurrency;
        self
    }

    /// How long each task may take from its start; `None` for as long as it likes. Default: 5 s.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// What happens when a task takes longer. Default: [`OnTimeout::Exit`].
    pub fn on_timeout(mut self, on_timeout: OnTimeout) -> Self {
        self.on_timeout = on_timeout;
        self
    }

    /// Delivers results as they come. Without this they keep the order of the items, and wait for slower ones before them
    /// without holding up the start of others.
    pub fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// The stream. It starts tasks whenever it is polled, and none before.
    pub fn run<Fut>(self) -> TaskResults<I, Fut::Output, E>
    where
        I::Item: Send + 'static,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
        E: Send + 'static,
    {
        TaskResults {
            items: self.items.fuse(),
            tell: self.tell,
            launch: launcher(self.run, self.supervisor, self.timeout),
            max_concurrency: self.max_concurrency.get(),
            on_timeout: self.on_timeout,
            ordered: self.ordered,
            started: 0,
            delivered: 0,
            running: FuturesUnordered::new(),
            waiting: BTreeMap::new(),
            ended: false,
        }
    }

    /// All values, or the first error to be delivered, with which the other tasks are killed.
    pub async fn try_collect<Fut, C>(self) -> Result<C, E>
    where
        I::Item: Send + 'static,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
        E: Send + 'static,
        C: Default + Extend<Fut::Output>,
    {
        self.run().try_collect().await
    }
}

/// The results of a [`TaskStream`]: a [`Stream`] that starts tasks as it is polled, and kills them when it is dropped.
///
/// # Cancel safety
/// Dropping the future of [`next`](Self::next) loses nothing.
#[must_use = "nothing runs before it is polled"]
pub struct TaskResults<I: Iterator, T, E = TaskError> {
    items: Fuse<I>,
    tell: Tell<I::Item, E>,
    launch: Launch<I::Item, T>,
    max_concurrency: usize,
    on_timeout: OnTimeout,
    ordered: bool,
    /// The index of the next item to start.
    started: usize,
    /// The index of the next result to deliver; counts only when ordered.
    delivered: usize,
    running: FuturesUnordered<BoxFuture<'static, Done<T, E>>>,
    /// Results that came before an earlier item's. Empty unless ordered.
    waiting: BTreeMap<usize, Result<T, E>>,
    ended: bool,
}

struct Done<T, E> {
    index: usize,
    result: Result<T, E>,
    /// Whether the stream cannot go on after this result.
    is_last: bool,
}

type Launch<X, T> = Box<dyn Fn(X) -> BoxFuture<'static, Result<T, TaskError>> + Send + Sync>;

/// Nothing in it is pinned: the futures of the tasks are boxed.
impl<I: Iterator, T, E> Unpin for TaskResults<I, T, E> {}

impl<I: Iterator, T: Send + 'static, E: Send + 'static> TaskResults<I, T, E> {
    /// The next result; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, E>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Starts tasks for as many items as there are free slots. Their futures begin when `running` is polled.
    fn fill(&mut self) {
        while self.running.len() < self.max_concurrency {
            let Some(item) = self.items.next() else { return };
            let (index, on_timeout, tell) = (self.started, self.on_timeout, (self.tell)(&item));
            self.started += 1;
            let done = move |result: Result<T, TaskError>| Done {
                index,
                is_last: result.as_ref().is_err_and(|error| on_timeout.ends_with(error)),
                result: result.map_err(tell),
            };
            self.running.push((self.launch)(item).map(done).boxed());
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.running.clear();
        self.waiting.clear();
    }
}

impl OnTimeout {
    /// Whether a stream cannot go on after an error.
    fn ends_with(self, error: &TaskError) -> bool {
        match error {
            TaskError::Start(_) => true,
            TaskError::Timeout(_) => self == Self::Exit,
            _ => false,
        }
    }
}

impl<I: Iterator, T: Send + 'static, E: Send + 'static> Stream for TaskResults<I, T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while !this.ended {
            if let Some(result) = this.waiting.remove(&this.delivered) {
                this.delivered += 1;
                return Poll::Ready(Some(result));
            }
            // Also while the result of a slow head is awaited.
            this.fill();
            let Some(Done { index, result, is_last }) = ready!(this.running.poll_next_unpin(cx)) else {
                this.end();
                break;
            };
            if is_last {
                this.end();
                return Poll::Ready(Some(result));
            }
            if !this.ordered {
                return Poll::Ready(Some(result));
            }
            this.waiting.insert(index, result);
        }
        Poll::Ready(None)
    }
}

impl<I: Iterator, T: Send + 'static, E: Send + 'static> FusedStream for TaskResults<I, T, E> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<I: Iterator, T, E> fmt::Debug for TaskResults<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskResults")
            .field("started", &self.started)
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

impl<I: Iterator + fmt::Debug, F, E> fmt::Debug for TaskStream<I, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream")
            .field("items", &self.items)
            .field("max_concurrency", &self.max_concurrency)
            .field("timeout", &self.timeout)
            .field("ordered", &self.ordered)
            .finish_non_exhaustive()
    }
}

/// How one item becomes a result, start and end of its task included.
fn launcher<X, F, Fut>(run: F, supervisor: Option<TaskSupervisor>, timeout: Option<Duration>) -> Launch<X, Fut::Output>
where
    X: Send + 'static,
    F: Fn(X) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    let run = Arc::new(run);
    Box::new(move |item| {
        let (run, supervisor) = (run.clone(), supervisor.clone());
        // `run` itself runs in the task: its panic is that item's failure.
        let work = async move { Ok(run(item).await) };
        Box::pin(async move {
            let origin = Origin::of::<Fut>();
            let task = match supervisor {
                None => Task::launch(work, origin),
                Some(supervisor) => supervisor.run(work, origin, true).await.map_err(TaskError::Start)?,
            };
            finish(task, timeout).await
        })
    })
}

/// Waits for a task, and kills it when its time is over; returns when it is gone.
async fn finish<T: Send + 'static>(mut task: Task<T>, timeout: Option<Duration>) -> Result<T, TaskError> {
    let Some(limit) = timeout else {
        return task.await_for(None).await;
    };
    let outcome = match task.yield_for(limit).await {
        Some(outcome) => outcome,
        // It may still have finished before the kill.
        None => task
            .shutdown(Shutdown::BrutalKill)
            .await
            .ok_or(TaskError::Timeout(limit))?,
    };
    outcome.map_err(TaskError::Exited)
}
