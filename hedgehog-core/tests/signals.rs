//! Signals end an application: the first in good order, a later one at once, whatever its threads do.
//!
//! The signalled program is this very binary, started again with [`PROGRAM`] set.

use hedgehog_core::{Actor, ActorProcessingErr, Application, ChildSpec, Outcome, Strategy, Supervisor, ractor};
use libtest_mimic::{Arguments, Trial};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Which program to be instead of the tests.
const PROGRAM: &str = "HEDGEHOG_CORE_TEST_PROGRAM";

fn main() -> ExitCode {
    match std::env::var(PROGRAM).as_deref() {
        Ok("program") => program(),
        Ok("blocked") => blocked(),
        _ => return libtest_mimic::run(&Arguments::from_args(), tests()).exit_code(),
    }
    ExitCode::SUCCESS
}

fn tests() -> Vec<Trial> {
    let test = |name: String, test: Box<dyn FnOnce() + Send>| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let mut tests = Vec::from(["INT", "TERM", "HUP", "QUIT"].map(|signal| {
        test(
            format!("one_sig{}_stops_in_good_order", signal.to_lowercase()),
            Box::new(move || one_signal_stops_in_good_order(signal)),
        )
    }));
    tests.extend([
        test(
            "a_hang_up_that_was_ignored_at_the_start_stays_ignored".to_owned(),
            Box::new(a_hang_up_that_was_ignored_at_the_start_stays_ignored),
        ),
        test(
            "a_second_signal_within_a_moment_is_the_same_one_and_a_later_one_ends_at_once".to_owned(),
            Box::new(a_second_signal_within_a_moment_is_the_same_one_and_a_later_one_ends_at_once),
        ),
        test(
            "a_process_ends_although_every_thread_is_blocked".to_owned(),
            Box::new(a_process_ends_although_every_thread_is_blocked),
        ),
    ]);
    tests
}

fn one_signal_stops_in_good_order(signal: &str) {
    let (mut program, mut output) = start("program");
    send(&program, signal);
    assert_eq!(line(&mut output), "cleaning up");
    clean_up(&mut program);
    assert_eq!(line(&mut output), format!("stopped by SIG{signal}"));
    assert_eq!(end(program).code(), Some(0));
}

fn a_hang_up_that_was_ignored_at_the_start_stays_ignored() {
    let mut nohup = Command::new("nohup");
    nohup.arg(std::env::current_exe().expect("this binary"));
    let (mut program, mut output) = start_as(nohup, "program");
    send(&program, "HUP");
    // Had it been heard, this would be the second signal, or the same one: either way it would be in the line below.
    send(&program, "TERM");
    assert_eq!(line(&mut output), "cleaning up");
    clean_up(&mut program);
    assert_eq!(line(&mut output), "stopped by SIGTERM");
    assert_eq!(end(program).code(), Some(0));
}

fn a_second_signal_within_a_moment_is_the_same_one_and_a_later_one_ends_at_once() {
    let (mut program, mut output) = start("program");
    let begin = Instant::now();
    send(&program, "TERM");
    assert_eq!(line(&mut output), "cleaning up");
    // Its cleanup waits for a line that never comes. Taken out, because `wait` would close it, and that is an end too.
    let _stdin = program.stdin.take();
    let status = loop {
        send(&program, "TERM");
        if let Some(status) = program.try_wait().expect("it was started here") {
            break status;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(128 + 15));
    assert!(begin.elapsed() >= Duration::from_millis(500), "{:?}", begin.elapsed());
}

fn a_process_ends_although_every_thread_is_blocked() {
    // By a second signal: nothing else ends this one within its minute.
    let (mut program, _output) = start("blocked");
    let begin = Instant::now();
    while program.try_wait().expect("it was started here").is_none() {
        send(&program, "INT");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    // By its deadline, after one signal.
    let (program, _output) = start("blocked");
    send(&program, "TERM");
    assert_eq!(end(program).code(), Some(128 + 15));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

/// A line for the worker that waits for one.
fn clean_up(program: &mut Child) {
    let mut input = program.stdin.take().expect("piped");
    input.write_all(b"go on\n").expect("the program reads");
}

fn start(what: &str) -> (Child, BufReader<ChildStdout>) {
    start_as(Command::new(std::env::current_exe().expect("this binary")), what)
}

fn start_as(mut command: Command, what: &str) -> (Child, BufReader<ChildStdout>) {
    let program = command
        .env(PROGRAM, what)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut program = program.expect("this binary runs");
    let mut output = BufReader::new(program.stdout.take().expect("piped"));
    assert_eq!(line(&mut output), "running");
    (program, output)
}

fn send(program: &Child, signal: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(program.id().to_string())
        .status();
    assert!(sent.expect("kill is there").success());
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("text");
    line.trim_end().to_owned()
}

fn end(mut program: Child) -> ExitStatus {
    program.wait().expect("it was started here")
}

/// Runs until a signal; its one worker needs a line from the standard input to clean up.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn program() {
    let root = Supervisor::new(Strategy::OneForOne).child(ChildSpec::worker("worker", || (Worker, ())));
    let outcome = Application::new("program")
        .root(root)
        .stop_deadline(Duration::from_secs(60))
        .run()
        .await;
    let Ok(Outcome::Stopped { signal, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    println!("stopped by {signal}");
}

/// Runs until a signal; each of its threads is blocked for a minute.
fn blocked() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("threads can be started");
    let root = Supervisor::new(Strategy::OneForOne).child(ChildSpec::worker("worker", || (Worker, ())));
    let application = Application::new("blocked")
        .root(root)
        .exit_deadline(Duration::from_secs(2));
    let outcome = runtime.block_on(application.run_until(async |_| {
        for _ in 0..2 {
            tokio::spawn(async { std::thread::park_timeout(Duration::from_secs(60)) });
        }
        std::thread::park_timeout(Duration::from_secs(60));
    }));
    println!("{outcome:?}");
}

struct Worker;

impl Actor for Worker {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ractor::ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(myself.cast(())?)
    }

    async fn handle(&self, _: ractor::ActorRef<()>, (): (), (): &mut ()) -> Result<(), ActorProcessingErr> {
        println!("running");
        Ok(())
    }

    async fn post_stop(&self, _: ractor::ActorRef<()>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        println!("cleaning up");
        let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        // The parent may be gone; then there is nothing to wait for.
        let _ = tokio::time::timeout(Duration::from_secs(4), line).await;
        Ok(())
    }
}
