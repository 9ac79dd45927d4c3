//! What is broken today may only become less: new debt fails, and so does debt that is still listed after it was paid.

use std::collections::BTreeSet;
use std::path::Path;

use crate::circles::{Circle, Graph};
use crate::rules::House;
use crate::sources::Sources;

/// What is wrong with the arrows of a crate, one problem each.
pub(crate) fn arrows(house: &House, sources: &Sources) -> Vec<String> {
    let broken = house.broken(sources);
    let mut told = BTreeSet::new();
    let new = broken.iter().filter(|broken| !house.debt.contains(&broken.key()));
    // Once for each thing that is used, where it is used first.
    let new = new.filter(|broken| told.insert((&broken.arrow.from, &broken.arrow.to)));
    let new = new.map(|broken| format!("{}\n    {}", broken.arrow, broken.why));
    let paid = house
        .debt
        .iter()
        .filter(|debt| !broken.iter().any(|broken| broken.key() == **debt));
    let paid = paid.map(|(from, to)| {
        let krate = house.krate;
        format!("{krate}: {from} → {to} breaks no rule any more; strike it out of the debt")
    });
    new.chain(paid).collect()
}

/// What is wrong with the circles of a crate.
pub(crate) fn circles(house: &House, sources: &Sources) -> Vec<String> {
    let krate = house.krate;
    let folder = Path::new(krate).join("src");
    let graph = Graph::of(sources);
    let found = graph.circles();
    let known = house
        .circles
        .iter()
        .map(|files| files.iter().map(|file| folder.join(file)).collect());
    let known: Vec<Circle> = known.collect();
    let changed = found.iter().filter(|circle| !known.contains(circle)).map(|circle| {
        let smaller = known.iter().any(|known| circle.is_subset(known));
        let how = if smaller {
            "a circle has shrunk; write it so in the debt".to_owned()
        } else {
            let example = graph.example(circle, &known);
            format!("a new or longer circle through folders:{example}")
        };
        format!("{krate}: {how}\n  as the debt lists it: {}", listed(circle, &folder))
    });
    let gone = known
        .iter()
        .filter(|known| !found.iter().any(|circle| circle.is_subset(known)));
    let gone = gone.map(|circle| {
        format!(
            "{krate}: a circle is gone; strike it out of the debt: {}",
            listed(circle, &folder)
        )
    });
    changed.chain(gone).collect()
}

fn listed(circle: &Circle, folder: &Path) -> String {
    let files: BTreeSet<_> = circle
        .iter()
        .map(|file| file.strip_prefix(folder).unwrap_or(file))
        .collect();
    format!("&{:?}", files.into_iter().collect::<Vec<_>>())
}
