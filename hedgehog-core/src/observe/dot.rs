//! A [`TreeNode`] in Graphviz's language.

use super::TreeNode;
use crate::{child_spec::ChildKind, supervisor::ChildState};
use std::fmt::Write as _;

impl TreeNode {
    /// The tree as a Graphviz graph: boxes for supervisors, ellipses for workers, dashed where there is no running process,
    /// red where one has ended before. Render it with `dot -Tsvg`.
    ///
    /// ```
    /// # use hedgehog_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
    /// let root = Supervisor::new(Strategy::OneForOne).label("The \"Root\"").start().await?;
    /// let dot = root.tree().expect("it runs").to_dot();
    /// assert!(dot.starts_with("digraph tree {\n"));
    /// assert!(dot.contains(r#"label="The \"Root\"\n"#)); // whatever the ids hold
    /// # root.stop(ExitReason::Shutdown).await;
    /// # Ok(()) }
    /// ```
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph tree {\n  node [fontname=\"sans-serif\"];\n");
        let mut next = 0;
        self.draw(&mut dot, &mut next);
        dot.push_str("}\n");
        dot
    }

    /// Draws this node and those below, and says under which number it stands.
    fn draw(&self, dot: &mut String, next: &mut usize) -> usize {
        let number = *next;
        *next += 1;
        let shape = match self.kind {
            ChildKind::Supervisor => "box",
            ChildKind::Worker => "ellipse",
        };
        let style = match self.state {
            ChildState::Running => "solid",
            ChildState::Starting | ChildState::Restarting | ChildState::Stopped => "dashed",
        };
        let color = if self.last_exit.is_some() { "red" } else { "black" };
        let _ = writeln!(
            dot,
            "  n{number} [shape={shape}, style={style}, color={color}, label=\"{}\"];",
            self.caption()
        );
        for child in &self.children {
            let child = child.draw(dot, next);
            let _ = writeln!(dot, "  n{number} -> n{child};");
        }
        number
    }

    /// The id, and in a second line what the text tree says of it.
    fn caption(&self) -> String {
        let mut caption = escaped(&self.id);
        if let Some(name) = self.other_name() {
            let _ = write!(caption, "\\nnamed {}", escaped(name));
        }
        let facts = self.facts();
        if !facts.is_empty() {
            let _ = write!(caption, "\\n{}", escaped(&facts.join(", ")));
        }
        caption
    }
}

/// `text` inside a quoted label, to be shown as it is: there a backslash begins an escape, a quote ends the label and an
/// ampersand begins an entity.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '&' => escaped.push_str("&amp;"),
            '\n' => escaped.push_str("\\n"),
            // A NUL would end the file, and the others show nothing.
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
