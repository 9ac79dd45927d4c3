use super::*;
use proptest::prelude::*;

const WINDOW: Duration = Duration::from_secs(5);
const MS: Duration = Duration::from_millis(1);

#[test]
fn zero_bears_no_restart() {
    assert!(!Intensity::new(0, WINDOW).record(Instant::now()));
}

#[test]
fn a_restart_exactly_as_old_as_the_window_still_counts() {
    let start = Instant::now();
    let mut intensity = Intensity::new(1, WINDOW);
    assert!(intensity.record(start));
    assert!(!intensity.record(start + WINDOW));

    let mut intensity = Intensity::new(1, WINDOW);
    assert!(intensity.record(start));
    assert!(intensity.record(start + WINDOW + MS));
}

proptest! {
    /// The rule in one line: a restart is borne when, with it, at most `max` lie within the window that ends with it.
    #[test]
    fn a_restart_is_borne_exactly_when_its_window_has_room(max in 0_usize..6, gaps in prop::collection::vec(0_u64..4_000, 1..60)) {
        let start = Instant::now();
        let mut intensity = Intensity::new(max, WINDOW);
        let mut all = Vec::new();
        let mut at = start;
        for gap in gaps {
            at += Duration::from_millis(gap);
            all.push(at);
            let within = all.iter().filter(|restart| **restart + WINDOW >= at).count();
            let borne = intensity.record(at);
            prop_assert_eq!(borne, within <= max);
            prop_assert!(intensity.recent.len() <= max + 1);
            if !borne {
                break;
            }
        }
    }
}
