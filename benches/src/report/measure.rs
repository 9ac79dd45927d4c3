//! Takes the samples of a case: all contenders set up, then one sample of each in turn, so that what disturbs the machine for a
//! while disturbs all of them.

use std::time::Duration;

use super::Figure;
use crate::family::{Case, Family, Rig, Role};

/// How much time a case may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// What one sample should last at least.
    sample: Duration,
    /// What the samples of one contender may last in all, unless one is longer.
    budget: Duration,
    most_samples: usize,
}

impl Effort {
    pub(super) const FULL: Self = Self {
        sample: Duration::from_millis(40),
        budget: Duration::from_millis(1_200),
        most_samples: 21,
    };
    pub(super) const QUICK: Self = Self {
        sample: Duration::from_millis(10),
        budget: Duration::from_millis(150),
        most_samples: 9,
    };
    const FEWEST_SAMPLES: usize = 3;

    fn samples(self, one: Duration) -> usize {
        let fitting = self.budget.as_nanos() / one.as_nanos().max(1);
        (fitting as usize).clamp(Self::FEWEST_SAMPLES, self.most_samples)
    }
}

struct Running {
    contender: &'static str,
    role: Role,
    rig: Box<dyn Rig>,
    iterations: u64,
    samples: usize,
    /// Nanoseconds for one unit.
    taken: Vec<f64>,
    lost: u64,
}

pub(super) fn case(family: &Family, case: &Case, effort: Effort) -> Vec<Figure> {
    let mut running: Vec<Running> = case
        .entries
        .iter()
        .map(|entry| {
            let mut rig = (entry.start)();
            let (iterations, one) = calibrate(&mut *rig, effort.sample);
            Running {
                contender: entry.contender,
                role: entry.role,
                rig,
                iterations,
                samples: effort.samples(one),
                taken: Vec::new(),
                lost: 0,
            }
        })
        .collect();
    let turns = running.iter().map(|entry| entry.samples).max().unwrap_or_default();
    for turn in 0..turns {
        for entry in running.iter_mut().filter(|entry| turn < entry.samples) {
            let sample = entry.rig.run(entry.iterations);
            let units = (entry.iterations * case.units) as f64;
            entry.taken.push(sample.took.as_nanos() as f64 / units);
            entry.lost += sample.lost;
        }
    }
    figures(family, case, running)
}

fn figures(family: &Family, case: &Case, running: Vec<Running>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = running
        .into_iter()
        .map(|mut entry| {
            entry.taken.sort_by(f64::total_cmp);
            let units = case.units * entry.iterations * entry.taken.len() as u64;
            Figure {
                family: family.name,
                case: case.name,
                n: case.n,
                contender: entry.contender.to_owned(),
                median_ns: quantile(&entry.taken, 0.5),
                ratio_to_best: f64::NAN,
                lost: entry.lost as f64 / units as f64,
                quartiles: (quantile(&entry.taken, 0.25), quantile(&entry.taken, 0.75)),
                role: entry.role,
            }
        })
        .collect();
    let competing = figures
        .iter()
        .filter(|figure| figure.role == Role::Contender && figure.lost == 0.0);
    let best = competing.map(|figure| figure.median_ns).fold(f64::INFINITY, f64::min);
    for figure in &mut figures {
        figure.ratio_to_best = figure.median_ns / best;
    }
    figures
}

/// How many iterations fill a sample, and how long that is. Also warms up.
fn calibrate(rig: &mut dyn Rig, sample: Duration) -> (u64, Duration) {
    let mut iterations = 1;
    loop {
        let took = rig.run(iterations).took;
        if took >= sample / 2 || iterations >= 1 << 24 {
            return (iterations, took);
        }
        let factor = sample.as_nanos() / took.as_nanos().max(1);
        iterations *= (factor as u64).clamp(2, 16);
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
        let entry = |contender, role, taken, lost| Running {
            contender,
            role,
            rig: Box::new(|_: u64| Duration::ZERO),
            iterations: 1,
            samples: 1,
            taken: vec![taken],
            lost,
        };
        let running = vec![
            entry("steady", Role::Contender, 20.0, 0),
            entry("slow", Role::Contender, 60.0, 0),
            entry("lossy", Role::Contender, 5.0, 3),
            entry("floor", Role::Floor, 2.0, 0),
        ];
        let case = Case {
            name: "burst",
            n: 10,
            units: 10,
            entries: Vec::new(),
        };
        let ratios: Vec<_> = figures(&crate::FAMILIES[0], &case, running)
            .iter()
            .map(|figure| (figure.ratio_to_best, figure.lost))
            .collect();
        assert_eq!(ratios, [(1.0, 0.0), (3.0, 0.0), (0.25, 0.3), (0.1, 0.0)]);
    }
}
