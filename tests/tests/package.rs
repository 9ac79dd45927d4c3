//! What hedgehog-core promises as a package: few dependencies, none that needs a later compiler, and ractor as everybody has it.
//!
//! That the library itself uses nothing of a later standard library is clippy's to say (`incompatible_msrv`).

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

const LIBRARY: &str = "hedgehog-core";
const MOST_DEPENDENCIES: usize = 10;
/// Each changes ractor's API for everybody in the graph.
const FEATURES_OF_OTHERS: [&str; 3] = ["async-trait", "cluster", "output-port-v2"];

fn metadata() -> Value {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--manifest-path",
            workspace,
        ])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn library(metadata: &Value) -> &Value {
    let mut packages = list(metadata, "packages");
    let library = packages.find(|package| package["name"] == LIBRARY);
    library.expect("it is a member of the workspace")
}

/// The ids of the packages that are compiled for a user of the library.
fn compiled_for_users(metadata: &Value) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![library(metadata)["id"].as_str().expect("an id")];
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = list(&metadata["resolve"], "nodes").find(|node| node["id"] == id);
        let needed = list(node.expect("every package is resolved"), "deps")
            .filter(|dependency| list(dependency, "dep_kinds").any(|kind| kind["kind"] != "dev"));
        waiting.extend(needed.filter_map(|dependency| dependency["pkg"].as_str()));
    }
    found
}

/// `1.88` and `1.88.0` are the same compiler.
fn compiler(version: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = version.split('.').map(|part| part.parse().expect("a number")).collect();
    parts.resize(3, 0);
    parts
}

#[test]
fn library_depends_on_few() {
    let metadata = metadata();
    let direct: BTreeSet<_> = list(library(&metadata), "dependencies")
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .collect();
    assert!(direct.contains("ractor"), "{direct:?}");
    assert!(direct.len() <= MOST_DEPENDENCIES, "{direct:?}");
}

#[test]
fn no_dependency_of_the_library_needs_a_later_compiler() {
    let metadata = metadata();
    let promised = library(&metadata)["rust_version"].as_str().expect("it says one");
    let needed = compiled_for_users(&metadata);
    assert!(needed.len() > MOST_DEPENDENCIES, "{needed:?}");
    let later: Vec<_> = list(&metadata, "packages")
        .filter(|package| needed.contains(package["id"].as_str().unwrap_or_default()))
        .filter_map(|package| Some((package["name"].as_str()?, package["rust_version"].as_str()?)))
        .filter(|(_, needs)| compiler(needs) > compiler(promised))
        .collect();
    assert!(later.is_empty(), "{LIBRARY} promises {promised}, but: {later:?}");
}

#[test]
fn nobody_in_the_workspace_changes_ractors_api_for_others() {
    let metadata = metadata();
    let id = list(&metadata, "packages").find(|package| package["name"] == "ractor");
    let id = &id.expect("ractor is a dependency")["id"];
    let node = list(&metadata["resolve"], "nodes").find(|node| node["id"] == *id);
    let on: Vec<_> = list(node.expect("it is resolved"), "features")
        .filter_map(Value::as_str)
        .filter(|feature| FEATURES_OF_OTHERS.contains(feature))
        .collect();
    assert!(on.is_empty(), "{on:?}");
}
