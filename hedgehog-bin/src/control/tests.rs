//! A whole program in this process, asked over its socket.

use super::*;
use crate::app::{Market, System};
use crate::config::{Config, Flags};
use crate::databases::STREAMER;
use crate::exchange::simulator::MarketSource;
use crate::failure::FailureKind;
use crate::market::Symbol;
use crate::store::{Db, Id, Moment};
use crate::streamer::schema::{StreamingStatus, settings};
use diesel::ExpressionMethods;
use hedgehog_core::RunningApplication;

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
        let system = System::open(config, market).await.expect("nothing is in the way");
        let running = system.application().start().await.expect("the tree starts");
        system.launch(&running, &[]).await.expect("nothing to turn on");
        Self {
            folder,
            system,
            running,
        }
    }

    async fn ask(&self, request: Request) -> Response {
        let folder = DataDir::new(self.folder.path());
        let answered = tokio::task::spawn_blocking(move || call(&folder, &request)).await;
        answered.expect("it does not panic").expect("the program answers")
    }

    async fn text(&self, request: Request) -> String {
        let response = self.ask(request).await;
        assert_eq!(response.failure, None);
        response.answer.expect("an answer").text
    }

    async fn stop(self) -> tempfile::TempDir {
        self.running.stop().await;
        self.system.close().await;
        self.folder
    }
}

fn change(action: Action, symbols: &[&str]) -> Request {
    let symbols: Vec<Symbol> = symbols.iter().map(|symbol| symbol.parse().expect("a symbol")).collect();
    Request::Change {
        action,
        symbols,
        all: false,
    }
}

fn refused(folder: &DataDir) -> ControlError {
    call_within(folder, &Request::Status(View::default()), Duration::from_millis(50)).expect_err("nobody answers")
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
    let silent = std::os::unix::net::UnixListener::bind(folder.socket()).expect("a socket");
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
        program.text(start.clone()).await,
        "streaming BTCUSDT: started\nstreaming ETHUSDT: started"
    );
    assert_eq!(
        program.text(start).await,
        "streaming BTCUSDT: already running\nstreaming ETHUSDT: already running"
    );
    assert!(program.text(Request::Status(View::default())).await.contains("BTCUSDT"));
    assert!(
        program
            .text(Request::Tree(View::default()))
            .await
            .contains("└─ ETHUSDT")
    );
    let graph = program.text(Request::Graph).await;
    assert!(
        graph.starts_with("digraph tree {") && graph.contains("label=\"ETHUSDT"),
        "{graph}"
    );
    let stop = change(Action::StopStreaming, &["ethusdt"]);
    assert_eq!(program.text(stop.clone()).await, "streaming ETHUSDT: stopped");
    assert_eq!(program.text(stop).await, "streaming ETHUSDT: not running");

    let folder = DataDir::new(program.stop().await.path());
    let refused = call(&folder, &Request::Status(View::default())).expect_err("nobody is there");
    assert!(matches!(refused, ControlError::NotRunning { .. }), "{refused}");
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
    assert_eq!(program.text(stop).await, "streaming GONEUSDT: stopped");
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_killed_control_process_answers_and_comes_back_at_its_address() {
    let program = Program::start().await;
    let killed = program
        .text(Request::Kill {
            path: "Hedgehog/Control".to_owned(),
        })
        .await;
    assert!(killed.starts_with("Hedgehog/Control: killed"), "{killed}");
    assert!(
        program
            .text(Request::Tree(View::default()))
            .await
            .contains("└─ Control")
    );

    let unknown = program
        .ask(Request::Kill {
            path: "Hedgehog/Contrl".to_owned(),
        })
        .await
        .failure
        .expect("a typo");
    assert_eq!(unknown.kind, FailureKind::BadInput);
    assert!(unknown.message.contains("did you mean Hedgehog/Control"), "{unknown}");
    let root = program
        .ask(Request::Kill {
            path: "Hedgehog".to_owned(),
        })
        .await
        .failure
        .expect("it is the program");
    assert_eq!(root.kind, FailureKind::BadInput);
    program.stop().await;
}
