//! Runs a family under criterion: one group a case, one function a contender. With `--test` each runs once, the large ones not
//! at all.

use criterion::{Criterion, Throughput};

use crate::family::Family;

/// What a test run leaves out: it shows that a bench runs, and a hundred thousand children show that no better.
const LARGEST_TESTED: usize = 1_000;

/// Measures every case of `family`.
pub fn measure(criterion: &mut Criterion, family: &Family) {
    // Criterion keeps to itself what it has read from the arguments.
    let tested = std::env::args().any(|argument| argument == "--test");
    for case in (family.cases)() {
        if tested && case.n > LARGEST_TESTED {
            continue;
        }
        let mut group = criterion.benchmark_group(format!("{}/{}/{}", family.name, case.name, case.n));
        group.throughput(Throughput::Elements(case.units));
        group.sample_size(10);
        for entry in case.entries {
            // Set up only when a filter does not leave it out.
            let mut rig = None;
            group.bench_function(entry.contender, |bencher| {
                let rig = rig.get_or_insert_with(|| (entry.start)());
                bencher.iter_custom(|iterations| rig.run(iterations).time());
            });
        }
        group.finish();
    }
}

/// The `main` of a bench that measures families.
#[macro_export]
macro_rules! families {
    ($($family:expr),+ $(,)?) => {
        fn main() {
            let mut criterion = criterion::Criterion::default().configure_from_args();
            $($crate::criterion::measure(&mut criterion, &$family);)+
            criterion.final_summary();
        }
    };
}
