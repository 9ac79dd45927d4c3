use super::*;
use std::time::Duration;

#[test]
fn a_shutdown_is_clean_when_the_child_did_what_its_spec_says() {
    let timeout = Shutdown::Timeout(Duration::from_secs(5));
    let done = || ExitReason::ShutdownWith("done".into());
    let cases = [
        (Restart::Permanent, timeout, ExitReason::Shutdown, true),
        (Restart::Permanent, timeout, ExitReason::Normal, false),
        (Restart::Permanent, timeout, done(), false),
        (Restart::Transient, timeout, ExitReason::Normal, true),
        (Restart::Temporary, Shutdown::Infinity, done(), true),
        (Restart::Temporary, timeout, ExitReason::Killed, false),
        (Restart::Permanent, Shutdown::BrutalKill, ExitReason::Killed, true),
        (Restart::Permanent, Shutdown::BrutalKill, ExitReason::Shutdown, false),
    ];
    for (restart, how, reason, clean) in cases {
        assert_eq!(
            is_clean_shutdown(restart, how, &reason),
            clean,
            "{restart:?} {how:?} {reason}"
        );
    }
}
