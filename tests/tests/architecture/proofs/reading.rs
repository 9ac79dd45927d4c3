//! Paths in every place where one can stand.

use super::sources;
use crate::resolving::{Arrow, Target};

/// Where the paths of module `a` lead that do not stay in it.
fn arrows_of_a(a: &str) -> Vec<String> {
    let root = "pub mod a; pub mod b; mod c; pub use b::deep::{Low, Low as Renamed}; pub use c::*;";
    let sources = sources(&[
        ("lib.rs", root),
        ("a.rs", a),
        (
            "b/mod.rs",
            "pub mod deep; pub mod other; pub use other::High; pub struct Middle;",
        ),
        ("b/deep.rs", "pub struct Low; pub enum Kind { One }"),
        ("b/other.rs", "pub struct High; pub mod inner { pub struct Inner; }"),
        ("c.rs", "pub struct Glob; use std::time::Instant as Moment;"),
    ]);
    let arrows = sources.arrows().into_iter().filter(|arrow| arrow.from.starts_with('a'));
    arrows.map(end).collect()
}

fn end(arrow: Arrow) -> String {
    match arrow.to {
        Target::Module(module, Some(item)) => format!("{module}.{item}"),
        Target::Module(module, None) => module,
        Target::Outside(path) => format!("outside {path}"),
    }
}

#[test]
fn use_trees_lead_to_the_module_that_declares() {
    let trees = "use crate::{b::{self, deep::{Kind::One, Low as L}, High}, c as sea}; use super::b::Middle; use super::b::other::*;";
    let ends = [
        "b",
        "b::deep.Kind",
        "b::deep.Low",
        "b::other.High",
        "c",
        "b.Middle",
        "b::other",
    ];
    assert_eq!(arrows_of_a(trees), ends);
}

#[test]
fn reexports_of_the_root_lead_to_the_module_that_declares() {
    let uses = "use crate::{Low, Renamed, Glob}; pub use super::Low as Again; fn f() { crate::Renamed::new(); }";
    let ends = ["b::deep.Low", "b::deep.Low", "c.Glob", "b::deep.Low", "b::deep.Low"];
    assert_eq!(arrows_of_a(uses), ends);
}

#[test]
fn paths_in_types_and_expressions_are_seen_without_a_use() {
    let code = "mod own { fn f(x: &super::super::b::deep::Low) -> Vec<crate::b::High> { self::g(b) } fn g() {} }
        use crate::b::other as o; fn h() { let _ = o::inner::Inner; match x { crate::b::deep::Kind::One => T::new() } }";
    let ends = [
        "b::other",
        "b::other::inner.Inner",
        "b::deep.Kind",
        "b::deep.Low",
        "b::other.High",
    ];
    assert_eq!(arrows_of_a(code), ends);
}

#[test]
fn paths_in_the_tokens_of_macros_and_in_attributes_are_seen() {
    let code = r#"macro_rules! m { ($x:ident) => { $crate::b::$x; { use crate::b::{deep::Low, High}; } } }
        fn f() { write!(f, "{}", crate::c::Glob); tokio::select! { _ = tokio::time::sleep(x) => {} } }
        #[serde(with = "crate::b::deep")] struct S { #[cfg(unix)] field: u8 }"#;
    let ends = [
        "b",
        "b::deep.Low",
        "b::other.High",
        "c.Glob",
        "outside tokio::select",
        "outside tokio::time::sleep",
        "b::deep",
    ];
    assert_eq!(arrows_of_a(code), ends);
}

#[test]
fn names_of_other_crates_are_followed_through_imports() {
    let code = "use std::time::Instant; use tokio::{self}; use chrono::Utc; use crate::c::Moment;
        fn f() { Instant::now(); tokio::spawn(x); Utc::now(); Self::g(); local(y) }";
    let outside = [
        "std::time::Instant",
        "tokio",
        "chrono::Utc",
        "std::time::Instant",
        "std::time::Instant::now",
        "tokio::spawn",
        "chrono::Utc::now",
    ];
    assert_eq!(arrows_of_a(code), outside.map(|path| format!("outside {path}")));
}

#[test]
fn what_belongs_to_tests_is_left_out() {
    let code = "#[cfg(test)] mod tests; #[cfg(test)] mod inline { use crate::b; } #[cfg(all(test, unix))] use crate::c;
        impl S { #[cfg(test)] fn f() { crate::b::f() } } struct T { #[cfg(test)] field: crate::b::High }
        pub(in crate::b) fn g() { #[cfg(test)] let x = crate::b::f(); #[cfg(test)] use crate::b; }";
    assert_eq!(arrows_of_a(code), [""; 0]);
    assert_eq!(arrows_of_a("#[cfg(not(test))] use crate::c;"), ["c"]);
}

#[test]
fn lines_and_files_are_told() {
    let sources = sources(&[("lib.rs", "mod a; mod b;"), ("a.rs", "\n\nuse crate::b;"), ("b.rs", "")]);
    let told: Vec<_> = sources.arrows().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["k/src/a.rs:3: a → b"]);
}
