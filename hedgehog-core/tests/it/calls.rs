//! Calls: replies, deadlines, and targets that go away.

use crate::kit::{Log, Order, Script, quiet};
use hedgehog_core::{CallError, ExitReason, Restart, Strategy, Supervisor};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn probe(log: &Log) -> (Script, hedgehog_core::SupervisorRef) {
    let a = Script::new("a", log);
    let supervisor = Supervisor::new(Strategy::OneForOne).child(a.spec().restart(Restart::Temporary));
    (a.clone(), supervisor.start().await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_a_reply_or_a_typed_error() {
    quiet();
    let (a, _supervisor) = probe(&Log::default()).await;
    let it = a.it();
    assert_eq!(it.call(Order::Ping, SECOND).await.unwrap(), "a");
    assert_eq!(a.name.call(Order::Ping, None).await.unwrap(), "a");
    let myself = it.call(Order::CallSelf, None).await.unwrap();
    assert!(matches!(myself, CallError::CallingSelf));
    assert!(matches!(it.call(Order::Snub, None).await, Err(CallError::NoReply)));

    it.cast(Order::Hang).unwrap();
    assert!(matches!(
        it.call(Order::Ping, SECOND).await,
        Err(CallError::Timeout(SECOND))
    ));
    let (answer, ()) = tokio::join!(it.call(Order::Ping, None), async {
        tokio::task::yield_now().await;
        it.kill();
    });
    assert!(matches!(answer, Err(CallError::Exited(ExitReason::Killed))));
    assert!(matches!(it.call(Order::Ping, None).await, Err(CallError::NoProc)));
    assert!(matches!(a.name.call(Order::Ping, None).await, Err(CallError::NoProc)));
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_crashes_on_the_request_tells_the_caller_why() {
    quiet();
    let (a, _supervisor) = probe(&Log::default()).await;
    let it = a.it();
    it.cast(Order::Panic("on purpose")).unwrap();
    let answer = it.call(Order::Ping, None).await;
    assert!(
        matches!(answer, Err(CallError::Exited(ExitReason::Panic(_)))),
        "{answer:?}"
    );
}
