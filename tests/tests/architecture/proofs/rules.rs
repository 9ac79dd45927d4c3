//! Every rule broken, and the debt grown and paid.

use super::sources;
use crate::debt;
use crate::rules::{House, Never};
use crate::sources::Sources;

const EMPTY: House = House {
    krate: "k",
    floors: &[],
    nevers: &[],
    pure: &[],
    debt: &[],
    circles: &[],
};

#[test]
fn a_module_without_a_floor_and_a_floor_without_its_module_are_told() {
    let house = House {
        floors: &[&[&["a", "gone"]]],
        ..EMPTY
    };
    let told = house.unplaced(&sources(&[("lib.rs", "mod a; mod new;"), ("a.rs", ""), ("new.rs", "")]));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].contains("`new` stands on no floor") && told[1].contains("`gone`"),
        "{told:#?}"
    );
}

#[test]
fn an_arrow_goes_down_and_neither_up_nor_aside() {
    let house = House {
        floors: &[&[&["low"]], &[&["left", "left_too"], &["right"]]],
        ..EMPTY
    };
    let broken = |from: &str, to: &str| {
        let root = "mod low; mod left; mod left_too; mod right;";
        let line = format!("use crate::{to}::X;");
        let text = |file| if file == from { &*line } else { "" };
        let files = ["low", "left", "left_too", "right"].map(|module| (format!("{module}.rs"), text(module)));
        let mut files: Vec<_> = files.iter().map(|(file, text)| (&**file, *text)).collect();
        files.push(("lib.rs", root));
        debt::arrows(&house, &sources(&files)).len()
    };
    assert_eq!([broken("left", "low"), broken("left", "left_too")], [0, 0]);
    assert_eq!([broken("low", "left"), broken("left", "right")], [1, 1]);
}

#[test]
fn a_never_holds_between_a_module_and_one_inside_it_both_ways() {
    let files = |outer, inner| {
        let root = "mod a; mod e;";
        sources(&[
            ("lib.rs", root),
            ("a.rs", outer),
            ("a/b.rs", inner),
            ("a/c.rs", ""),
            ("e.rs", "pub struct XError;"),
        ])
    };
    let told = |nevers, sources: &Sources| debt::arrows(&House { nevers, ..EMPTY }, sources).len();
    let outer = files(
        "mod b; mod c; use b::X; use crate::e::XError;",
        "use super::c::Y; use self::Z;",
    );
    assert_eq!(
        told(
            &[Never {
                from: &["a"],
                to: &["crate::a::b"],
                why: ""
            }],
            &outer
        ),
        1
    );
    assert_eq!(
        told(
            &[Never {
                from: &["a::b"],
                to: &["crate::a"],
                why: ""
            }],
            &outer
        ),
        1
    );
    assert_eq!(
        told(
            &[Never {
                from: &["a"],
                to: &["crate"],
                why: ""
            }],
            &outer
        ),
        1
    );
    assert_eq!(
        told(
            &[Never {
                from: &["a"],
                to: &["*Error"],
                why: ""
            }],
            &outer
        ),
        1
    );
    assert_eq!(
        told(
            &[Never {
                from: &["e"],
                to: &["crate"],
                why: ""
            }],
            &outer
        ),
        0
    );
}

#[test]
fn a_pure_part_uses_no_clock_and_nobody_who_does() {
    let house = House { pure: &["a"], ..EMPTY };
    let told = |a, b| {
        debt::arrows(
            &house,
            &sources(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]),
        )
    };
    assert_eq!(told("use std::time::Duration; use crate::b::X;", ""), [""; 0]);
    assert_eq!(
        told("fn f() { std::time::Instant::now(); }", "use tokio::time;").len(),
        1
    );
    let through = told("use crate::b::X;", "fn f() { tokio::spawn(g()); }");
    assert!(
        through[0].contains("b → tokio::spawn") && through[0].contains("`a`"),
        "{through:#?}"
    );
}

#[test]
fn debt_may_only_shrink() {
    let upwards = sources(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b;"), ("b.rs", "")]);
    let house = House {
        floors: &[&[&["a"]], &[&["b"]]],
        ..EMPTY
    };
    assert_eq!(debt::arrows(&house, &upwards).len(), 1);
    assert_eq!(
        debt::arrows(
            &House {
                debt: &[("a", "b")],
                ..house
            },
            &upwards
        ),
        [""; 0]
    );
    let paid = debt::arrows(
        &House {
            debt: &[("a", "b"), ("b", "a")],
            ..house
        },
        &upwards,
    );
    assert!(paid.len() == 1 && paid[0].contains("strike it out"), "{paid:#?}");
}

/// A circle through the folders `a` and `b`.
const RING: &[&str] = &["a/x.rs", "b/y.rs", "b/z.rs"];

#[test]
fn a_circle_through_folders_is_found_and_may_only_shrink() {
    let files = |x: &str, y: &str| {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod x;"),
            ("a/x.rs", x),
            ("b/mod.rs", "mod y; mod z;"),
            ("b/y.rs", y),
        ];
        sources(&[&files[..], &[("b/z.rs", "use crate::a::x::X; use super::y::Y;")]].concat())
    };
    let told = |circles, sources: &Sources| debt::circles(&House { circles, ..EMPTY }, sources);
    let long = files("use crate::b::y::Y;", "use super::z::Z;");
    let new = told(&[], &long);
    assert!(
        new.len() == 1 && new[0].contains("k/src/b/y.rs:1: b::y → b::z (Z)"),
        "{new:#?}"
    );
    assert_eq!(told(&[RING], &long), [""; 0]);
    assert!(told(&[RING], &files("use crate::b::y::Y;", "use crate::a::x::X;"))[0].contains("shrunk"));
    assert!(told(&[RING], &files("", ""))[0].contains("gone"));
    let inside = files("", "use super::z::Z;");
    assert_eq!(told(&[], &inside), [""; 0], "both stand in one folder");
}
