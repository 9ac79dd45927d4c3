//! The signals that end an application: SIGINT, SIGTERM, SIGHUP and SIGQUIT.
//!
//! They are waited for on a thread of their own, with a runtime of its own: a program whose every worker is blocked still ends. The
//! first signal is handed to whoever waits for it and ends the application in good order; a later one ends the process at once,
//! also when the application has ended already and something else keeps the process. So does the deadline that
//! [`Application::exit_deadline`](super::Application::exit_deadline) gives.

use parking_lot::Mutex;
use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// A signal that ends an application.
#[derive(Clone, Copy)]
pub(super) struct Signal {
    pub(super) name: &'static str,
    number: i32,
}

/// A second signal so soon after the first is the same one: some tools send it to a process and to its group.
const SAME: Duration = Duration::from_millis(500);

/// How long the last word may take.
const TELL_WITHIN: Duration = Duration::from_millis(200);

/// Ends the thread of an earlier application of this process when it is replaced: a process answers a signal in one way.
///
/// Global, because what a signal does to a process is.
static NEWEST: Mutex<Option<watch::Sender<()>>> = Mutex::new(None);

/// The first signal since [`Signals::listen`].
pub(super) struct Signals(watch::Receiver<Option<Signal>>);

impl Signals {
    /// Listens from now on, to the end of the process or until somebody else does. After the first signal the process has
    /// `exit_deadline`.
    pub(super) fn listen(exit_deadline: Option<Duration>) -> io::Result<Self> {
        let (first, heard) = watch::channel(None);
        let (newest, replaced) = watch::channel(());
        let (ready, listening) = sync_channel(1);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let watch = Watch {
                first,
                replaced,
                exit_deadline,
            };
            watch.run(&ready);
        })?;
        listening
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that waits for signals ended")))?;
        *NEWEST.lock() = Some(newest);
        Ok(Self(heard))
    }

    /// The first signal, whenever it came.
    pub(super) async fn first(&mut self) -> Signal {
        let heard = self.0.wait_for(Option::is_some).await.ok().and_then(|first| *first);
        match heard {
            Some(signal) => signal,
            // Replaced by another application of this process: that one hears of it.
            None => std::future::pending().await,
        }
    }
}

/// What the thread knows.
struct Watch {
    first: watch::Sender<Option<Signal>>,
    /// Its sender goes when somebody else listens.
    replaced: watch::Receiver<()>,
    exit_deadline: Option<Duration>,
}

impl Watch {
    fn run(self, ready: &SyncSender<io::Result<()>>) {
        // Whoever waits for the answer is there until it comes.
        let tell = |answer| drop(ready.send(answer));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(async {
                match Heard::listen() {
                    Ok(heard) => {
                        tell(Ok(()));
                        self.watch(heard).await;
                    }
                    Err(error) => tell(Err(error)),
                }
            }),
            Err(error) => tell(Err(error)),
        }
    }

    async fn watch(mut self, mut heard: Heard) {
        let mut stopping: Option<(Signal, Instant)> = None;
        loop {
            let signal = tokio::select! {
                signal = heard.next() => signal,
                // There is nothing to be told by the other side but its end.
                _ = self.replaced.changed() => return,
                signal = expired(stopping, self.exit_deadline) => {
                    let deadline = self.exit_deadline;
                    end(signal, move || tracing::error!(?deadline, "the stop takes too long, ending at once"))
                }
            };
            match stopping {
                None if !self.first.is_closed() => {
                    self.first.send_replace(Some(signal));
                    stopping = Some((signal, Instant::now()));
                }
                Some((_, at)) if at.elapsed() < SAME => {}
                _ => end(signal, move || {
                    tracing::warn!("{} received, ending at once", signal.name);
                }),
            }
        }
    }
}

/// Returns when the time since the first signal is over.
async fn expired(stopping: Option<(Signal, Instant)>, deadline: Option<Duration>) -> Signal {
    match (stopping, deadline) {
        (Some((signal, at)), Some(deadline)) => {
            tokio::time::sleep_until(at + deadline).await;
            signal
        }
        _ => std::future::pending().await,
    }
}

/// As a shell tells a death by a signal. A log that does not take its line, a pipe that nobody reads, must not keep the process.
fn end(signal: Signal, tell: impl FnOnce() + Send + 'static) -> ! {
    let (told, heard) = sync_channel(1);
    let telling = thread::Builder::new().spawn(move || {
        tell();
        // Whoever waited may have gone on.
        let _ = told.send(());
    });
    if telling.is_ok() {
        let _ = heard.recv_timeout(TELL_WITHIN);
    }
    std::process::exit(128 + signal.number)
}

#[cfg(unix)]
/// The signals of this process, each with its handler.
struct Heard(Vec<(Signal, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Heard {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // `nohup`, and a shell that puts a program in the background, have it ignore these: that is to stay so.
        const POLITE: [(&str, i32); 2] = [("SIGHUP", 1), ("SIGQUIT", 3)];
        const ALWAYS: [(&str, i32); 2] = [("SIGINT", 2), ("SIGTERM", 15)];
        let ignored = ignored_signals();
        let polite = POLITE
            .into_iter()
            .filter(|(_, number)| ignored & (1 << (number - 1)) == 0);
        let handlers = ALWAYS.into_iter().chain(polite).map(|(name, number)| {
            let handler = signal(SignalKind::from_raw(number))?;
            Ok((Signal { name, number }, handler))
        });
        Ok(Self(handlers.collect::<io::Result<_>>()?))
    }

    async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (signal, handler) in &mut self.0 {
                if handler.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*signal);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// Bit n-1 stands for signal n, as Linux tells it (proc(5), `SigIgn`). Elsewhere none counts as ignored.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(not(unix))]
/// Ctrl-C.
struct Heard;

#[cfg(not(unix))]
impl Heard {
    #[expect(clippy::unnecessary_wraps, reason = "the signature of the other platforms")]
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        // An error means that the handler cannot be installed: then there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal {
            name: "SIGINT",
            number: 2,
        }
    }
}
