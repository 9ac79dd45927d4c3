//! Signals end an application: the first in good order, the second at once.
//!
//! Without a harness, because the signalled program is this very binary, started again with an argument.

use hedgehog_core::{Actor, ActorProcessingErr, Application, ChildSpec, Outcome, Strategy, Supervisor, ractor};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("program") => program(),
        // What a test runner asks of a target: the list of its tests.
        Some("--list") => {}
        _ => {
            for signal in ["INT", "TERM"] {
                one_signal_stops_in_good_order(signal);
            }
            a_second_signal_ends_at_once();
            println!("signals: ok");
        }
    }
}

fn one_signal_stops_in_good_order(signal: &str) {
    let (mut program, mut output) = start();
    send(&program, signal);
    assert_eq!(line(&mut output), "cleaning up");
    program
        .stdin
        .take()
        .expect("piped")
        .write_all(b"go on\n")
        .expect("the program reads");
    assert_eq!(line(&mut output), "stopped by a signal");
    assert_eq!(end(program).code(), Some(0));
}

fn a_second_signal_ends_at_once() {
    let (mut program, mut output) = start();
    send(&program, "TERM");
    assert_eq!(line(&mut output), "cleaning up");
    // Its cleanup waits for a line that never comes. Taken out, because `wait` would close it, and that is an end too.
    let _stdin = program.stdin.take();
    send(&program, "TERM");
    assert_eq!(end(program).code(), Some(128 + 15));
}

fn start() -> (Child, BufReader<ChildStdout>) {
    let exe = std::env::current_exe().expect("this binary");
    let program = Command::new(exe)
        .arg("program")
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
    assert!(matches!(outcome, Ok(Outcome::Stopped { .. })), "{outcome:?}");
    println!("stopped by a signal");
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
