//! A program as its claim names it, and whether it is still there.

use std::fs::read_to_string;

/// A process, so that no later one can be taken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writer {
    /// The machine's name.
    pub(super) host: String,
    /// Of the machine's present run: after another start no process of before is left.
    pub(super) boot: String,
    /// The machine, and where in it a process id means something: two containers count their processes apart.
    pub(super) namespace: String,
    pub(super) pid: i64,
    /// When the process started, in the kernel's unit: ids are used again.
    pub(super) started: i64,
}

/// What one process can tell of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Alive,
    Gone,
    /// On another host, or in another container.
    OutOfSight,
}

impl Writer {
    /// This process.
    pub(super) fn this() -> Self {
        let pid = i64::from(std::process::id());
        let line = |path: &str| read_to_string(path).unwrap_or_default().trim().to_owned();
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Self {
            host: line("/proc/sys/kernel/hostname"),
            boot: line("/proc/sys/kernel/random/boot_id"),
            namespace: format!("{} {}", line("/etc/machine-id"), namespace.display()),
            pid,
            started: started(pid).unwrap_or(0),
        }
    }

    pub(super) fn standing_of(&self, other: &Writer) -> Standing {
        let machine = |writer: &Writer| writer.namespace.split(' ').next().map(str::to_owned);
        if self.host != other.host || machine(self) != machine(other) || self.boot.is_empty() {
            return Standing::OutOfSight;
        }
        if self.boot != other.boot {
            return Standing::Gone;
        }
        if self.namespace != other.namespace {
            return Standing::OutOfSight;
        }
        if started(other.pid) == Some(other.started) {
            Standing::Alive
        } else {
            Standing::Gone
        }
    }
}

/// When a process started, if it is there and not only waits to be reaped.
fn started(pid: i64) -> Option<i64> {
    // The name in brackets may hold anything, brackets and blanks too.
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    // The 22nd of all (proc(5)); the state is the third.
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_with_its_id() {
        let this = Writer::this();
        assert!(this.started > 0, "{this:?}");
        assert_eq!(this.standing_of(&this), Standing::Alive);
        let earlier = Writer {
            started: this.started - 1,
            ..this.clone()
        };
        assert_eq!(this.standing_of(&earlier), Standing::Gone);
    }

    #[test]
    fn a_killed_process_is_gone_before_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        let pid = i64::from(child.id());
        let writer = Writer {
            pid,
            started: started(pid).expect("it runs"),
            ..Writer::this()
        };
        assert_eq!(Writer::this().standing_of(&writer), Standing::Alive);
        child.kill().expect("it is ours");
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while Writer::this().standing_of(&writer) != Standing::Gone {
            assert!(std::time::Instant::now() < patience, "it stays");
            std::thread::yield_now();
        }
        child.wait().expect("it ends");
    }

    #[test]
    fn a_new_boot_leaves_nobody_and_what_is_elsewhere_is_not_judged() {
        let this = Writer::this();
        let before = Writer {
            boot: "another".into(),
            ..this.clone()
        };
        assert_eq!(this.standing_of(&before), Standing::Gone);
        let elsewhere = Writer {
            host: "another".into(),
            ..this.clone()
        };
        assert_eq!(this.standing_of(&elsewhere), Standing::OutOfSight);
        let container = Writer {
            namespace: format!("{}x", this.namespace),
            ..this.clone()
        };
        assert_eq!(this.standing_of(&container), Standing::OutOfSight);
    }
}
