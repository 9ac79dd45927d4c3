//! What a house is: on which floor each module stands, which arrows are never drawn, and which parts are pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::resolving::{Arrow, Target};
use crate::sources::{Sources, is_within};

/// The rules of one crate, and what breaks them today.
#[derive(Clone, Copy)]
pub(crate) struct House {
    pub(crate) krate: &'static str,
    /// From the ground up. A part uses the parts of lower floors only; what stands beside it on the same floor it does not know.
    pub(crate) floors: &'static [&'static [Part]],
    pub(crate) nevers: &'static [Never],
    /// Modules that decide and do nothing else.
    pub(crate) pure: &'static [&'static str],
    /// Arrows that break a rule today.
    pub(crate) debt: &'static [(&'static str, &'static str)],
    /// Files that know each other in a circle today, through more than one folder.
    pub(crate) circles: &'static [&'static [&'static str]],
}

/// Modules that may know each other, each with those below it that no other part names.
pub(crate) type Part = &'static [&'static str];

/// Where a module stands.
struct Place {
    floor: usize,
    part: Part,
    name: &'static str,
}

/// `from` uses nothing of `to`: `crate` and `crate::module` for what is in this crate, the name of another for what is in that,
/// `*Error` for the error types of both.
pub(crate) struct Never {
    pub(crate) from: &'static [&'static str],
    pub(crate) to: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// What a pure part uses neither itself nor through others.
const IMPURE: [&str; 9] = [
    "crate::store",
    "hedgehog_core",
    "ractor",
    "tokio",
    "diesel",
    "std::time::Instant",
    "std::time::SystemTime",
    "chrono::Utc::now",
    "chrono::Local::now",
];

/// An arrow and the rule that it breaks.
pub(crate) struct Broken {
    pub(crate) arrow: Arrow,
    pub(crate) why: String,
}

impl Broken {
    /// As the debt names it.
    pub(crate) fn key(&self) -> (&str, &str) {
        let (Target::Module(to, _) | Target::Outside(to)) = &self.arrow.to;
        (&self.arrow.from, to)
    }
}

impl House {
    /// First-level modules without a floor, and names in the rules that no module has.
    pub(crate) fn unplaced(&self, sources: &Sources) -> Vec<String> {
        let krate = self.krate;
        let placed = self.floors.iter().flat_map(|parts| parts.iter());
        let placed: BTreeSet<_> = placed.flat_map(|part| part.iter().copied()).collect();
        let homeless = sources.first_level().filter(|module| !placed.contains(module));
        let homeless = homeless.map(|module| format!("{krate}: module `{module}` stands on no floor; place it on one"));
        let froms = self.nevers.iter().flat_map(|never| never.from);
        let tos = self.nevers.iter().flat_map(|never| never.to);
        let tos = tos.filter_map(|to| to.strip_prefix("crate::"));
        let mut named = placed.clone();
        named.extend(froms.chain(self.pure).copied().chain(tos));
        named.retain(|module| !sources.modules.contains_key(*module));
        let unknown = named.into_iter();
        let unknown = unknown.map(|module| format!("{krate}: the rules name module `{module}`, which does not exist"));
        homeless.chain(unknown).collect()
    }

    /// Every arrow that breaks a rule, with the first that it breaks.
    pub(crate) fn broken(&self, sources: &Sources) -> Vec<Broken> {
        let arrows = sources.arrows();
        let pure = self.reached_by_pure(sources, &arrows);
        let judged = arrows.into_iter().filter_map(|arrow| {
            let why = self.forbidden(&arrow).or_else(|| soils(&arrow, &pure));
            let why = why.or_else(|| self.climbs(&arrow))?;
            Some(Broken { arrow, why })
        });
        judged.collect()
    }

    fn forbidden(&self, arrow: &Arrow) -> Option<String> {
        let never = self.nevers.iter().find(|never| never.forbids(arrow));
        never.map(|never| never.why.to_owned())
    }

    /// Why an arrow does not go down.
    fn climbs(&self, arrow: &Arrow) -> Option<String> {
        let Target::Module(to, _) = &arrow.to else {
            return None;
        };
        let (from, into) = (self.place_of(&arrow.from)?, self.place_of(to)?);
        let goes_down = from.floor > into.floor || from.part == into.part;
        (!goes_down).then(|| {
            let ends = format!(
                "`{}` stands on floor {}, `{}` on floor {}",
                from.name, from.floor, into.name, into.floor
            );
            format!("{ends}: a part uses what is below it, and nothing beside it")
        })
    }

    /// By the longest name that holds the module.
    fn place_of(&self, module: &str) -> Option<Place> {
        let parts = self.floors.iter().enumerate();
        let parts = parts.flat_map(|(floor, parts)| parts.iter().map(move |part| (floor, *part)));
        let places = parts.flat_map(|(floor, part)| part.iter().map(move |name| Place { floor, part, name }));
        let holding = places.filter(|place| is_within(module, place.name));
        holding.max_by_key(|place| place.name.len())
    }

    /// The pure parts and all that they use, each with the pure part that does.
    fn reached_by_pure(&self, sources: &Sources, arrows: &[Arrow]) -> BTreeMap<String, &'static str> {
        let modules = sources.modules.keys();
        let mut waiting: Vec<_> = modules
            .filter_map(|module| {
                let part = self.pure.iter().find(|part| is_within(module, part))?;
                Some((module.clone(), *part))
            })
            .collect();
        let mut reached = BTreeMap::new();
        while let Some((module, part)) = waiting.pop() {
            if reached.contains_key(&module) {
                continue;
            }
            let out = arrows.iter().filter(|arrow| arrow.from == module);
            waiting.extend(out.filter_map(|arrow| match &arrow.to {
                Target::Module(to, _) => Some((to.clone(), part)),
                Target::Outside(_) => None,
            }));
            reached.insert(module, part);
        }
        reached
    }
}

/// Why a pure part is not pure with this arrow, its own or that of something it uses.
fn soils(arrow: &Arrow, pure: &BTreeMap<String, &str>) -> Option<String> {
    let part = pure.get(&arrow.from)?;
    let impure = IMPURE.iter().any(|to| leads(arrow, None, to));
    impure.then(|| {
        format!(
            "`{part}` is pure, it is given what it decides on: no runtime, actor, database or clock, nor through others"
        )
    })
}

impl Never {
    fn forbids(&self, arrow: &Arrow) -> bool {
        let mut froms = self.from.iter().filter(|from| is_within(&arrow.from, from));
        froms.any(|from| self.to.iter().any(|to| leads(arrow, Some(from), to)))
    }
}

/// Whether an arrow, out of `from` where the rule names a beginning, leads into `to`.
fn leads(arrow: &Arrow, from: Option<&str>, to: &str) -> bool {
    let inside = to.strip_prefix("crate").map(|rest| rest.trim_start_matches("::"));
    match (&arrow.to, inside) {
        (Target::Module(_, Some(item)), None) if to == "*Error" => is_error(item),
        (Target::Outside(path), None) if to == "*Error" => is_error(path.rsplit("::").next().unwrap_or(path)),
        (Target::Outside(path), None) => is_within(path, to),
        // A part may use itself, both where it is a part of what is forbidden and where that is a part of it.
        (Target::Module(module, _), Some(to)) => {
            let from_holds = from.is_some_and(|from| is_within(from, to) && is_within(module, from));
            let to_holds = from.is_none_or(|from| !is_within(from, to)) && is_within(&arrow.from, to);
            is_within(module, to) && !from_holds && !to_holds
        }
        _ => false,
    }
}

/// A bare `Error` is a trait or a derive more often than a type.
fn is_error(name: &str) -> bool {
    name.len() > "Error".len() && name.ends_with("Error")
}
