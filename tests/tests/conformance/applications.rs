//! Applications: trees with a name, callbacks around them, and an order among them.

use std::process::{ExitCode, Termination};

use hedgehog_core::{
    ActorProcessingErr, Application, ApplicationCallbacks, Applications, OnExit, Restart, Strategy, Supervisor, Task,
};
use hedgehog_tests::scenario::{INTENDED, Journal, Probe};
use hedgehog_tests::suite;

/// Callbacks that record what is done, around a tree of one probe, `NAME's child`.
#[derive(Clone)]
struct Recorded {
    name: &'static str,
    journal: Journal,
    child: Probe,
    start: Start,
}

#[derive(Clone, Copy)]
enum Start {
    Succeeds,
    Fails,
    Panics,
}

impl Recorded {
    fn new(name: &'static str, journal: &Journal) -> Self {
        Self {
            name,
            journal: journal.clone(),
            child: Probe::new(name, journal),
            start: Start::Succeeds,
        }
    }

    fn application(&self) -> Application {
        Application::new(self.name).callbacks(self.clone())
    }
}

impl ApplicationCallbacks for Recorded {
    type State = &'static str;

    async fn start(&self) -> Result<(Supervisor, &'static str), ActorProcessingErr> {
        self.journal.record(format!("boot {}", self.name));
        match self.start {
            Start::Succeeds => {}
            Start::Fails => return Err(format!("{} has no config", self.name).into()),
            Start::Panics => panic!("{INTENDED}{} panics", self.name),
        }
        let root = Supervisor::new(Strategy::OneForOne)
            .max_restarts(0)
            .child(self.child.spec());
        Ok((root, "as started"))
    }

    async fn prep_stop(&self, state: &mut &'static str) {
        self.journal.record(format!("prepare {} {state}", self.name));
        *state = "as prepared";
    }

    async fn stop(&self, state: &'static str) {
        self.journal.record(format!("end {} {state}", self.name));
    }
}

/// `web` needs `store`, which needs `log`; loaded the other way round.
fn chain(journal: &Journal) -> (Applications, [Recorded; 3]) {
    let all = ["web", "store", "log"].map(|name| Recorded::new(name, journal));
    let applications = Applications::new();
    for (application, needs) in all.iter().zip([Some("store"), Some("log"), None]) {
        let application = needs
            .into_iter()
            .fold(application.application(), Application::depends_on);
        applications.load(application).expect("a new name");
    }
    (applications, all)
}

#[suite]
pub(crate) mod starts {
    use hedgehog_core::{
        ActorProcessingErr, Application, ApplicationCallbacks, ApplicationError, Applications, Strategy, Supervisor,
    };
    use hedgehog_tests::scenario::{Journal, Probe, settle};

    use super::{Recorded, Start, chain};

    #[row("APP-001")]
    async fn application_is_configured_by_a_value_of_its_own() {
        /// What belongs to one application of one set, with its default.
        struct Config {
            greeting: &'static str,
            answer: Option<u32>,
        }
        struct Configured(Config, Journal);
        impl ApplicationCallbacks for Configured {
            type State = ();
            async fn start(&self) -> Result<(Supervisor, ()), ActorProcessingErr> {
                let Config { greeting, answer } = self.0;
                let answer = answer.ok_or("no answer is configured")?;
                self.1.record(format!("{greeting} {answer}"));
                Ok((Supervisor::new(Strategy::OneForOne), ()))
            }
        }
        let journal = Journal::new();
        let mut outcomes = Vec::new();
        for config in [
            Config {
                greeting: "hello",
                answer: Some(42),
            },
            Config {
                greeting: "good day",
                answer: Some(7),
            },
            Config {
                greeting: "bye",
                answer: None,
            },
        ] {
            let application = Application::new("greeter").callbacks(Configured(config, journal.clone()));
            outcomes.push(application.start().await);
        }
        assert_eq!(
            journal.take(),
            "hello 42, good day 7",
            "the same application twice, and nothing shared"
        );
        assert!(
            matches!(&outcomes[2], Err(ApplicationError::Start { source, .. }) if source.to_string() == "no answer is configured"),
            "{:?}",
            outcomes[2]
        );
    }

    #[row("APP-004")]
    async fn loaded_and_started_applications_are_told_apart() {
        let (applications, _) = chain(&Journal::new());
        assert_eq!(applications.loaded(), ["web", "store", "log"]);
        assert!(applications.started().is_empty());
        applications.ensure_all_started("store").await.expect("start");
        assert_eq!(applications.started(), ["log", "store"]);
        assert_eq!(applications.loaded(), ["web", "store", "log"]);
        let again = applications.load(Application::new("log"));
        assert!(
            matches!(&again, Err(ApplicationError::AlreadyLoaded { application }) if application == "log"),
            "{again:?}"
        );
        let unknown = applications.start("mail").await;
        assert!(
            matches!(&unknown, Err(ApplicationError::NotLoaded { application }) if application == "mail"),
            "{unknown:?}"
        );
    }

    #[row("APP-008")]
    async fn start_callback_returns_the_tree_and_the_state() {
        let journal = Journal::new();
        let running = Recorded::new("web", &journal)
            .application()
            .start()
            .await
            .expect("start");
        let tree = running.root().tree().expect("it runs");
        assert_eq!((tree.id.as_str(), tree.children[0].id.as_str()), ("web", "web"));
        assert_eq!(journal.take(), "boot web, start web");
        running.stop().await;
        assert_eq!(journal.take_only(&["prepare"]), "prepare web as started");
    }

    #[row("APP-008")]
    async fn start_callback_that_fails_or_panics_leaves_nothing_running() {
        for (start, told) in [
            (Start::Fails, "web has no config"),
            (Start::Panics, "panicked during start: intended: web panics"),
        ] {
            let journal = Journal::new();
            let mut web = Recorded::new("web", &journal);
            web.start = start;
            let applications = Applications::new();
            applications.load(web.application()).expect("a new name");
            let error = applications.start("web").await.expect_err("it does not start");
            assert!(
                matches!(&error, ApplicationError::Start { application, source } if application == "web" && source.to_string() == told),
                "{error:?}"
            );
            settle().await;
            assert_eq!(journal.take(), "boot web");
            assert!(applications.started().is_empty());
        }
    }

    #[row("APP-008")]
    async fn tree_that_does_not_start_leaves_nothing_running_and_names_the_child() {
        let journal = Journal::new();
        let (good, bad) = (Probe::new("good", &journal), Probe::new("bad", &journal));
        bad.fail_starts(usize::MAX);
        let inner = bad.spec();
        let root = Supervisor::new(Strategy::OneForOne)
            .child(good.spec())
            .child(Supervisor::spec("inner", move || {
                Supervisor::new(Strategy::OneForOne).child(inner.clone())
            }));
        let error = Application::new("web")
            .root(root)
            .start()
            .await
            .expect_err("it does not start");
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        assert_eq!(
            chain.map(ToString::to_string).collect::<Vec<_>>(),
            [
                "application web did not start",
                "failed to start child inner",
                "failed to start child bad",
                "bad fails to start"
            ]
        );
        assert_eq!(journal.take(), "start good, fail bad, stop good, drop good");
    }

    #[row("APP-009")]
    async fn dependencies_are_started_first_or_missed() {
        let journal = Journal::new();
        let (applications, _) = chain(&journal);
        let error = applications
            .start("web")
            .await
            .expect_err("its dependency does not run");
        assert!(
            matches!(&error, ApplicationError::DependencyNotStarted { application, dependency } if application == "web" && dependency == "store"),
            "{error:?}"
        );
        assert_eq!(journal.take(), "");
        applications.start("log").await.expect("it needs nothing");
        assert_eq!(
            applications.ensure_all_started("web").await.expect("start"),
            ["store", "web"],
            "only the new ones"
        );
        assert_eq!(journal.take_only(&["start"]), "start log, start store, start web");
        assert!(
            applications
                .ensure_all_started("web")
                .await
                .expect("nothing to do")
                .is_empty()
        );
    }

    #[invariant]
    async fn applications_that_wait_for_one_another_are_refused_before_anything_starts() {
        let (journal, applications) = (Journal::new(), Applications::new());
        for (name, needs) in [("a", "b"), ("b", "c"), ("c", "b")] {
            let application = Recorded::new(name, &journal).application().depends_on(needs);
            applications.load(application).expect("a new name");
        }
        let error = applications
            .ensure_all_started("a")
            .await
            .expect_err("no order is right");
        assert_eq!(error.to_string(), "applications depend on one another: b -> c -> b");
        assert_eq!(journal.take(), "");
    }

    #[row("APP-010")]
    async fn application_is_started_once_at_a_time() {
        let journal = Journal::new();
        let (applications, [_, _, log]) = chain(&journal);
        log.child.start_takes(std::time::Duration::from_secs(1));
        // The second one waits for the first, and finds it running.
        let (first, second) = tokio::join!(applications.start("log"), applications.start("log"));
        first.expect("start");
        assert!(
            matches!(&second, Err(ApplicationError::AlreadyStarted { application }) if application == "log"),
            "{second:?}"
        );
        let running = applications.ensure_started("log").await.expect("it runs");
        assert_eq!((running.name().as_ref(), applications.started().len()), ("log", 1));
        assert_eq!(journal.take(), "boot log, start log");
        applications.stop("log").await.expect("it runs");
        applications.ensure_started("log").await.expect("start");
        assert_eq!(applications.started(), ["log"]);
    }

    #[row("APP-011")]
    async fn failing_dependency_is_named_and_the_new_ones_are_stopped_again() {
        let journal = Journal::new();
        let (applications, [_, store, _]) = chain(&journal);
        applications.load(Application::new("other")).expect("a new name");
        applications.start("other").await.expect("start");
        store.child.fail_starts(1);
        let error = applications
            .ensure_all_started("web")
            .await
            .expect_err("store does not start");
        let ApplicationError::Start { application, source } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (application.as_ref(), source.to_string().as_str()),
            ("store", "failed to start child store")
        );
        assert_eq!(applications.started(), ["other"], "what ran before still runs");
        assert_eq!(
            journal.take(),
            "boot log, start log, boot store, fail store, prepare log as started, stop log, drop log, end log as prepared"
        );
        assert_eq!(
            applications.ensure_all_started("web").await.expect("start"),
            ["log", "store", "web"]
        );
    }

    #[invariant]
    async fn application_does_not_end_with_the_actor_that_happens_to_start_it() {
        use hedgehog_tests::scenario::Command;

        let journal = Journal::new();
        let (applications, [.., log]) = chain(&journal);
        let starter = Probe::new("starter", &journal);
        starter.spec().start().await.expect("start");
        let set = applications.clone();
        starter.tell(Command::Run(Box::new(move |_| {
            Box::pin(async move { drop(set.start("log").await) })
        })));
        settle().await;
        starter.crash().await;
        settle().await;
        assert!(log.child.current().is_alive());
    }
}

#[suite]
pub(crate) mod ends {
    use std::time::Duration;

    use hedgehog_core::{ApplicationError, Applications, OnExit};
    use hedgehog_tests::scenario::{Journal, Probe, settle, word};
    use tokio::time::Instant;

    use super::{Recorded, chain};

    #[row("APP-012")]
    async fn stop_prepares_then_stops_the_tree_then_cleans_up() {
        let journal = Journal::new();
        let web = Recorded::new("web", &journal);
        let second = Probe::new("second", &journal);
        let running = web.application().start().await.expect("start");
        running.root().start_child(second.spec()).await.expect("start");
        let _ = journal.take();
        assert_eq!(word(&running.stop().await), "shutdown");
        assert_eq!(
            journal.take(),
            "prepare web as started, stop second, drop second, stop web, drop web, end web as prepared"
        );
        assert_eq!(word(&running.stop().await), "shutdown", "once is enough");
        assert_eq!(journal.take(), "");
    }

    #[invariant]
    async fn tree_that_does_not_stop_in_time_is_killed() {
        let journal = Journal::new();
        let web = Recorded::new("web", &journal);
        web.child.stop_takes(Duration::from_hours(1));
        let application = web.application().stop_deadline(Duration::from_secs(2));
        let running = application.start().await.expect("start");
        let begin = Instant::now();
        assert_eq!(word(&running.stop().await), "killed");
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
        assert_eq!(
            journal.take(),
            "boot web, start web, prepare web as started, drop web, end web as prepared"
        );
    }

    #[row("APP-013")]
    async fn stop_concerns_one_application_only() {
        let journal = Journal::new();
        let (applications, _) = chain(&journal);
        applications.ensure_all_started("web").await.expect("start");
        let _ = journal.take();
        assert_eq!(word(&applications.stop("store").await.expect("it runs")), "shutdown");
        assert_eq!(applications.started(), ["log", "web"], "web depends on it, and goes on");
        let again = applications.stop("store").await;
        assert!(
            matches!(&again, Err(ApplicationError::NotStarted { application }) if application == "store"),
            "{again:?}"
        );
        applications.start("store").await.expect("start");
        let _ = journal.take();
        let stopped = applications.stop_all().await;
        assert!(stopped.iter().all(|(_, reason)| word(reason) == "shutdown"));
        assert_eq!(
            journal.take_only(&["stop"]),
            "stop store, stop web, stop log",
            "in reverse order of their starts"
        );
        assert!(applications.started().is_empty());
    }

    #[row("APP-014", "APP-015")]
    async fn tree_that_ends_by_itself_is_reported_and_concerns_no_other() {
        let journal = Journal::new();
        let (applications, [_, store, _]) = chain(&journal);
        applications.ensure_all_started("web").await.expect("start");
        let running = applications.running("store").expect("it runs");
        let _ = journal.take();
        store.child.crash().await;
        assert_eq!(word(&running.exited().await), "shutdown", "its supervisor gave up");
        assert_eq!(applications.started(), ["log", "web"]);
        assert!(applications.running("store").is_none());
        assert_eq!(
            journal.take(),
            "stop store, drop store, prepare store as started, end store as prepared"
        );
        settle().await;
        assert_eq!(applications.started(), ["log", "web"]);
    }

    #[row("APP-015")]
    async fn application_that_is_to_end_the_others_does_so_only_when_it_ends_by_itself() {
        let journal = Journal::new();
        let applications = Applications::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| Recorded::new(name, &journal));
        applications.load(a.application()).expect("a new name");
        applications
            .load(b.application().on_exit(OnExit::StopRuntime))
            .expect("a new name");
        applications.load(c.application()).expect("a new name");
        for name in ["a", "b", "c"] {
            applications.start(name).await.expect("start");
        }
        applications.stop("b").await.expect("it runs");
        settle().await;
        assert_eq!(applications.started(), ["a", "c"], "it was stopped");
        applications.start("b").await.expect("start");
        let _ = journal.take();
        b.child.crash().await;
        settle().await;
        assert!(applications.started().is_empty());
        assert_eq!(
            journal.take_only(&["end"]),
            "end b as prepared, end c as prepared, end a as prepared"
        );
    }

    #[invariant]
    async fn callbacks_that_fail_keep_nothing_from_ending() {
        use hedgehog_core::{ActorProcessingErr, Application, ApplicationCallbacks, Strategy, Supervisor};
        use hedgehog_tests::scenario::INTENDED;

        struct Careless(Journal);
        impl ApplicationCallbacks for Careless {
            type State = u8;
            async fn start(&self) -> Result<(Supervisor, u8), ActorProcessingErr> {
                Ok((Supervisor::new(Strategy::OneForOne), 7))
            }
            async fn prep_stop(&self, _: &mut u8) {
                panic!("{INTENDED}preparing")
            }
            async fn stop(&self, state: u8) {
                self.0.record(format!("end {state}"));
                std::future::pending::<()>().await;
            }
        }
        let journal = Journal::new();
        let application = Application::new("careless").callbacks(Careless(journal.clone()));
        let running = application.start().await.expect("start");
        let begin = Instant::now();
        assert_eq!(word(&running.stop().await), "shutdown");
        assert_eq!(
            (begin.elapsed(), journal.take()),
            (Duration::from_secs(10), "end 7".to_owned())
        );
    }
}

#[suite]
pub(crate) mod signals {
    use std::process::{ExitStatus, Stdio};

    use tokio::io::{AsyncBufReadExt, BufReader, Lines};
    use tokio::process::{Child, ChildStdout, Command};

    use super::PROGRAM;

    /// This test binary, started again as a program.
    fn program(role: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
        let exe = std::env::current_exe().expect("this binary");
        let program = Command::new(exe)
            .env(PROGRAM, role)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut program = program.expect("this binary runs");
        let output = program.stdout.take().expect("piped");
        (program, BufReader::new(output).lines())
    }

    /// Everything that is still said, and how it ends.
    async fn rest(mut program: Child, mut output: Lines<BufReader<ChildStdout>>) -> (Vec<String>, ExitStatus) {
        let mut lines = Vec::new();
        while let Some(line) = output.next_line().await.expect("text") {
            lines.push(line);
        }
        (lines, program.wait().await.expect("it was started here"))
    }

    #[row("APP-017", real_time)]
    async fn signal_stops_all_in_reverse_start_order() {
        for signal in ["-TERM", "-INT"] {
            let (program, mut output) = program("serve");
            for line in ["start store", "start web"] {
                assert_eq!(output.next_line().await.expect("text").as_deref(), Some(line));
            }
            let pid = program.id().expect("it runs").to_string();
            let sent = Command::new("kill").args([signal, &pid]).status().await;
            assert!(sent.expect("kill is there").success());
            let (lines, status) = rest(program, output).await;
            assert_eq!(
                (lines, status.code()),
                (vec!["stop web".to_owned(), "stop store".to_owned()], Some(0))
            );
        }
    }

    #[row("APP-015", real_time)]
    async fn application_that_ends_the_others_ends_the_program_with_a_failure() {
        let (program, output) = program("fail");
        let (lines, status) = rest(program, output).await;
        assert_eq!(lines, ["start store", "start web", "stop web", "stop store"]);
        assert_eq!(status.code(), Some(1));
    }
}

/// Set for the process that [`signals`] starts: then this binary is a program of two applications, and no test.
pub(crate) const PROGRAM: &str = "HEDGEHOG_CONFORMANCE_PROGRAM";

/// An application that says when it starts and stops, and fails when told so.
struct Talkative {
    name: &'static str,
    fails: bool,
}

impl ApplicationCallbacks for Talkative {
    type State = ();

    async fn start(&self) -> Result<(Supervisor, ()), ActorProcessingErr> {
        println!("start {}", self.name);
        let root = Supervisor::new(Strategy::OneForOne).max_restarts(0);
        let failing = Task::spec("failing", || async { Err("told to fail") }).restart(Restart::Permanent);
        Ok((if self.fails { root.child(failing) } else { root }, ()))
    }

    async fn stop(&self, (): ()) {
        println!("stop {}", self.name);
    }
}

/// Runs `store`, and `web` on top of it, until a signal; as `fail`, until `web` gives up.
pub(crate) fn program(role: &str) -> ExitCode {
    let applications = Applications::new();
    let callbacks = |name, fails| Application::new(name).callbacks(Talkative { name, fails });
    let web = callbacks("web", role == "fail").depends_on("store");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.expect("a runtime").block_on(async {
        applications.load(web.on_exit(OnExit::StopRuntime))?;
        applications.load(callbacks("store", false))?;
        applications.run().await
    });
    outcome.expect("it starts").report()
}
