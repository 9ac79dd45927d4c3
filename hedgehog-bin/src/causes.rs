//! An error as one line with all that caused it.

use std::error::Error;

/// An error and its causes. A cause that the text before it has told already is left out.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let told = next.to_string();
        if !line.contains(&told) {
            line.push_str(": ");
            line.push_str(&told);
        }
        cause = next.source();
    }
    line
}

/// The same without a line end, whatever one of them may hold.
pub(crate) fn on_one_line(error: &dyn Error) -> String {
    causes(error).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("a connection failed: {0}")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("it was refused")]
        struct Inner(#[source] std::io::Error);
        let error = Outer(Inner(std::io::Error::other("nobody listens")));
        assert_eq!(causes(&error), "a connection failed: it was refused: nobody listens");
    }
}
