//! Takes the samples of a case: all contenders set up, then one sample of each in turn, so that what disturbs the machine for a
//! while disturbs all of them.

use std::time::{Duration, Instant};

use super::figure::Figure;
use super::progress;
use crate::family::{Case, Entry, Family, Measure, Rig, Role};

/// How much time a case may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// What one sample should measure at least.
    sample: Duration,
    /// What the samples of one contender may take in all, with what is set up and cleared away for them, unless the fewest take
    /// longer.
    budget: Duration,
    /// How long a contender runs before it is measured at all.
    warm_up: Duration,
    /// How long it runs before each sample: it has slept while all others had their turns, and its threads and the caches take
    /// some tens of milliseconds to find their places again.
    lead_in: Duration,
    fewest_samples: usize,
    most_samples: usize,
    /// Whether cases are measured whose iterations take seconds.
    pub(super) long_cases: bool,
}

impl Effort {
    pub(super) const FULL: Self = Self {
        sample: Duration::from_millis(30),
        budget: Duration::from_millis(700),
        warm_up: Duration::from_millis(150),
        lead_in: Duration::from_millis(60),
        fewest_samples: 3,
        most_samples: 11,
        long_cases: true,
    };
    pub(super) const QUICK: Self = Self {
        sample: Duration::from_millis(10),
        budget: Duration::from_millis(100),
        warm_up: Duration::from_millis(30),
        lead_in: Duration::from_millis(20),
        fewest_samples: 3,
        most_samples: 5,
        long_cases: false,
    };

    /// The iterations of a lead-in; none where a sample of so many takes longer by itself.
    fn ahead(self, iterations: u64, sample: Duration) -> u64 {
        let samples = self.lead_in.as_nanos() / sample.as_nanos().max(1);
        iterations * samples as u64
    }

    fn samples(self, one: Duration) -> usize {
        let fitting = self.budget.as_nanos() / one.as_nanos().max(1);
        (fitting as usize).clamp(self.fewest_samples, self.most_samples)
    }
}

struct Running {
    contender: &'static str,
    role: Role,
    rig: Box<dyn Rig>,
    iterations: u64,
    /// Of the lead-in.
    ahead: u64,
    samples: usize,
    /// The cost of one unit.
    taken: Vec<f64>,
    lost: u64,
}

impl Running {
    fn new(entry: &Entry, measure: Measure, effort: Effort) -> Self {
        let mut rig = (entry.start)();
        let (iterations, ahead, samples) = match measure {
            Measure::Time => {
                let (iterations, one) = calibrate(&mut *rig, effort);
                (iterations, effort.ahead(iterations, one), effort.samples(one))
            }
            Measure::Memory => (1, 0, effort.fewest_samples),
        };
        Self {
            contender: entry.contender,
            role: entry.role,
            rig,
            iterations,
            ahead,
            samples,
            taken: Vec::new(),
            lost: 0,
        }
    }
}

/// Of every contender; how they compare is not said yet.
pub(super) fn case(family: &Family, case: &Case, effort: Effort) -> Vec<Figure> {
    let doing = |contender| progress(&format!("{} {} {}: {contender}", family.name, case.name, case.n));
    let mut running = Vec::with_capacity(case.entries.len());
    for entry in &case.entries {
        doing(entry.contender);
        running.push(Running::new(entry, family.measure, effort));
    }
    let turns = running.iter().map(|entry| entry.samples).max().unwrap_or_default();
    for turn in 0..turns {
        for entry in running.iter_mut().filter(|entry| turn < entry.samples) {
            doing(entry.contender);
            if entry.ahead > 0 {
                entry.rig.run(entry.ahead);
            }
            let sample = entry.rig.run(entry.iterations);
            let units = (entry.iterations * case.units) as f64;
            entry.taken.push(sample.cost as f64 / units);
            entry.lost += sample.lost;
        }
    }
    running.into_iter().map(|entry| figure(family, case, entry)).collect()
}

fn figure(family: &Family, case: &Case, mut entry: Running) -> Figure {
    entry.taken.sort_by(f64::total_cmp);
    let units = case.units * entry.iterations * entry.taken.len() as u64;
    Figure {
        family: family.name,
        measure: family.measure,
        case: case.name.to_owned(),
        n: case.n,
        contender: entry.contender.to_owned(),
        role: entry.role,
        median: quantile(&entry.taken, 0.5),
        quartiles: [quantile(&entry.taken, 0.25), quantile(&entry.taken, 0.75)],
        lost: entry.lost as f64 / units as f64,
        ratio_to_best: f64::NAN,
    }
}

/// Compares the figures of one case.
pub(super) fn compare(figures: &mut [Figure]) {
    let competing = figures
        .iter()
        .filter(|figure| figure.role == Role::Contender && figure.lost == 0.0);
    let best = competing.map(|figure| figure.median).fold(f64::INFINITY, f64::min);
    for figure in figures {
        figure.ratio_to_best = figure.median / best;
    }
}

/// How many iterations fill a sample, and how long that takes in all.
///
/// Found out while warming up: what runs for the first time, on memory that nobody has touched, takes several times as long.
fn calibrate(rig: &mut dyn Rig, effort: Effort) -> (u64, Duration) {
    let start = Instant::now();
    let mut iterations = 1;
    loop {
        let run = Instant::now();
        let measured = rig.run(iterations).time();
        let took = run.elapsed();
        let fitting = effort.sample.as_secs_f64() / measured.as_secs_f64().max(1e-9);
        let spent = start.elapsed();
        if spent >= effort.budget || (spent >= effort.warm_up && fitting < 2.0) {
            return (iterations, took);
        }
        iterations = (iterations as f64 * fitting.clamp(0.5, 16.0)).ceil() as u64;
    }
}

/// Of sorted values, the one that `share` of them do not exceed, interpolated.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let medians = [&[1.0, 2.0, 4.0][..], &[1.0, 2.0], &[3.0]].map(|sorted| quantile(sorted, 0.5));
        assert_eq!(medians.map(|median| format!("{median:.2}")), ["2.00", "1.50", "3.00"]);
    }

    #[test]
    fn ratios_are_to_the_best_that_loses_nothing() {
        let case = Case {
            name: "burst",
            n: 10,
            units: 10,
            long: false,
            entries: Vec::new(),
        };
        let measured = |role, taken, lost| {
            let entry = Running {
                contender: "any",
                role,
                rig: Box::new(|_: u64| Duration::ZERO),
                iterations: 1,
                ahead: 0,
                samples: 1,
                taken: vec![taken],
                lost,
            };
            figure(&crate::FAMILIES[0], &case, entry)
        };
        let mut figures = [
            measured(Role::Contender, 20.0, 0),
            measured(Role::Contender, 60.0, 0),
            measured(Role::Contender, 5.0, 3),
            measured(Role::Floor, 2.0, 0),
        ];
        compare(&mut figures);
        let ratios = figures.map(|figure| (figure.ratio_to_best, figure.lost));
        assert_eq!(ratios, [(1.0, 0.0), (3.0, 0.0), (0.25, 0.3), (0.1, 0.0)]);
    }
}
