//! Files that know each other in a circle, through more than one folder.
//!
//! Inside a folder a circle is a matter of taste; one through several means that none of them can be read, tested or moved alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::resolving::{Arrow, Target};
use crate::sources::Sources;

/// Which file uses which, with one place where it does.
pub(crate) struct Graph {
    uses: BTreeMap<PathBuf, BTreeMap<PathBuf, Arrow>>,
}

pub(crate) type Circle = BTreeSet<PathBuf>;

impl Graph {
    pub(crate) fn of(sources: &Sources) -> Self {
        let mut uses: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for module in sources.modules.values() {
            uses.entry(module.file.clone()).or_default();
        }
        for arrow in sources.arrows() {
            let Target::Module(to, _) = &arrow.to else { continue };
            let to = sources.file(to).to_owned();
            if to != arrow.file {
                let used = uses.entry(arrow.file.clone()).or_default();
                used.entry(to).or_insert(arrow);
            }
        }
        Self { uses }
    }

    /// The strongly connected components that reach through more than one folder.
    pub(crate) fn circles(&self) -> Vec<Circle> {
        let reached: BTreeMap<_, _> = self.uses.keys().map(|file| (file, self.reached_from(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, reached_from_it) in &reached {
            let circle: Circle = reached_from_it
                .iter()
                .filter(|other| reached[other].contains(*file))
                .cloned()
                .collect();
            let folders: BTreeSet<_> = circle.iter().map(|file| self.folder(file)).collect();
            if folders.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reached_from(&self, file: &PathBuf) -> Circle {
        let mut reached = Circle::new();
        let mut waiting = vec![file];
        while let Some(file) = waiting.pop() {
            waiting.extend(self.uses[file].keys().filter(|used| reached.insert((*used).clone())));
        }
        reached
    }

    /// `x/mod.rs` stands in `x`, and `x.rs` too where there is a folder `x` with more than tests in it.
    fn folder(&self, file: &Path) -> PathBuf {
        let own = file.with_extension("");
        let above = file.parent().unwrap_or(Path::new(""));
        if self.uses.keys().any(|other| other.starts_with(&own)) {
            own
        } else {
            above.to_owned()
        }
    }

    /// A shortest way round in this circle, through two folders if there is one, that none of the known circles holds.
    pub(crate) fn example(&self, circle: &Circle, known: &[Circle]) -> String {
        let arrows = circle
            .iter()
            .flat_map(|file| self.uses[file].iter().map(move |(to, arrow)| (file, to, arrow)));
        let new = arrows.filter(|(from, to, _)| {
            circle.contains(*to) && !known.iter().any(|known| known.contains(*from) && known.contains(*to))
        });
        let rings = new
            .filter_map(|(from, to, arrow)| Some((self.folder(from) == self.folder(to), self.way(to, from, arrow)?)));
        let shortest = rings.min_by_key(|(inside, ring)| (*inside, ring.len()));
        let lines = shortest.into_iter().flat_map(|(_, ring)| ring);
        lines.map(|arrow| ["\n    ", &arrow.to_string()].concat()).collect()
    }

    /// The shortest way from one file to another, behind the arrow that leads to it.
    fn way<'a>(&'a self, from: &'a PathBuf, to: &PathBuf, first: &'a Arrow) -> Option<Vec<&'a Arrow>> {
        let mut seen = BTreeSet::from([from]);
        let mut ways = vec![(from, vec![first])];
        while !ways.is_empty() {
            if let Some((_, way)) = ways.iter().find(|(at, _)| *at == to) {
                return Some(way.clone());
            }
            let mut longer = Vec::new();
            for (at, way) in ways {
                let next = self.uses[at].iter().filter(|(used, _)| seen.insert(*used));
                longer.extend(next.map(|(used, arrow)| (used, [&*way, &[arrow]].concat())));
            }
            ways = longer;
        }
        None
    }
}
