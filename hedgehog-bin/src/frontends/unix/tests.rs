//! A whole program in this process, asked over its socket.

use super::call::call_within;
use super::*;
use crate::app::{Action, Answer, Market, Operation, System, Which};
use crate::config::{Config, Flags};
use crate::data_dir::DataDir;
use crate::databases::STREAMER;
use crate::exchange::simulator::MarketSource;
use crate::failure::FailureKind;
use crate::market::{Stream, Symbol};
use crate::store::{Db, Id, Moment};
use crate::streamer::schema::{StreamingStatus, settings};
use diesel::ExpressionMethods;
use hedgehog_core::RunningApplication;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

struct Program {
    folder: tempfile::TempDir,
    system: System,
    running: RunningApplication,
}

impl Program {
    async fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder")).await
    }

    async fn start_in(folder: tempfile::TempDir) -> Self {
        let flags = Flags {
            data_dir: Some(folder.path().into()),
            ..Flags::default()
        };
        let config = Config::load(&flags, []).expect("defaults");
        let market = Market::Simulated(MarketSource::Generated { seed: 1 });
        let system = System::open(config, market, &[FRONTEND])
            .await
            .expect("nothing is in the way");
        let running = system.application().start().await.expect("the tree starts");
        system.launch(&running, &[]).await.expect("nothing to turn on");
        Self {
            folder,
            system,
            running,
        }
    }

    async fn ask(&self, operation: Operation) -> Response {
        let folder = DataDir::new(self.folder.path());
        let answered = tokio::task::spawn_blocking(move || call(&folder, &operation)).await;
        answered.expect("it does not panic").expect("the program answers")
    }

    async fn answer(&self, operation: Operation) -> Answer {
        let response = self.ask(operation).await;
        assert_eq!(response.failure, None);
        response.answer.expect("an answer")
    }

    /// What a change did, a line for each.
    async fn done(&self, operation: Operation) -> Vec<String> {
        match self.answer(operation).await {
            Answer::Changed { action, changes } => changes.iter().map(|change| action.describe(change)).collect(),
            other => panic!("no changes: {other:?}"),
        }
    }

    /// The paths of the processes.
    async fn paths(&self) -> Vec<String> {
        match self.answer(Operation::Tree).await {
            Answer::Tree(tree) => tree.iter().map(|node| node.path.clone()).collect(),
            other => panic!("no tree: {other:?}"),
        }
    }

    async fn stop(self) -> tempfile::TempDir {
        self.running.stop().await;
        self.system.close().await;
        self.folder
    }
}

fn change(action: Action, symbols: &[&str]) -> Operation {
    let symbols: Vec<Symbol> = symbols.iter().map(|symbol| symbol.parse().expect("a symbol")).collect();
    let symbols = Which::Named(symbols);
    Operation::Change { action, symbols }
}

fn kill(path: &str) -> Operation {
    let path = path.to_owned();
    Operation::Kill { path }
}

fn refused(folder: &DataDir) -> ControlError {
    call_within(folder, &Operation::Status, Duration::from_millis(50)).expect_err("nobody answers")
}

#[test]
fn only_a_folder_that_nobody_holds_has_no_program() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = DataDir::new(parent.path());
    assert!(matches!(
        refused(&folder),
        ControlError::NotRunning { exists: true, .. }
    ));
    let absent = DataDir::new(parent.path().join("absent"));
    let told = refused(&absent).to_string();
    assert!(
        told.contains("no hedgehog runs") && told.contains("does not exist"),
        "{told}"
    );

    let lock = folder.lock().expect("nobody holds it");
    let holder = format!("process {}", std::process::id());
    let told = refused(&folder).to_string();
    assert!(
        told.starts_with(&holder) && told.contains("starting or stopping"),
        "{told}"
    );
    let silent = UnixListener::bind(folder.socket()).expect("a socket");
    let told = refused(&folder).to_string();
    assert!(
        told.starts_with(&holder) && told.contains("did not answer within"),
        "{told}"
    );
    drop((silent, lock));
    // The socket's file is still there, as after a kill.
    assert!(matches!(refused(&folder), ControlError::NotRunning { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_does_what_it_is_asked_and_says_what_it_did() {
    let program = Program::start().await;
    let start = change(Action::StartStreaming, &["btcusdt", "ethusdt"]);
    assert_eq!(
        program.done(start.clone()).await,
        ["streaming BTCUSDT: started", "streaming ETHUSDT: started"]
    );
    assert_eq!(
        program.done(start).await,
        [
            "streaming BTCUSDT: already running",
            "streaming ETHUSDT: already running"
        ]
    );
    let Answer::Status(status) = program.answer(Operation::Status).await else {
        panic!("no status")
    };
    assert_eq!(status.on(), ["BTCUSDT: streaming", "ETHUSDT: streaming"]);
    let paths = program.paths().await;
    assert!(paths.iter().any(|path| path.ends_with("Streams/ETHUSDT")), "{paths:?}");
    let stop = change(Action::StopStreaming, &["ethusdt"]);
    assert_eq!(program.done(stop.clone()).await, ["streaming ETHUSDT: stopped"]);
    assert_eq!(program.done(stop).await, ["streaming ETHUSDT: not running"]);

    let folder = DataDir::new(program.stop().await.path());
    let refused = call(&folder, &Operation::Status).expect_err("nobody is there");
    assert!(matches!(refused, ControlError::NotRunning { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_out_of_the_socket_as_it_went_in() {
    let program = Program::start().await;
    let streams = vec![Stream::TradeEvents, Stream::Orders];
    for action in [
        Action::StartStoring { streams },
        Action::StartTrading,
        Action::StartStreaming,
    ] {
        program.done(change(action, &["BTCUSDT"])).await;
    }
    let (pattern, symbols) = (Some("BTC*".to_owned()), Vec::new());
    for operation in [
        Operation::Status,
        Operation::Tree,
        Operation::Seed,
        Operation::Symbols { pattern },
        Operation::Settings { symbols, change: None },
    ] {
        let answer = program.system.carry_out(operation).await.answer.expect("an answer");
        let line = serde_json::to_string(&answer).expect("plain data");
        let read: Answer = serde_json::from_str(&line).expect("it reads back");
        let [read, answer] = [read, answer].map(|answer| serde_json::to_value(answer).expect("plain data"));
        assert_eq!(read, answer);
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typo_in_one_symbol_changes_nothing_for_the_others() {
    let program = Program::start().await;
    let response = program
        .ask(change(Action::StartStreaming, &["BTCUSDT", "ETHUSD"]))
        .await;
    let failure = response.failure.expect("there is no ETHUSD");
    assert_eq!(failure.kind, FailureKind::BadInput);
    assert!(failure.message.contains("did you mean ETHUSDT"), "{failure}");
    let status = program.system.status().await;
    assert!(status.streaming.expect("the app runs").iter().all(|stream| !stream.on));
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_was_delisted_while_it_was_on_can_be_switched_off() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("streamer.db").display().to_string();
    let db = Db::open(&file, STREAMER).await.expect("a database");
    let row = (
        settings::id.eq(Id::new()),
        settings::symbol.eq("GONEUSDT"),
        settings::status.eq(StreamingStatus::On),
        settings::exchange_status.eq("TRADING"),
        settings::inserted_at.eq(Moment::now()),
        settings::updated_at.eq(Moment::now()),
    );
    let insert = diesel::insert_into(settings::table).values(row);
    db.run(insert).await.expect("a row");
    drop(db);
    let program = Program::start_in(folder).await;
    let stop = change(Action::StopStreaming, &["GONEUSDT"]);
    assert_eq!(program.done(stop).await, ["streaming GONEUSDT: stopped"]);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_killed_control_process_answers_and_comes_back_at_its_address() {
    let program = Program::start().await;
    let Answer::Killed(killed) = program.answer(kill("Hedgehog/Control")).await else {
        panic!("nothing was killed")
    };
    assert_eq!(killed.path, "Hedgehog/Control");
    assert!(killed.pid.is_some());
    let paths = program.paths().await;
    assert!(paths.contains(&killed.path), "{paths:?}");

    let unknown = program.ask(kill("Hedgehog/Contrl")).await.failure.expect("a typo");
    assert_eq!(unknown.kind, FailureKind::BadInput);
    assert!(unknown.message.contains("did you mean Hedgehog/Control"), "{unknown}");
    let root = program.ask(kill("Hedgehog")).await.failure.expect("it is the program");
    assert_eq!(root.kind, FailureKind::BadInput);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_another_version_is_refused_in_plain_words_that_it_can_read() {
    let program = Program::start().await;
    for (line, who) in [
        (r#"{"request":"status"}"#, "another version of hedgehog"),
        (r#"{"version":"0.0.9","operation":"fly"}"#, "hedgehog 0.0.9"),
    ] {
        let mut socket = UnixStream::connect(DataDir::new(program.folder.path()).socket()).expect("it listens");
        writeln!(socket, "{line}").expect("it reads");
        let mut reply = String::new();
        BufReader::new(socket).read_line(&mut reply).expect("it answers");
        let reply: serde_json::Value = serde_json::from_str(&reply).expect("JSON");
        assert_eq!(reply["failure"]["kind"], "failed", "{reply}");
        let told = reply["failure"]["message"].as_str().expect("a text");
        assert!(told.contains(who) && !told.contains("line 1"), "{told}");
    }
    program.stop().await;
}

#[test]
fn the_answer_of_another_version_is_not_read() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = DataDir::new(parent.path());
    let _lock = folder.lock().expect("nobody holds it");
    let listener = UnixListener::bind(folder.socket()).expect("a socket");
    for (reply, who) in [
        (r#"{"answer":{"text":"","json":{}},"failure":null}"#, "another version"),
        (r#"{"version":"0.0.9","answer":"fly","failure":null}"#, "hedgehog 0.0.9"),
    ] {
        let served = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut socket, _) = listener.accept().expect("a caller");
                let mut line = String::new();
                let mut reader = BufReader::new(socket.try_clone().expect("the same"));
                reader.read_line(&mut line).expect("a request");
                writeln!(socket, "{reply}").expect("it reads");
            });
            call(&folder, &Operation::Status)
        });
        let refusal = served.expect_err("it is another one").to_string();
        assert!(refusal.contains(who) && !refusal.contains("line 1"), "{refusal}");
    }
}
