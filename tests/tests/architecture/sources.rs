//! The modules of a crate as its own `mod` items name them, and what each of them mentions.
//!
//! What belongs to tests is left out here and nowhere else: whatever stands under `#[cfg(test)]`, and with a `mod` item its file and
//! all below it. That is how `tests.rs`, the folders `tests/` and the scripted servers of tests are never read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::reading::{self, Declared};

/// One crate of the workspace.
#[derive(Debug)]
pub(crate) struct Sources {
    /// By path, `exchange::simulator`; the root is the empty one.
    pub(crate) modules: BTreeMap<String, Module>,
}

/// A module, in its own file or inside that of another.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// What `use` brings in, by the name it has here.
    pub(crate) imports: HashMap<String, Vec<String>>,
    /// What `use x::*` brings in.
    pub(crate) globs: Vec<Vec<String>>,
    /// What is declared here; macros too.
    pub(crate) items: HashSet<String>,
    pub(crate) mentions: Vec<Mention>,
}

/// A path somewhere in a module, as it is written.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

impl Sources {
    /// Reads the crate whose `src/lib.rs` is in this folder of the workspace.
    pub(crate) fn of(krate: &str) -> Self {
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        Self::read(&Path::new(krate).join("src"), |file| {
            std::fs::read_to_string(workspace.join(file)).ok()
        })
    }

    /// Reads a crate from wherever its files are.
    pub(crate) fn read(folder: &Path, text: impl Fn(&Path) -> Option<String>) -> Self {
        let mut modules = BTreeMap::new();
        let mut waiting = vec![(String::new(), [folder.join("lib.rs"), folder.join("lib/mod.rs")])];
        while let Some((path, candidates)) = waiting.pop() {
            let found = candidates.iter().find_map(|file| Some((file, text(file)?)));
            let (file, text) = found.unwrap_or_else(|| panic!("no file for module `{path}` in {}", folder.display()));
            let syntax = syn::parse_file(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
            let declared = reading::modules_in(&path, file, &syntax, &mut modules);
            waiting.extend(declared.into_iter().map(|Declared(path)| {
                let base = folder.join(path.replace("::", "/"));
                (path, [base.with_extension("rs"), base.join("mod.rs")])
            }));
        }
        Self { modules }
    }

    /// The modules that `lib.rs` declares.
    pub(crate) fn first_level(&self) -> impl Iterator<Item = &str> {
        let names = self.modules.keys().map(String::as_str);
        names.filter(|path| !path.is_empty() && !path.contains("::"))
    }
}

/// `parent::name`, where the root has the empty path.
pub(crate) fn child(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}::{name}")
    }
}

/// Whether a module is this one or below it. Everything is below the root.
pub(crate) fn is_within(module: &str, parent: &str) -> bool {
    let rest = module.strip_prefix(parent);
    parent.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
