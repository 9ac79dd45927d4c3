//! Where an exchange answers, and the keys of an account there.
//!
//! The simulator, the testnet and the live exchange differ in nothing else.

use super::address::{Address, WS_API_PATH};
use crate::market::Symbol;
use std::fmt;
use std::net::SocketAddr;
use url::Url;

/// The three base addresses of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Orders and rules: `https://host`, under which `/api/v3/…` stands.
    pub rest: Url,
    /// Market streams: `wss://host`, under which `/ws/<stream>` stands.
    pub streams: Url,
    /// The WebSocket API, its path included: `wss://host/ws-api/v3`.
    pub ws_api: Url,
}

/// The base addresses of an exchange as a person gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Of REST; it names the exchange.
    pub rest: Address,
    /// Of the market streams.
    pub streams: Address,
    /// Of the WebSocket API.
    pub ws_api: Address,
}

impl Addresses {
    /// Everything at one address, as the simulator has it.
    pub fn at(address: &Address) -> Self {
        let [rest, streams, ws_api] = [address.clone(), address.clone(), address.clone()];
        Self { rest, streams, ws_api }
    }

    /// The addresses that keys are sent to.
    pub fn with_keys(&self) -> [&Address; 2] {
        [&self.rest, &self.ws_api]
    }

    /// Whether any of them is the live exchange's.
    pub fn is_live(&self) -> bool {
        [&self.rest, &self.streams, &self.ws_api]
            .into_iter()
            .any(Address::is_live)
    }
}

impl Endpoints {
    /// An exchange at addresses that a person gave.
    pub fn by_address(addresses: &Addresses) -> Self {
        Self {
            rest: addresses.rest.http(),
            streams: addresses.streams.web_socket("/"),
            ws_api: addresses.ws_api.web_socket(WS_API_PATH),
        }
    }

    /// A simulator that listens on `address`, one port for everything.
    ///
    /// # Panics
    /// Never: a socket address always makes a URL.
    pub fn simulator(address: SocketAddr) -> Self {
        Self::from_known([
            &format!("http://{address}"),
            &format!("ws://{address}"),
            &format!("ws://{address}/ws-api/v3"),
        ])
    }

    /// The exchange's testnet: virtual money, emptied about monthly without notice (testnet/general-info.md).
    pub fn testnet() -> Self {
        Self::from_known([
            "https://testnet.binance.vision",
            "wss://stream.testnet.binance.vision",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
        ])
    }

    /// The live exchange: real money.
    pub fn live() -> Self {
        Self::from_known([
            "https://api.binance.com",
            "wss://stream.binance.com:9443",
            "wss://ws-api.binance.com:443/ws-api/v3",
        ])
    }

    fn from_known([rest, streams, ws_api]: [&str; 3]) -> Self {
        let url = |text: &str| Url::parse(text).expect("an address written in this file is a URL");
        Self {
            rest: url(rest),
            streams: url(streams),
            ws_api: url(ws_api),
        }
    }

    /// Of a REST call, such as `/api/v3/time`.
    pub(crate) fn rest_url(&self, path: &str) -> Url {
        with_path(&self.rest, path)
    }

    /// Of a symbol's raw trade stream. Stream names are lower case; letters outside ASCII are percent-encoded.
    pub(crate) fn trade_stream_url(&self, symbol: &Symbol) -> Url {
        with_path(&self.streams, &format!("/ws/{}@trade", symbol.to_lowercase()))
    }
}

fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

/// An API key and its secret. Neither shows in `Debug`, in logs or in errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    key: String,
    secret: String,
}

impl Credentials {
    /// As the exchange handed them out.
    pub fn new(key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            secret: secret.into(),
        }
    }

    /// Sent with every signed request.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Signs; is never sent.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_s_address_is_lower_case_and_encoded() {
        let endpoints = Endpoints::simulator(([127, 0, 0, 1], 4000).into());
        let url = |symbol: &str| endpoints.trade_stream_url(&symbol.parse().expect(symbol)).to_string();
        assert_eq!(url("BTCUSDT"), "ws://127.0.0.1:4000/ws/btcusdt@trade");
        assert_eq!(url("币安USDT"), "ws://127.0.0.1:4000/ws/%E5%B8%81%E5%AE%89usdt@trade");
        assert_eq!(
            endpoints.rest_url("/api/v3/time").as_str(),
            "http://127.0.0.1:4000/api/v3/time"
        );
        assert_eq!(
            Endpoints::live().trade_stream_url(&"X".parse().expect("X")).port(),
            Some(9443)
        );
    }

    #[test]
    fn an_address_stands_for_all_three_and_each_may_have_its_own() {
        let at = |text: &str| text.parse::<Address>().expect(text);
        let port = ([127, 0, 0, 1], 4000).into();
        let one = Addresses::at(&at("http://127.0.0.1:4000"));
        assert_eq!(Endpoints::by_address(&one), Endpoints::simulator(port));
        let three = Addresses {
            streams: at("wss://streams.example:9443"),
            ws_api: at("wss://ws.example"),
            ..one
        };
        let Endpoints { rest, streams, ws_api } = Endpoints::by_address(&three);
        assert_eq!(
            [rest, streams, ws_api].map(String::from),
            [
                "http://127.0.0.1:4000/",
                "wss://streams.example:9443/",
                "wss://ws.example/ws-api/v3"
            ]
        );
    }

    #[test]
    fn credentials_show_nothing() {
        let shown = format!("{:?}", Credentials::new("my-key", "my-secret"));
        assert!(!shown.contains("my-"), "{shown}");
    }
}
