//! What the figures were measured on, and with.

use std::fs;
use std::process::Command;

/// The dependencies whose version a figure depends on.
const VERSIONS: [&str; 6] = [
    "ractor",
    "tokio",
    "async-broadcast",
    "kameo",
    "kameo_actors",
    "ractor-supervisor",
];

/// Machine, compiler and versions, as a Markdown list. What cannot be found out is left out.
pub(super) fn description() -> String {
    let mut lines = Vec::new();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    if let Some(model) = field("/proc/cpuinfo", "model name") {
        lines.push(format!("* {model}, {cores} cores in use"));
    }
    if let Some(memory) = field("/proc/meminfo", "MemTotal") {
        lines.push(format!("* memory: {memory}"));
    }
    if let Some(kernel) = output("uname", &["-sr"]) {
        lines.push(format!("* {kernel}"));
    }
    if let Some(rustc) = output("rustc", &["--version"]) {
        lines.push(format!("* {rustc}, profile `bench`"));
    }
    lines.push(format!("* {}", versions()));
    if let Some(beam) = super::beam::version() {
        lines.push(format!("* {beam}"));
    }
    lines.join("\n")
}

fn versions() -> String {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));
    let version = |name: &&str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        let (version, _) = rest.split_once('"')?;
        Some(format!("{name} {version}"))
    };
    VERSIONS.iter().filter_map(version).collect::<Vec<_>>().join(", ")
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
