//! A base address that a person gives: which host, which port, and whether what goes there is encrypted.
//!
//! Invariant: an address carries no user, no password and no path, and neither does what is said of one that was refused.

use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

/// Where an exchange answers: `http://127.0.0.1:8080`. `ws` and `wss` mean the same as `http` and `https`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    encrypted: bool,
    host: Host,
    port: u16,
}

/// A text that is no base address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct AddressError {
    /// As written, without what stands before an `@`: it may be a secret.
    pub text: String,
    /// Ends the sentence "this is not …".
    pub expected: &'static str,
}

const SHAPE: &str = "the base address of an exchange: expected a scheme (http, https, ws, wss), a host and a port, such as \
                     http://127.0.0.1:8080";
const NO_PATH: &str = "a base address: leave out everything behind host and port";
const NO_USER: &str =
    "an address that may be used: keys go into HEDGEHOG_API_KEY and HEDGEHOG_API_SECRET, never into an address";
const NO_PORT: &str = "an address with a port that can be connected to: 0 is none";

/// Where the WebSocket API stands under its base address.
pub(super) const WS_API_PATH: &str = "/ws-api/v3";

impl Address {
    /// As [`FromStr`], for the WebSocket API, whose documented address has a path.
    pub fn of_ws_api(text: &str) -> Result<Self, AddressError> {
        Self::read(text, &["", "/", WS_API_PATH])
    }

    fn read(text: &str, paths: &[&str]) -> Result<Self, AddressError> {
        let text = text.trim();
        let refused = |expected| AddressError {
            text: without_user(text),
            expected,
        };
        // Whatever it is: what stands before an `@` in an address is a user.
        if text.contains('@') {
            return Err(refused(NO_USER));
        }
        let url = Url::parse(text).map_err(|_| refused(SHAPE))?;
        let encrypted = match url.scheme() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(refused(SHAPE)),
        };
        if !paths.contains(&url.path()) || url.query().is_some() || url.fragment().is_some() {
            return Err(refused(NO_PATH));
        }
        let host = url.host().ok_or_else(|| refused(SHAPE))?.to_owned();
        match url.port_or_known_default() {
            None => Err(refused(SHAPE)),
            Some(0) => Err(refused(NO_PORT)),
            Some(port) => Ok(Self { encrypted, host, port }),
        }
    }

    /// Reads what [`Address::brief`] wrote.
    pub fn from_brief(text: &str) -> Result<Self, AddressError> {
        if text.contains("://") {
            return text.parse();
        }
        let plain: Self = format!("http://{text}").parse()?;
        Ok(Self {
            encrypted: !plain.is_loopback(),
            ..plain
        })
    }

    /// Host and port, and the scheme where it is not the usual one: nothing is encrypted on the loopback address, everything
    /// elsewhere.
    pub fn brief(&self) -> String {
        if self.encrypted == self.is_loopback() {
            self.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether what goes there stays on this machine.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => {
                address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
            }
        }
    }

    /// Whether a key that is sent there could be read on the way.
    pub fn is_open(&self) -> bool {
        !self.encrypted && !self.is_loopback()
    }

    /// Whether this is a host of the live exchange: orders there are real money, whatever the address is called.
    pub fn is_live(&self) -> bool {
        let Host::Domain(name) = &self.host else {
            return false;
        };
        let name = name.trim_end_matches('.');
        let test = name == "testnet.binance.vision" || name.ends_with(".testnet.binance.vision");
        let labels: Vec<_> = name.split('.').collect();
        let of_binance = labels.iter().rev().skip(1).any(|label| *label == "binance");
        of_binance && !test && !self.is_loopback()
    }

    /// For HTTP.
    pub(super) fn http(&self) -> Url {
        self.url(if self.encrypted { "https" } else { "http" }, "/")
    }

    /// For a web socket.
    pub(super) fn web_socket(&self, path: &str) -> Url {
        self.url(if self.encrypted { "wss" } else { "ws" }, path)
    }

    fn url(&self, scheme: &str, path: &str) -> Url {
        let text = format!("{scheme}://{}:{}{path}", self.host, self.port);
        Url::parse(&text).expect("a host and a port that were read make a URL again")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::read(text, &["", "/"])
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

fn without_user(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
            format!("{}…@{host}", scheme.unwrap_or_default())
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().expect(text)
    }

    #[test]
    fn an_address_reads_back_from_its_brief_form() {
        for (text, brief) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("ws://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("http://LocalHost:80", "localhost:80"),
            ("https://localhost:8443", "https://localhost:8443"),
            ("https://venue.example", "venue.example:443"),
            ("wss://venue.example:9443", "venue.example:9443"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ] {
            let address = address(text);
            assert_eq!(address.brief(), brief);
            assert_eq!(Address::from_brief(brief).as_ref(), Ok(&address), "{brief}");
            assert_eq!(address.to_string().parse().as_ref(), Ok(&address), "{address}");
        }
    }

    #[test]
    fn what_is_no_base_address_is_refused_in_one_line_and_tells_no_secret() {
        for text in [
            "",
            "localhost:8080",
            "127.0.0.1:8080",
            "ftp://127.0.0.1",
            "http://",
            "http://host:99999",
            "http://127.0.0.1:0",
            "http://127.0.0.1:8080/api",
            "http://127.0.0.1:8080/?a=b",
            "http://127.0.0.1:8080/#a",
            "file:///etc/passwd",
            "http://127.0.0.1:8080/ws-api/v3",
        ] {
            let refused = text.parse::<Address>().expect_err(text).to_string();
            assert!(!refused.contains('\n') && refused.contains(" is not "), "{refused}");
        }
        for text in [
            "http://user:pass-word@127.0.0.1:8080",
            "https://pass-word@host",
            "http://user:pass-word@127.0.0.1:8080/x@y",
            "pass-word@host:80",
        ] {
            let refused = text.parse::<Address>().expect_err(text).to_string();
            assert!(
                !refused.contains("pass-word") && refused.contains("HEDGEHOG_API_KEY"),
                "{refused}"
            );
        }
        assert_eq!(
            Address::of_ws_api("ws://127.0.0.1:8080/ws-api/v3"),
            Ok(address("http://127.0.0.1:8080"))
        );
    }

    #[test]
    fn a_host_of_the_live_exchange_is_known_under_each_of_its_names() {
        for host in [
            "api.binance.com",
            "API.BINANCE.COM.",
            "binance.com",
            "api4.binance.com:443",
            "api-gcp.binance.com",
            "stream.binance.com:9443",
            "api.binance.us",
            "data-api.binance.vision",
            "data-stream.binance.vision",
            "api.binance.je",
        ] {
            assert!(address(&format!("https://{host}")).is_live(), "{host}");
        }
        for host in [
            "testnet.binance.vision",
            "ws-api.testnet.binance.vision",
            "127.0.0.1:8080",
            "binance.localhost",
            "binance",
            "notbinance.com",
            "exchange.example",
        ] {
            assert!(!address(&format!("https://{host}")).is_live(), "{host}");
        }
    }

    #[test]
    fn only_the_loopback_address_may_be_spoken_to_in_the_clear() {
        for text in [
            "http://127.0.0.1:1",
            "http://127.9.9.9:1",
            "http://[::1]:1",
            "ws://localhost:1",
            "https://a.example",
        ] {
            assert!(!address(text).is_open(), "{text}");
        }
        for text in [
            "http://10.0.0.1:1",
            "ws://a.example:1",
            "http://localhost.example:1",
            "http://0.0.0.0:1",
        ] {
            assert!(address(text).is_open(), "{text}");
        }
    }
}
