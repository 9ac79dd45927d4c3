//! The sources of settings, laid over each other key by key: the last one to speak wins.

use super::{Address, AddressError, ConfigError, KEYS};
use crate::spelling::nearest;
use crate::store::Location;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A setting on its way from its source: key, text, and the place that a complaint must name.
type Given = (&'static str, String, String);

/// What has been said so far.
#[derive(Default)]
pub(super) struct Layers {
    /// Text and place by key.
    values: BTreeMap<&'static str, (String, String)>,
}

impl Layers {
    /// Lays a source over those before it.
    pub(super) fn lay(&mut self, source: impl IntoIterator<Item = Given>) {
        self.values
            .extend(source.into_iter().map(|(key, text, place)| (key, (text, place))));
    }

    /// Lays the file over what is there; an absent file is an empty one unless somebody asked for it.
    pub(super) fn file(&mut self, path: &Path, must_exist: bool) -> Result<(), ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            // A data folder that is a file holds none either, and is refused by who takes the folder.
            Err(error) if is_absent(&error) && !must_exist => return Ok(()),
            Err(source) => {
                return Err(ConfigError::Unreadable {
                    path: path.into(),
                    source,
                });
            }
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.into(),
            line: 1 + error
                .span()
                .map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count()),
            message: error.message().to_owned(),
        })?;
        let mut found = Vec::new();
        flatten(path, "", table, &mut found)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for (key, text, _) in &mut found {
            // From whatever folder the program is started, the file means the same databases.
            if key.starts_with("databases.") {
                *text = Location::relative_to(text, folder);
            }
        }
        self.lay(found);
        Ok(())
    }

    /// A setting of another type; `expected` ends the sentence "this is not …".
    pub(super) fn read<T>(
        &self,
        key: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((text, place)) = self.values.get(key) else {
            return Ok(None);
        };
        match parse(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(ConfigError::BadValue {
                place: place.clone(),
                value: text.clone(),
                expected,
            }),
        }
    }

    /// The address of an exchange. A refused one may hold a password, which the complaint leaves out.
    pub(super) fn address(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<Address, AddressError>,
    ) -> Result<Option<Address>, ConfigError> {
        let Some((text, place)) = self.values.get(key) else {
            return Ok(None);
        };
        let refused = |AddressError { text, expected }| ConfigError::BadValue {
            place: place.clone(),
            value: text,
            expected,
        };
        parse(text).map(Some).map_err(refused)
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Turns the tables of a file into dotted keys, refusing what is not in [`KEYS`].
fn flatten(path: &Path, prefix: &str, table: toml::Table, found: &mut Vec<Given>) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        if let toml::Value::Table(inner) = value {
            flatten(path, &key, inner, found)?;
            continue;
        }
        let Some(known) = KEYS.into_iter().find(|known| *known == key) else {
            let place = path.display().to_string();
            let nearest = nearest_key(&key, KEYS, '.').map(str::to_owned);
            return Err(ConfigError::UnknownKey { place, key, nearest });
        };
        found.push((known, text_of(&value), format!("{}: {key}", path.display())));
    }
    Ok(())
}

/// The known key that was probably meant: spelt alike as a whole, or in its last part alone (`seed` for `simulator.seed`).
fn nearest_key<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, separator: char) -> Option<&'a str> {
    let known: Vec<_> = known.into_iter().collect();
    if let Some(near) = nearest(typed, known.iter().copied()).first() {
        return Some(near);
    }
    let last = |key: &'a str| key.rsplit(separator).next().unwrap_or(key);
    let near = *nearest(typed, known.iter().map(|key| last(key))).first()?;
    known.into_iter().find(|key| last(key) == near)
}

/// A value as it would stand in a flag.
fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// What the environment says.
pub(super) struct Variables {
    /// `HEDGEHOG_DATA_DIR`.
    pub(super) data_dir: Option<PathBuf>,
    /// `HEDGEHOG_CONFIG`.
    pub(super) config: Option<PathBuf>,
    /// The settings.
    pub(super) settings: Vec<Given>,
}

/// The variables that are no settings: two places, and the exchange's keys.
const OTHER_VARIABLES: [&str; 4] = ["DATA_DIR", "CONFIG", "API_KEY", "API_SECRET"];

impl Variables {
    /// Takes our variables. One that is spelt almost like ours is refused; one that resembles none belongs to somebody else.
    pub(super) fn read(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut ours = Self {
            data_dir: None,
            config: None,
            settings: Vec::new(),
        };
        let names: Vec<String> = KEYS.iter().map(|key| key.replace('.', "_").to_uppercase()).collect();
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix("HEDGEHOG_") else {
                continue;
            };
            match (name, names.iter().position(|known| known == name)) {
                ("DATA_DIR", _) => ours.data_dir = Some(value.into()),
                ("CONFIG", _) => ours.config = Some(value.into()),
                (_, Some(index)) => ours.settings.push((KEYS[index], value, variable)),
                (other, None) if OTHER_VARIABLES.contains(&other) => {}
                (other, None) => {
                    let known = names.iter().map(String::as_str).chain(OTHER_VARIABLES);
                    if let Some(near) = nearest_key(other, known, '_') {
                        let near = Some(format!("HEDGEHOG_{near}"));
                        return Err(ConfigError::UnknownKey {
                            place: "environment".into(),
                            key: variable,
                            nearest: near,
                        });
                    }
                }
            }
        }
        Ok(ours)
    }
}
