//! The supervision tree, drawn as one.

use super::table::{Column, Table};
use super::text::{duration, one_line, word};
use super::view::View;
use crate::market::grouped;
use hedgehog_core::{ChildState, TreeNode};
use std::time::Duration;

/// More siblings than this are folded: hundreds of streams would push everything else off the screen.
const FOLDED_ABOVE: usize = 40;
/// How many of them show all the same.
const SHOWN: usize = 20;

/// One process a line: below its supervisor, with what of it is not as usual.
pub(super) fn tree(root: &TreeNode, view: View) -> String {
    draw(&Process::of(root), view.columns(), view.all)
}

/// What the drawing shows of a process.
#[derive(Clone, Debug, Default)]
struct Process {
    id: String,
    /// Unless it runs.
    state: Option<String>,
    pid: Option<String>,
    restarts: u64,
    uptime: Option<Duration>,
    last_exit: Option<String>,
    children: Vec<Process>,
}

impl Process {
    fn of(node: &TreeNode) -> Self {
        Self {
            id: node.id.clone(),
            state: (node.state != ChildState::Running).then(|| word(&node.state)),
            pid: node.pid.map(|pid| pid.to_string()),
            restarts: node.restarts,
            uptime: node.uptime,
            last_exit: node.last_exit.as_deref().map(one_line),
            children: node.children.iter().map(Self::of).collect(),
        }
    }

    /// What somebody who looks for trouble must see.
    fn is_unusual(&self) -> bool {
        self.restarts > 0 || self.state.is_some() || self.children.iter().any(Self::is_unusual)
    }

    fn exits(&self) -> bool {
        self.last_exit.is_some() || self.children.iter().any(Self::exits)
    }
}

fn draw(root: &Process, columns: usize, all: bool) -> String {
    let mut table = vec![
        Column::words("PROCESS").shrinks_in_front_to(28),
        Column::words("STATE"),
        Column::words("PID").rank(1),
        Column::numbers("RESTARTS"),
        Column::numbers("UPTIME"),
    ];
    if root.exits() {
        table.push(Column::words("LAST EXIT").rank(2).shrinks_to(9));
    }
    let mut table = Table::new(table);
    add(&mut table, root, "", "", all);
    table.lines(columns).join("\n")
}

/// A process and, further in, those below it. `branch` leads to it, `trunk` goes down beside what is below it.
fn add(table: &mut Table, process: &Process, branch: &str, trunk: &str, all: bool) {
    table.row(vec![
        format!("{branch}{}", process.id),
        process.state.clone().unwrap_or_default(),
        process.pid.clone().unwrap_or_else(|| "-".to_owned()),
        grouped(process.restarts),
        process.uptime.map_or_else(|| "-".to_owned(), duration),
        process.last_exit.clone().unwrap_or_default(),
    ]);
    let (shown, folded) = shown(&process.children, all);
    for (at, child) in shown.iter().enumerate() {
        let (branch, below) = if at + 1 == shown.len() && folded == 0 {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        add(
            table,
            child,
            &format!("{trunk}{branch}"),
            &format!("{trunk}{below}"),
            all,
        );
    }
    if folded > 0 {
        let more = format!("{trunk}└─ … {} more, --all shows them", grouped(folded as u64));
        table.row(vec![more]);
    }
}

/// The children that get a line, and how many do not: of many siblings the first, and those that are not as usual.
fn shown(children: &[Process], all: bool) -> (Vec<&Process>, usize) {
    if all || children.len() <= FOLDED_ABOVE {
        return (children.iter().collect(), 0);
    }
    let unusual = children
        .iter()
        .skip(SHOWN)
        .filter(|child| child.is_unusual())
        .take(SHOWN);
    let shown: Vec<_> = children.iter().take(SHOWN).chain(unusual).collect();
    let folded = children.len() - shown.len();
    (shown, folded)
}

#[cfg(test)]
mod tests {
    use super::super::text::width;
    use super::*;

    fn process(id: &str, children: Vec<Process>) -> Process {
        Process {
            id: id.to_owned(),
            pid: Some(format!("<0.{}>", 10 + id.len())),
            uptime: Some(Duration::from_secs(62)),
            children,
            ..Process::default()
        }
    }

    fn program(streams: usize) -> Process {
        let stream = |n| process(&format!("S{n}USDT"), Vec::new());
        let mut killed = process("币安人生USDT", Vec::new());
        killed.restarts = 3;
        killed.last_exit = Some("killed".to_owned());
        let mut ended = process("Autostart", Vec::new());
        (ended.state, ended.pid, ended.uptime) = (Some("stopped".to_owned()), None, None);
        let streams = (0..streams).map(stream).chain([killed]).collect();
        let trader = process("01936b1c-7c1e-7d3a-9b1e-1234567890ab", Vec::new());
        process(
            "Hedgehog",
            vec![
                process("Naive.Supervisor", vec![process("Traders", vec![trader])]),
                process("Streamer.Supervisor", vec![process("Streams", streams), ended]),
            ],
        )
    }

    #[test]
    fn a_tree_looks_like_one() {
        assert_eq!(
            draw(&program(1), 100, false).lines().collect::<Vec<_>>(),
            [
                "PROCESS                                        STATE    PID     RESTARTS  UPTIME  LAST EXIT",
                "Hedgehog                                                <0.18>         0   1m 2s",
                "├─ Naive.Supervisor                                     <0.26>         0   1m 2s",
                "│  └─ Traders                                           <0.17>         0   1m 2s",
                "│     └─ 01936b1c-7c1e-7d3a-9b1e-1234567890ab           <0.46>         0   1m 2s",
                "└─ Streamer.Supervisor                                  <0.29>         0   1m 2s",
                "   ├─ Streams                                           <0.17>         0   1m 2s",
                "   │  ├─ S0USDT                                         <0.16>         0   1m 2s",
                "   │  └─ 币安人生USDT                                   <0.26>         3   1m 2s  killed",
                "   └─ Autostart                                stopped  -              0       -",
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_an_id_keeps_its_end() {
        for columns in [60, 80, 120] {
            let text = draw(&program(24), columns, false);
            assert!(text.lines().all(|line| width(line) <= columns), "{columns}:\n{text}");
            assert!(
                text.contains("567890ab ") && text.contains("S23USDT"),
                "{columns}:\n{text}"
            );
            assert!(text.contains("RESTARTS"), "{columns}:\n{text}");
        }
    }

    #[test]
    fn hundreds_of_siblings_are_folded_but_not_those_that_are_unusual() {
        let text = draw(&program(400), 80, false);
        assert!(text.contains("… 380 more, --all shows them"), "{text}");
        assert!(text.contains("S19USDT") && !text.contains("S20USDT"), "{text}");
        assert!(text.contains("币安人生USDT"), "it was restarted:\n{text}");
        assert!(text.lines().count() < 40, "{text}");
        let all = draw(&program(400), 80, true);
        assert!(all.contains("S399USDT") && !all.contains("more"), "{all}");
    }
}
