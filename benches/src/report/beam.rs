//! Elixir beside us: the scripts of benches/beam, where `elixir` is installed.

use std::path::Path;
use std::process::Command;

use super::figure::{Figure, Line};
use super::progress;
use crate::family::Family;

/// What the scripts measure of `family`; nothing where Elixir is not installed or has no such workload.
pub(super) fn figures(family: &Family, quick: bool) -> Vec<Figure> {
    if !installed() {
        return Vec::new();
    }
    progress(&format!("{}: elixir", family.name));
    let mut run = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("beam/run"));
    run.args(["--family", family.name]);
    if quick {
        run.arg("--quick");
    }
    let output = match run.output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => return failed(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => return failed(&error.to_string()),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Result<Vec<Line>, _> = text.lines().map(serde_json::from_str).collect();
    match lines {
        Ok(lines) => lines.into_iter().map(|line| Figure::of(family, line)).collect(),
        Err(error) => failed(&format!("{error}: {text}")),
    }
}

/// The figures of everybody else are worth having all the same.
fn failed(why: &str) -> Vec<Figure> {
    progress("");
    eprintln!("without Elixir, because benches/beam/run failed: {}", why.trim());
    Vec::new()
}

/// As the report's head says it.
pub(super) fn version() -> Option<String> {
    let output = Command::new("elixir").arg("--short-version").output().ok()?;
    let elixir = String::from_utf8(output.stdout).ok()?;
    let otp = Command::new("erl")
        .args([
            "-noshell",
            "-eval",
            "io:put_chars(erlang:system_info(otp_release)), halt().",
        ])
        .output()
        .ok()?;
    let otp = String::from_utf8(otp.stdout).ok()?;
    Some(format!("Elixir {}, OTP {}", elixir.trim(), otp.trim()))
}

fn installed() -> bool {
    Command::new("elixir").arg("--short-version").output().is_ok()
}
