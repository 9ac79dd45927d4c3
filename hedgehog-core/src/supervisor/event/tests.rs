use super::{SupervisorEvent, SupervisorEventKind as Kind};
use crate::{ExitReason, Pid, StartError};
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};

fn event(kind: Kind) -> SupervisorEvent {
    SupervisorEvent {
        supervisor: "Root".into(),
        child: "a".into(),
        pid: None,
        kind,
    }
}

/// What a kind looks like to people, to programs, and to whoever is to be woken at night.
fn seen(kind: Kind) -> (String, Value, bool) {
    let event = event(kind);
    let mut json = serde_json::to_value(&event).expect("an event can be serialised");
    for field in ["supervisor", "child", "pid"] {
        json.as_object_mut()
            .and_then(|json| json.remove(field))
            .expect("in every event");
    }
    let line = event.to_string();
    let line = line.strip_prefix("Root/a ").expect("the path comes first");
    (line.to_owned(), json, event.is_problem())
}

fn nested() -> StartError {
    StartError::FailedToStartChild {
        id: "b".into(),
        source: Box::new(StartError::Panicked("no".into())),
    }
}

#[test]
fn each_kind_reads_well_and_serialises_flat() {
    let holder = Pid::next();
    let cause = "failed to start child b: panicked during start: no";
    let grace = Duration::from_secs(1);
    let terminated = |orderly| Kind::Terminated {
        reason: ExitReason::Killed,
        orderly,
    };
    let cases = [
        (
            Kind::Started,
            "started".to_owned(),
            json!({ "event": "started" }),
            false,
        ),
        (
            Kind::StartFailed { error: nested() },
            format!("did not start: {cause}"),
            json!({ "event": "start_failed", "error": cause }),
            true,
        ),
        (
            Kind::Exited {
                reason: ExitReason::Normal,
            },
            "exited: normal".to_owned(),
            json!({ "event": "exited", "reason": "normal" }),
            false,
        ),
        (
            Kind::Exited {
                reason: ExitReason::Panic("no".into()),
            },
            "exited: panic: no".to_owned(),
            json!({ "event": "exited", "reason": "panic: no" }),
            true,
        ),
        (
            Kind::Restarted { restarts: 2 },
            "restarted, restarts: 2".to_owned(),
            json!({ "event": "restarted", "restarts": 2 }),
            false,
        ),
        (
            Kind::RestartFailed { error: nested() },
            format!("did not start again: {cause}"),
            json!({ "event": "restart_failed", "error": cause }),
            true,
        ),
        (
            Kind::Replaced { holder },
            format!("is not restarted, {holder} has taken its name"),
            json!({ "event": "replaced", "holder": holder.as_u64() }),
            true,
        ),
        (
            terminated(true),
            "terminated: killed".to_owned(),
            json!({ "event": "terminated", "reason": "killed", "orderly": true }),
            false,
        ),
        (
            terminated(false),
            "did not terminate in good order: killed".to_owned(),
            json!({ "event": "terminated", "reason": "killed", "orderly": false }),
            true,
        ),
        (
            Kind::ZombieLeft { grace },
            "was killed, did not yield within 1s and is left behind".to_owned(),
            json!({ "event": "zombie_left", "grace_ms": 1_000 }),
            true,
        ),
        (
            Kind::MaxRestartsReached,
            "was restarted too often, its supervisor gives up".to_owned(),
            json!({ "event": "max_restarts_reached" }),
            true,
        ),
        (
            Kind::AutoShutdown,
            "was significant, its supervisor shuts down".to_owned(),
            json!({ "event": "auto_shutdown" }),
            false,
        ),
    ];
    for (kind, line, json, is_problem) in cases {
        assert_eq!(seen(kind), (line, json, is_problem));
    }
}

#[test]
fn a_reason_that_cannot_be_printed_is_an_event_all_the_same() {
    #[derive(Debug)]
    struct Bomb;
    impl fmt::Display for Bomb {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    impl std::error::Error for Bomb {}
    let reason = ExitReason::Error(Arc::new(Bomb));
    let (line, json, _) = seen(Kind::Exited { reason });
    assert_eq!(
        (line.as_str(), &json["reason"]),
        ("exited: (not printable)", &json!("(not printable)"))
    );
}
