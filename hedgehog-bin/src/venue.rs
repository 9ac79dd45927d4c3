//! Whose market a data folder holds.
//!
//! Trade ids and order ids are unique per exchange only, so a folder belongs to one venue for good: the first program
//! writes the venue into the folder, and every later one must match. Invariant: ids of two venues never meet in one table.

use crate::data_dir::{DataDir, Lock};
use crate::exchange::Address;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

const FILE: &str = "venue";

/// An exchange, or a simulated market, with ids of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Venue {
    /// The simulator with its generated market: another seed has other trades under the same ids.
    Simulator {
        /// The generator's seed.
        seed: u64,
    },
    /// The simulator with a recorded market.
    Replay {
        /// Of the recording's trades.
        hash: String,
    },
    /// An exchange that a person named by its address, such as a simulator that runs by itself.
    Address {
        /// Of REST: the same exchange under another name counts as another one.
        rest: Address,
    },
    /// The exchange's test network.
    Testnet,
    /// The exchange itself.
    Live,
}

impl Venue {
    /// Writes the venue into a folder that has none; refuses a folder of another venue.
    pub fn claim(&self, lock: &Lock) -> Result<(), VenueError> {
        self.check(lock)?;
        let path = lock.folder().file(FILE);
        self.write(&path)
            .map_err(|source| VenueError::Unwritable { path, source })
    }

    /// Refuses a folder of another venue, and changes nothing.
    pub fn check(&self, lock: &Lock) -> Result<(), VenueError> {
        match Self::of(lock.folder())? {
            Some(held) if held != *self => {
                let suggestion = self.suggest_folder(lock);
                Err(VenueError::Other {
                    folder: lock.folder().path().into(),
                    held,
                    wanted: self.clone(),
                    suggestion,
                })
            }
            _ => Ok(()),
        }
    }

    /// The venue that a folder belongs to, if it has one yet.
    pub fn of(folder: &DataDir) -> Result<Option<Self>, VenueError> {
        let path = folder.file(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => match text.parse() {
                Ok(venue) => Ok(Some(venue)),
                Err(UnknownVenue(text)) => Err(VenueError::Unreadable { path, text }),
            },
            // A folder that is a file is refused by who takes the folder, in better words.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(VenueError::Unwritable { path, source }),
        }
    }

    /// For people: a recording's hash, shortened as its folder's name would have it.
    pub fn short(&self) -> String {
        match self {
            Self::Replay { hash } => format!("replay:{}", abbreviated(hash)),
            other => other.to_string(),
        }
    }

    /// Whole or not at all: half a line would shut the folder for every venue.
    fn write(&self, path: &std::path::Path) -> io::Result<()> {
        let unfinished = path.with_extension("new");
        let mut file = crate::owner_only::open(&unfinished)?;
        file.set_len(0)?;
        writeln!(file, "{self}")?;
        file.sync_all()?;
        std::fs::rename(unfinished, path)
    }

    /// A folder beside the refused one, named for this venue.
    fn suggest_folder(&self, lock: &Lock) -> PathBuf {
        let suffix = match self {
            Self::Simulator { seed } => format!("sim-{seed}"),
            Self::Replay { hash } => format!("replay-{}", abbreviated(hash)),
            Self::Address { rest } => {
                let plain = |c: char| if c.is_alphanumeric() || c == '.' { c } else { '-' };
                let name: String = rest.brief().chars().map(plain).collect();
                let words: Vec<_> = name.split('-').filter(|word| !word.is_empty()).collect();
                format!("exchange-{}", words.join("-"))
            }
            Self::Testnet => "testnet".to_owned(),
            Self::Live => "live".to_owned(),
        };
        let mut name = lock.folder().path().as_os_str().to_owned();
        name.push(format!("-{suffix}"));
        name.into()
    }
}

fn abbreviated(hash: &str) -> String {
    hash.chars().take(8).collect()
}

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulator { seed } => write!(f, "sim:{seed}"),
            Self::Replay { hash } => write!(f, "replay:{hash}"),
            Self::Address { rest } => write!(f, "exchange:{}", rest.brief()),
            Self::Testnet => f.write_str("testnet"),
            Self::Live => f.write_str("live"),
        }
    }
}

impl FromStr for Venue {
    type Err = UnknownVenue;

    fn from_str(text: &str) -> Result<Self, UnknownVenue> {
        let unknown = || UnknownVenue(text.trim().to_owned());
        match text.trim().split_once(':') {
            Some(("sim", seed)) => Ok(Self::Simulator {
                seed: seed.parse().map_err(|_| unknown())?,
            }),
            Some(("replay", hash)) if !hash.is_empty() => Ok(Self::Replay { hash: hash.to_owned() }),
            Some(("exchange", rest)) => Ok(Self::Address {
                rest: Address::from_brief(rest).map_err(|_| unknown())?,
            }),
            None if text.trim() == "testnet" => Ok(Self::Testnet),
            None if text.trim() == "live" => Ok(Self::Live),
            _ => Err(unknown()),
        }
    }
}

impl From<Venue> for String {
    fn from(venue: Venue) -> Self {
        venue.to_string()
    }
}

impl TryFrom<String> for Venue {
    type Error = UnknownVenue;

    fn try_from(text: String) -> Result<Self, UnknownVenue> {
        text.parse()
    }
}

/// A text that names no venue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a venue")]
pub struct UnknownVenue(String);

/// Why a folder cannot be used with a venue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VenueError {
    /// The folder holds another venue's data.
    #[error("the data folder {} belongs to {}, not to {}", folder.display(), held.short(), wanted.short())]
    Other {
        /// The folder.
        folder: PathBuf,
        /// What it holds.
        held: Venue,
        /// What was asked for.
        wanted: Venue,
        /// A folder to use instead.
        suggestion: PathBuf,
    },
    /// The venue file holds something else.
    #[error("{} says {text:?}, which is no venue of this version", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Its content.
        text: String,
    },
    /// The venue file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_the_venue_that_claimed_it_first() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let lock = DataDir::new(parent.path().join("data"))
            .lock()
            .expect("nobody holds it");
        let first = Venue::Simulator { seed: 1 };
        assert_eq!(Venue::of(lock.folder()).expect("readable"), None);
        first.claim(&lock).expect("a new folder takes any venue");
        first.claim(&lock).expect("its own venue again");

        let other = Venue::Replay {
            hash: "ab12cd34ef".to_owned(),
        };
        match other.claim(&lock) {
            Err(VenueError::Other { held, suggestion, .. }) => {
                assert_eq!(held, first);
                assert_eq!(suggestion, parent.path().join("data-replay-ab12cd34"));
            }
            claimed => panic!("another venue was let in: {claimed:?}"),
        }
        assert_eq!(
            Venue::of(lock.folder()).expect("readable"),
            Some(first),
            "a refusal changes nothing"
        );
    }

    #[test]
    fn every_venue_reads_back() {
        for text in [
            "sim:1",
            "sim:18446744073709551615",
            "replay:ab12",
            "exchange:127.0.0.1:8080",
            "exchange:[::1]:8080",
            "exchange:venue.example:443",
            "exchange:http://10.0.0.1:8080",
            "testnet",
            "live",
        ] {
            assert_eq!(text.parse::<Venue>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "sim",
            "sim:x",
            "replay:",
            "exchange:",
            "exchange",
            "exchange:u:p@host:1",
            "mainnet",
        ] {
            assert!(text.parse::<Venue>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_folder_of_an_address_has_a_name_that_every_shell_takes() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let lock = DataDir::new(parent.path().join("data"))
            .lock()
            .expect("nobody holds it");
        for (venue, folder) in [
            ("exchange:127.0.0.1:8080", "data-exchange-127.0.0.1-8080"),
            ("exchange:[::1]:8080", "data-exchange-1-8080"),
            ("exchange:http://10.0.0.1:80", "data-exchange-http-10.0.0.1-80"),
        ] {
            let venue: Venue = venue.parse().expect(venue);
            assert_eq!(venue.suggest_folder(&lock), parent.path().join(folder));
        }
    }
}
