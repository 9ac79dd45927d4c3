use super::escaped;
use crate::{ChildKind, ChildState, TreeNode};
use proptest::prelude::*;
use std::iter::Peekable;

/// What a label shows, or nothing when its text does not end where the quotes do: the scanner's rule (a backslash keeps what
/// follows from ending the string), then the label's (`\n` breaks a line, `\\` is a backslash), then the entities.
fn shown(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = quoted.strip_prefix('"')?.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => return rest.next().is_none().then_some(text),
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                c @ ('\\' | '"') => text.push(c),
                _ => return None, // would be replaced by a name of the node or the graph
            },
            '&' => {
                if take(&mut rest, "amp;") {
                    text.push('&');
                } else {
                    return None;
                }
            }
            c if c.is_control() => return None,
            c => text.push(c),
        }
    }
    None
}

fn take(rest: &mut Peekable<impl Iterator<Item = char>>, word: &str) -> bool {
    word.chars().all(|c| rest.next_if_eq(&c).is_some())
}

#[test]
fn a_label_shows_the_id_whatever_it_holds() {
    for id in [
        "plain",
        "say \"hi\"",
        "two\nlines",
        "C:\\N\\",
        "\\\"",
        "a && b &lt;",
        "ö <0.1> {x|y}",
    ] {
        assert_eq!(shown(&format!("\"{}\"", escaped(id))).as_deref(), Some(id));
    }
    assert_eq!(escaped("a\0b\tc"), "a\u{fffd}b\u{fffd}c");
}

proptest! {
    #[test]
    fn no_id_breaks_out_of_its_label(id in r#"[a-z"\\&;\n{}<> ]{0,40}"#) {
        let label = shown(&format!("\"{}\"", escaped(&id)));
        prop_assert_eq!(label, Some(id));
    }
}

fn node(id: &str, kind: ChildKind, children: Vec<TreeNode>) -> TreeNode {
    TreeNode {
        path: id.to_owned(),
        id: id.to_owned(),
        kind,
        name: None,
        state: ChildState::Running,
        pid: None,
        restarts: 0,
        restart_window: None,
        uptime: None,
        last_exit: None,
        topics: Vec::new(),
        children,
        actor: None,
    }
}

#[test]
fn every_process_is_a_node_and_every_child_an_edge() {
    let leaf = |id| node(id, ChildKind::Worker, Vec::new());
    let mut failed = leaf("c\"");
    failed.state = ChildState::Restarting;
    failed.last_exit = Some("error: \"no\"\nway".to_owned());
    let inner = node("b", ChildKind::Supervisor, vec![leaf("leaf")]);
    let tree = node("root", ChildKind::Supervisor, vec![leaf("a"), inner, failed]);
    let lines = [
        "digraph tree {",
        r#"  node [fontname="sans-serif"];"#,
        r#"  n0 [shape=box, style=solid, color=black, label="root"];"#,
        r#"  n1 [shape=ellipse, style=solid, color=black, label="a"];"#,
        "  n0 -> n1;",
        r#"  n2 [shape=box, style=solid, color=black, label="b"];"#,
        r#"  n3 [shape=ellipse, style=solid, color=black, label="leaf"];"#,
        "  n2 -> n3;",
        "  n0 -> n2;",
        r#"  n4 [shape=ellipse, style=dashed, color=red, label="c\"\nrestarting, last exit: error: \"no\"\nway"];"#,
        "  n0 -> n4;",
        "}",
    ];
    assert_eq!(tree.to_dot().lines().collect::<Vec<_>>(), lines);
}
