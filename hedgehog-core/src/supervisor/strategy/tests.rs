use super::*;

#[test]
fn each_strategy_has_its_group() {
    assert_eq!(Strategy::OneForOne.group(1, 4), 1..2);
    assert_eq!(Strategy::OneForAll.group(1, 4), 0..4);
    assert_eq!(Strategy::RestForOne.group(1, 4), 1..4);
}

#[test]
fn the_restart_type_and_the_reason_decide_together() {
    let clean = [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::ShutdownWith("done".into()),
    ];
    let abnormal = [
        ExitReason::Killed,
        ExitReason::Panic("p".into()),
        ExitReason::Error(std::sync::Arc::new(std::fmt::Error)),
    ];
    for reason in clean.iter().chain(&abnormal) {
        assert!(calls_for_restart(Restart::Permanent, reason));
        assert!(!calls_for_restart(Restart::Temporary, reason));
        assert_eq!(calls_for_restart(Restart::Transient, reason), reason.is_abnormal());
    }
    assert!(clean.iter().all(ExitReason::is_clean) && abnormal.iter().all(ExitReason::is_abnormal));
}
