//! Where a path leads: through imports, re-exports and globs, to the module that declares what it names.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::sources::{Mention, Sources, child};

/// Imports that lead in a circle would be followed for ever.
const DEEPEST: usize = 16;

/// One module uses another, or something of another crate.
#[derive(Clone, Debug)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: Target,
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A module of this crate, and what is taken from it where it is not the module itself.
    Module(String, Option<String>),
    /// A path that begins with the name of another crate.
    Outside(String),
}

impl Sources {
    /// Everything that any module mentions.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let all = self.modules.iter().flat_map(|(from, module)| {
            module.mentions.iter().filter_map(|Mention { path, line }| {
                Some(Arrow {
                    from: from.clone(),
                    to: self.resolve(from, path)?,
                    file: module.file.clone(),
                    line: *line,
                })
            })
        });
        all.filter(|arrow| !matches!(&arrow.to, Target::Module(to, _) if *to == arrow.from))
            .collect()
    }

    /// The file of a module.
    pub(crate) fn file(&self, module: &str) -> &Path {
        &self.modules[module].file
    }

    /// Nothing for a path that leads neither into this crate nor to another, such as `Self::new` and `T::Item`.
    pub(crate) fn resolve(&self, at: &str, path: &[String]) -> Option<Target> {
        self.follow(at, path, 0)
    }

    fn follow(&self, at: &str, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(self.descend("", rest, depth)),
            "self" => Some(self.descend(at, rest, depth)),
            "super" => {
                let above = at.rsplit_once("::").map_or("", |(above, _)| above);
                if rest.first().is_some_and(|next| next == "super") {
                    self.follow(above, rest, depth)
                } else {
                    Some(self.descend(above, rest, depth))
                }
            }
            name => self.find(at, first, rest, depth).or_else(|| {
                let is_crate = name.starts_with(|first: char| first.is_ascii_lowercase());
                is_crate.then(|| Target::Outside(path.join("::")))
            }),
        }
    }

    fn descend(&self, module: &str, rest: &[String], depth: usize) -> Target {
        let Some((name, after)) = rest.split_first() else {
            return Target::Module(module.to_owned(), None);
        };
        let found = self.find(module, name, after, depth);
        // What a macro has made is taken to be where it is looked for.
        found.unwrap_or_else(|| Target::Module(module.to_owned(), Some(name.clone())))
    }

    /// What a name in a module leads to: a module below it, an item, an import or what a glob brings in.
    fn find(&self, at: &str, name: &String, rest: &[String], depth: usize) -> Option<Target> {
        let below = child(at, name);
        if self.modules.contains_key(&below) {
            return Some(self.descend(&below, rest, depth));
        }
        let module = self.modules.get(at)?;
        if module.items.contains(name) {
            return Some(Target::Module(at.to_owned(), Some(name.clone())));
        }
        if depth == DEEPEST {
            return None;
        }
        if let Some(import) = module.imports.get(name) {
            // `use ractor::{self}` names the crate.
            if import.first() == Some(name) {
                return Some(Target::Outside([import, rest].concat().join("::")));
            }
            return self.follow(at, &[import, rest].concat(), depth + 1);
        }
        module
            .globs
            .iter()
            .find_map(|glob| match self.follow(at, glob, depth + 1)? {
                Target::Module(from, None) => self.find(&from, name, rest, depth + 1),
                _ => None,
            })
    }
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (self.file.display(), self.line);
        match &self.to {
            Target::Module(to, Some(item)) => write!(f, "{file}:{line}: {} → {to} ({item})", self.from),
            Target::Module(to, None) | Target::Outside(to) => write!(f, "{file}:{line}: {} → {to}", self.from),
        }
    }
}
