use super::*;
use std::ops::RangeBounds as _;

#[test]
fn each_strategy_has_its_group() {
    let group = |strategy: Strategy| -> Vec<u32> { (0..4).filter(|at| strategy.group(1).contains(at)).collect() };
    assert_eq!(group(Strategy::OneForOne), [1]);
    assert_eq!(group(Strategy::OneForAll), [0, 1, 2, 3]);
    assert_eq!(group(Strategy::RestForOne), [1, 2, 3]);
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
