//! Plays a scenario on hedgehog and on the model at the same time and stops where they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tokio::runtime::{Builder, Handle};

use crate::compare;
use crate::generate::Generator;
use crate::otp::{Otp, Rule, Tie};
use crate::scenario::{Body, Deed, Entry, NodeId, ROOT, Request, Step};
use crate::stage::Stage;

/// How long the tree is left alone after the last deed, and again after its root was asked to stop, in milliseconds. Longer than
/// any start, cleanup or window.
const AFTERMATH: u64 = 30_000;

/// What a scenario that showed no difference has shown.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) steps: Vec<Step>,
    /// What hedgehog did.
    pub(crate) history: Vec<Entry>,
    pub(crate) rules: BTreeMap<Rule, usize>,
    /// It ended early at this time, where the model could not tell what comes first.
    pub(crate) cut: Option<Tie>,
}

/// hedgehog is not what the model says.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) steps: Vec<Step>,
    /// What hedgehog did.
    pub(crate) history: Vec<Entry>,
    pub(crate) what: String,
}

/// The scenario of a seed.
pub(crate) fn seed(seed: u64) -> Result<Played, Difference> {
    let mut generator = Generator::new(seed);
    let length = generator.length();
    run(Source::Generator(generator, length))
}

/// These steps, as far as they still mean something.
pub(crate) fn steps(steps: Vec<Step>) -> Result<Played, Difference> {
    run(Source::Steps(steps.into()))
}

enum Source {
    Generator(Generator, usize),
    Steps(std::collections::VecDeque<Step>),
}

impl Source {
    /// The next step, after letting the model come to the instant before it.
    fn next(&mut self, otp: &mut Otp, now: u64) -> Option<Result<Step, Tie>> {
        match self {
            Self::Steps(steps) => {
                let step = steps.pop_front()?;
                let (at, asks_anew) = (step.at, !otp.has_timer_at(step.at));
                Some(otp.run_until(at).and(asks_anew.then_some(step).ok_or(Tie { at })))
            }
            Self::Generator(_, 0) => None,
            Self::Generator(generator, left) => {
                *left -= 1;
                let mut at = now + generator.pause(otp);
                loop {
                    if let Err(tie) = otp.run_until(at - 1) {
                        return Some(Err(tie));
                    }
                    if !otp.has_timer_at(at) {
                        break;
                    }
                    at += 1;
                }
                Some(otp.run_until(at).map(|()| Step {
                    at,
                    deed: generator.deed(otp),
                }))
            }
        }
    }
}

fn run(source: Source) -> Result<Played, Difference> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads or files needs nothing");
    let mut play = runtime.block_on(Play::open());
    let outcome = runtime.block_on(play.run(source));
    play.stage.close();
    match outcome {
        Ok(cut) => Ok(Played {
            steps: play.steps,
            rules: play.otp.rules(),
            history: play.history,
            cut,
        }),
        Err(what) => Err(Difference {
            steps: play.steps,
            history: play.history,
            what,
        }),
    }
}

struct Play {
    otp: Otp,
    stage: Stage,
    /// Tasks of the runtime while the root has no children.
    idle_tasks: usize,
    dynamic: BTreeSet<NodeId>,
    steps: Vec<Step>,
    history: Vec<Entry>,
}

impl Play {
    async fn open() -> Self {
        let stage = Stage::open().await.expect("an empty root starts");
        stage.run_until(1).await;
        Self {
            otp: Otp::new(),
            stage,
            idle_tasks: Handle::current().metrics().num_alive_tasks(),
            dynamic: BTreeSet::from([ROOT]),
            steps: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Where the scenario was cut short, if it was.
    async fn run(&mut self, mut source: Source) -> Result<Option<Tie>, String> {
        let mut now = 10;
        let mut cut = None;
        while let Some(next) = source.next(&mut self.otp, now) {
            let step = match next {
                Ok(step) => step,
                Err(tie) => {
                    cut = Some(tie);
                    break;
                }
            };
            now = step.at;
            self.stage.run_until(now).await;
            self.check()?;
            if let Deed::Ask(_, Request::Start(node)) = &step.deed {
                let dynamic = node.iter().filter(|node| matches!(node.body, Body::Dynamic(_)));
                self.dynamic.extend(dynamic.map(|node| node.id));
            }
            self.otp.perform(&step.deed);
            self.stage.perform(&step.deed);
            self.steps.push(step);
        }
        // The end: in peace, then in order, and what is left then by force.
        let ends: [fn(&mut Self); 3] = [
            |_| {},
            |play| {
                play.otp.stop_root();
                play.stage.stop_root();
            },
            |play| {
                play.otp.perform(&Deed::Kill(ROOT));
                play.stage.perform(&Deed::Kill(ROOT));
            },
        ];
        for end in ends {
            end(self);
            now += AFTERMATH;
            cut = cut.or_else(|| self.otp.run_until(now).err());
            self.stage.run_until(now).await;
            if cut.is_none() {
                self.check()?;
            }
        }
        self.history.extend(self.stage.take_log());
        self.check_that_nothing_is_left()?;
        Ok(cut)
    }

    fn check(&mut self) -> Result<(), String> {
        let tree = compare::Tree {
            parents: self.otp.parents(),
            dynamic: &self.dynamic,
        };
        let (expected, seen) = (self.otp.take_log(), self.stage.take_log());
        self.history.extend(seen.iter().cloned());
        compare::lives(&expected, &seen, &tree)?;
        compare::told(&self.otp.take_told(), &self.stage.take_told(), &tree)?;
        same("the names", &self.otp.names(), &self.stage.names())?;
        for (supervisor, mut expected) in self.otp.idle_supervisors() {
            let mut seen = self.stage.snapshot(supervisor);
            if self.dynamic.contains(&supervisor) {
                expected.children.sort_unstable();
                if let Some(seen) = &mut seen {
                    seen.children.sort_unstable();
                }
            }
            same(&format!("the snapshot of {supervisor}"), &Some(expected), &seen)?;
        }
        same("the answers", &timed(self.otp.answers()), &timed(self.stage.answers()))
    }

    fn check_that_nothing_is_left(&self) -> Result<(), String> {
        same("the names in the end", &BTreeMap::new(), &self.stage.names())?;
        let tasks = Handle::current().metrics().num_alive_tasks();
        if tasks < self.idle_tasks {
            Ok(())
        } else {
            Err(format!(
                "{tasks} tasks are left of a tree that had {} when it was empty",
                self.idle_tasks
            ))
        }
    }
}

/// A supervisor that is gone may be noticed a little later by those who asked it.
fn timed(answers: BTreeMap<usize, (u64, String)>) -> BTreeMap<usize, (u64, String)> {
    let without_time = |(at, answer): (u64, String)| (if answer == "noproc" { 0 } else { at }, answer);
    answers
        .into_iter()
        .map(|(call, answer)| (call, without_time(answer)))
        .collect()
}

fn same<T: PartialEq + fmt::Debug>(what: &str, expected: &T, seen: &T) -> Result<(), String> {
    if expected == seen {
        Ok(())
    } else {
        Err(format!("{what}\n  OTP:      {expected:?}\n  hedgehog: {seen:?}"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was done\n")?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step}"))?;
        f.write_str("what hedgehog did\n")?;
        self.history.iter().try_for_each(|entry| writeln!(f, "  {entry}"))?;
        write!(f, "where it differs: {}", self.what)
    }
}
