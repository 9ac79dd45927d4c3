//! Makes a scenario that shows a difference as short as it gets.

use crate::play::{self, Difference};
use crate::scenario::{Body, Deed, Node, Request, Step};

/// Plays after which shrinking gives up.
const PATIENCE: usize = 2_000;

/// The shortest scenario found that still shows a difference.
pub(crate) fn shrink(mut shortest: Difference) -> Difference {
    let mut left = PATIENCE;
    while let Some(shorter) = shorten(&shortest.steps, &mut left) {
        shortest = shorter;
    }
    shortest
}

fn shorten(steps: &[Step], left: &mut usize) -> Option<Difference> {
    let simpler = simplifications(steps).take(*left).inspect(|_| *left -= 1);
    let mut differences = simpler.filter_map(|simpler| play::steps(simpler).err());
    differences.find(|difference| size(&difference.steps) < size(steps))
}

fn size(steps: &[Step]) -> usize {
    steps.len()
        + steps
            .iter()
            .filter_map(started)
            .map(|node| node.iter().map(weight).sum::<usize>())
            .sum::<usize>()
}

fn weight(node: &Node) -> usize {
    match &node.body {
        Body::Worker(lives) => 1 + lives.len(),
        Body::Static(_) | Body::Dynamic(_) => 1,
    }
}

/// The same steps without some of them, or with smaller trees.
fn simplifications(steps: &[Step]) -> impl Iterator<Item = Vec<Step>> {
    let chunks = std::iter::successors(Some(steps.len() / 2), |chunk| (*chunk > 1).then_some(chunk / 2));
    let fewer = chunks.filter(|chunk| *chunk > 0).flat_map(move |chunk| {
        (0..steps.len()).step_by(chunk).map(move |from| {
            let mut fewer = steps.to_vec();
            fewer.drain(from..(from + chunk).min(steps.len()));
            fewer
        })
    });
    let smaller = steps
        .iter()
        .enumerate()
        .filter_map(|(at, step)| Some((at, started(step)?)));
    let smaller = smaller.flat_map(move |(at, node)| {
        without_one(node).into_iter().map(move |smaller| {
            let mut steps = steps.to_vec();
            if let Deed::Ask(_, Request::Start(node)) = &mut steps[at].deed {
                *node = smaller;
            }
            steps
        })
    });
    fewer.chain(smaller)
}

fn started(step: &Step) -> Option<&Node> {
    match &step.deed {
        Deed::Ask(_, Request::Start(node)) => Some(node),
        _ => None,
    }
}

/// The tree without one of its nodes, or without what is special about one, in all possible ways.
fn without_one(node: &Node) -> Vec<Node> {
    match &node.body {
        Body::Worker(lives) if !lives.is_empty() => {
            let body = Body::Worker(lives[..lives.len() - 1].to_vec());
            vec![Node { body, ..node.clone() }]
        }
        Body::Worker(_) | Body::Dynamic(_) => Vec::new(),
        Body::Static(supervisor) => {
            let children = 0..supervisor.children.len();
            let mut smaller = Vec::new();
            let mut with = |children: Vec<Node>| {
                let body = Body::Static(crate::scenario::Static {
                    children,
                    ..supervisor.clone()
                });
                smaller.push(Node { body, ..node.clone() });
            };
            for at in children.clone() {
                let mut children = supervisor.children.clone();
                children.remove(at);
                with(children);
            }
            for at in children {
                for child in without_one(&supervisor.children[at]) {
                    let mut children = supervisor.children.clone();
                    children[at] = child;
                    with(children);
                }
            }
            smaller
        }
    }
}
