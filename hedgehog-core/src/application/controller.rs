//! [`Applications`]: several applications in one program, and who needs whom.
//!
//! Invariant: an application stands in `started` from the moment its tree stands until its last callback has run, and the
//! order of `started` is the order of the starts. One application starts or stops once at a time.

use super::{
    Application, ApplicationError, ApplicationName, OnExit, Outcome, RunningApplication, running::End, signals::Signals,
};
use crate::exit::ExitReason;
use parking_lot::Mutex;
use std::{fmt, sync::Arc};
use tokio::sync::watch;

/// The applications of one program, by name: OTP's application controller, as a value. A clone is the same set.
///
/// They are loaded, then started: one by one with [`start`](Self::start), with all they need
/// ([`ensure_all_started`](Self::ensure_all_started)), or all of them for as long as the program runs
/// ([`run`](Self::run)). Dropping the set leaves running what runs.
///
/// ```
/// use hedgehog_core::*;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ApplicationError> {
/// let applications = Applications::new();
/// applications.load(Application::new("web").depends_on("store"))?;
/// applications.load(Application::new("store"))?;
///
/// assert!(applications.start("web").await.is_err()); // `start` starts nothing else
/// assert_eq!(applications.ensure_all_started("web").await?, ["store", "web"]);
/// assert!(applications.ensure_all_started("web").await?.is_empty()); // nothing new
///
/// applications.stop("store").await?; // does not stop `web`, which has to live with it
/// assert_eq!(applications.started(), ["web"]);
/// applications.stop_all().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Applications(Arc<Controller>);

struct Controller {
    /// In the order in which they were loaded.
    loaded: Mutex<Vec<Arc<Loaded>>>,
    /// In start order.
    started: Mutex<Vec<RunningApplication>>,
    /// The application that ended and takes the others with it.
    fatal: watch::Sender<Option<(ApplicationName, ExitReason)>>,
}

struct Loaded {
    application: Application,
    /// Held by whoever starts or stops it.
    changing: tokio::sync::Mutex<()>,
}

impl Applications {
    /// An empty set.
    pub fn new() -> Self {
        Self(Arc::new(Controller {
            loaded: Mutex::default(),
            started: Mutex::default(),
            fatal: watch::Sender::new(None),
        }))
    }

    /// Adds an application, which is not started yet. What it depends on may be loaded later. `Application.load`.
    ///
    /// # Errors
    /// [`ApplicationError::AlreadyLoaded`] when there is one of the same name.
    pub fn load(&self, application: Application) -> Result<(), ApplicationError> {
        let mut loaded = self.0.loaded.lock();
        if loaded.iter().any(|known| known.application.name == application.name) {
            return Err(ApplicationError::AlreadyLoaded {
                application: application.name,
            });
        }
        loaded.push(Arc::new(Loaded {
            application,
            changing: tokio::sync::Mutex::default(),
        }));
        Ok(())
    }

    /// The names of all applications, in the order in which they were loaded. `Application.loaded_applications`.
    pub fn loaded(&self) -> Vec<ApplicationName> {
        let loaded = self.0.loaded.lock();
        loaded.iter().map(|known| known.application.name.clone()).collect()
    }

    /// The names of the applications that run, in start order. `Application.started_applications`.
    pub fn started(&self) -> Vec<ApplicationName> {
        let started = self.0.started.lock();
        started.iter().map(|running| running.name().clone()).collect()
    }

    /// The application called `name`, if it runs.
    pub fn running(&self, name: &str) -> Option<RunningApplication> {
        let started = self.0.started.lock();
        started.iter().find(|running| running.name() == name).cloned()
    }

    /// Starts one application, and nothing else. `Application.start`.
    ///
    /// # Errors
    /// [`ApplicationError::AlreadyStarted`]; [`ApplicationError::DependencyNotStarted`] with the first dependency that does
    /// not run; [`ApplicationError::NotLoaded`]; [`ApplicationError::Start`] when it fails, and nothing is left running.
    pub async fn start(&self, name: &str) -> Result<RunningApplication, ApplicationError> {
        match self.start_once(name).await? {
            Started::Now(running) => Ok(running),
            Started::Before(running) => Err(ApplicationError::AlreadyStarted {
                application: running.name().clone(),
            }),
        }
    }

    /// [`start`](Self::start) that is content when the application runs already. `Application.ensure_started`.
    pub async fn ensure_started(&self, name: &str) -> Result<RunningApplication, ApplicationError> {
        let (Started::Now(running) | Started::Before(running)) = self.start_once(name).await?;
        Ok(running)
    }

    /// Starts an application after all it depends on, directly or not. Returns those that this call has started, in start
    /// order. `Application.ensure_all_started`.
    ///
    /// # Errors
    /// [`ApplicationError::NotLoaded`] and [`ApplicationError::DependencyCycle`] before anything is started.
    /// [`ApplicationError::Start`] names the one that failed; those that this call had started are stopped again, last first.
    pub async fn ensure_all_started(&self, name: &str) -> Result<Vec<ApplicationName>, ApplicationError> {
        let mut order = Vec::new();
        self.visit(name, &mut Vec::new(), &mut order)?;
        self.start_in_order(order).await
    }

    /// Stops one application and returns its root's exit reason; see [`RunningApplication::stop`]. Those that depend on it
    /// are not stopped. `Application.stop`.
    ///
    /// # Errors
    /// [`ApplicationError::NotStarted`] and [`ApplicationError::NotLoaded`].
    pub async fn stop(&self, name: &str) -> Result<ExitReason, ApplicationError> {
        let loaded = self.find(name)?;
        let _changing = loaded.changing.lock().await;
        let running = self.running(name).ok_or_else(|| ApplicationError::NotStarted {
            application: loaded.application.name.clone(),
        })?;
        Ok(running.stop().await)
    }

    /// Stops what runs, in reverse start order, one after another. Returns the exit reasons of the roots in that order.
    pub async fn stop_all(&self) -> Vec<(ApplicationName, ExitReason)> {
        let started = self.0.started.lock().clone();
        let mut stopped = Vec::new();
        for running in started.into_iter().rev() {
            stopped.push((running.name().clone(), running.stop().await));
        }
        stopped
    }

    /// Starts all that is loaded, dependencies first; waits for a signal or the end of an application that is to end
    /// the others ([`OnExit::StopRuntime`]); stops what runs in reverse start order.
    ///
    /// Signals as for [`Application::run`].
    ///
    /// # Errors
    /// As [`ensure_all_started`](Self::ensure_all_started); [`ApplicationError::Signals`].
    pub async fn run(&self) -> Result<Outcome, ApplicationError> {
        // Before the start: a signal during a long start is kept, not lost.
        let mut signals = Signals::listen(None)?;
        let mut fatal = self.0.fatal.subscribe();
        let (mut order, mut path) = (Vec::new(), Vec::new());
        for name in self.loaded() {
            self.visit(&name, &mut path, &mut order)?;
        }
        self.start_in_order(order).await?;
        let ended = async {
            while fatal.changed().await.is_ok() {
                let end = fatal.borrow_and_update().clone();
                if let Some(end) = end {
                    return end;
                }
            }
            // The sender is in `self`.
            std::future::pending().await
        };
        tokio::select! {
            signal = signals.first() => {
                tracing::info!("{} received, stopping", signal.name);
                let stopped = self.stop_all().await;
                let mut reasons = stopped.into_iter().map(|(_, reason)| reason);
                let odd = reasons.find(|reason| !matches!(reason, ExitReason::Shutdown));
                Ok(Outcome::Stopped { signal: signal.name, reason: odd.unwrap_or(ExitReason::Shutdown) })
            }
            (application, reason) = ended => {
                self.stop_all().await;
                Ok(Outcome::ApplicationExited { application, reason })
            }
        }
    }

    fn find(&self, name: &str) -> Result<Arc<Loaded>, ApplicationError> {
        let loaded = self.0.loaded.lock();
        let known = loaded.iter().find(|known| known.application.name == name);
        known.cloned().ok_or_else(|| ApplicationError::NotLoaded {
            application: name.to_owned().into(),
        })
    }

    /// Appends `name` to `order`, after all it depends on. `path` is who depends on it.
    fn visit(
        &self,
        name: &str,
        path: &mut Vec<ApplicationName>,
        order: &mut Vec<ApplicationName>,
    ) -> Result<(), ApplicationError> {
        if let Some(at) = path.iter().position(|above| above == name) {
            let mut cycle = path[at..].to_vec();
            cycle.push(cycle[0].clone());
            return Err(ApplicationError::DependencyCycle { cycle });
        }
        if order.iter().any(|before| before == name) {
            return Ok(());
        }
        let loaded = self.find(name)?;
        path.push(loaded.application.name.clone());
        for dependency in &loaded.application.depends_on {
            self.visit(dependency, path, order)?;
        }
        order.extend(path.pop());
        Ok(())
    }

    async fn start_in_order(&self, order: Vec<ApplicationName>) -> Result<Vec<ApplicationName>, ApplicationError> {
        let mut new: Vec<RunningApplication> = Vec::new();
        for name in order {
            match self.start_once(&name).await {
                Ok(Started::Now(running)) => new.push(running),
                Ok(Started::Before(_)) => {}
                Err(error) => {
                    for running in new.into_iter().rev() {
                        running.stop().await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(new.iter().map(|running| running.name().clone()).collect())
    }

    async fn start_once(&self, name: &str) -> Result<Started, ApplicationError> {
        let loaded = self.find(name)?;
        let _changing = loaded.changing.lock().await;
        if let Some(running) = self.running(name) {
            return Ok(Started::Before(running));
        }
        let application = &loaded.application;
        let missing = application.depends_on.iter().find(|name| self.running(name).is_none());
        if let Some(dependency) = missing {
            return Err(application.lacks(dependency));
        }
        let (list, set) = (self.clone(), self.clone());
        let (name, on_exit) = (application.name.clone(), application.on_exit);
        let running = application.launch(
            move |running| list.0.started.lock().push(running.clone()),
            move |end| set.ended(name, on_exit, end),
        );
        Ok(Started::Now(running.await?))
    }

    fn ended(self, name: ApplicationName, on_exit: OnExit, end: &End) {
        self.0.started.lock().retain(|running| *running.name() != name);
        if end.by_itself && on_exit == OnExit::StopRuntime {
            tracing::error!(application = %name, reason = %end.reason, "the application takes the others with it");
            self.0.fatal.send_replace(Some((name, end.reason.clone())));
            tokio::spawn(async move { self.stop_all().await });
        }
    }
}

/// An application that runs, since now or since before.
enum Started {
    Now(RunningApplication),
    Before(RunningApplication),
}

impl Default for Applications {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Applications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applications")
            .field("loaded", &self.loaded())
            .field("started", &self.started())
            .finish()
    }
}
