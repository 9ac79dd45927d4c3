//! The parameters of a signed request: who sent it, when, and whether it was changed on the way.
//!
//! REST and the WebSocket API sign different texts (request-security.md of each): REST signs the query string and the body
//! exactly as sent, percent-encoding included; the WebSocket API signs its parameters sorted by name, unencoded.

use super::refusal::Refusal;
use super::{API_KEY, API_SECRET};
use crate::exchange::milliseconds;
use crate::market::Fixed;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::form_urlencoded;

/// A timestamp may lie this far ahead of the exchange's clock, in milliseconds.
const AHEAD: i64 = 1_000;
const DEFAULT_WINDOW: i64 = 5_000;
const LONGEST_WINDOW: i64 = 60_000;

/// What was sent, until it is read.
#[derive(Debug, Default)]
pub(super) struct Params {
    unread: Vec<(String, String)>,
    sent: usize,
}

impl Params {
    /// Of a query string and a form body; the query wins where both name a parameter.
    pub(super) fn parse(query: &str, body: &str) -> Self {
        let mut unread: Vec<(String, String)> = Vec::new();
        for text in [query, body] {
            for (name, value) in form_urlencoded::parse(text.as_bytes()) {
                if !unread.iter().any(|(known, _)| *known == name) {
                    unread.push((name.into_owned(), value.into_owned()));
                }
            }
        }
        Self::from_pairs(unread)
    }

    /// Of parameters that are read already.
    pub(super) fn from_pairs(unread: Vec<(String, String)>) -> Self {
        Self {
            sent: unread.len(),
            unread,
        }
    }

    /// A parameter that may be absent. Empty counts as absent.
    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        let index = self.unread.iter().position(|(known, _)| known == name)?;
        Some(self.unread.swap_remove(index).1).filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub(super) fn required(&mut self, name: &str) -> Result<String, Refusal> {
        self.optional(name).ok_or_else(|| Refusal::missing(name))
    }

    /// A whole number that may be absent.
    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.optional(name) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| Refusal::illegal(name, "^[0-9]{1,20}$"))
    }

    /// A decimal that must be there.
    pub(super) fn decimal(&mut self, name: &str) -> Result<Fixed, Refusal> {
        self.required(name)?
            .parse()
            .map_err(|_| Refusal::illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$"))
    }

    /// Reads parameters that change nothing here, so that they do not count as unknown.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        self.unread.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Refuses what nobody has read.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        let read = self.sent - self.unread.len();
        if self.unread.is_empty() {
            Ok(())
        } else {
            Err(Refusal::unread(read, self.sent))
        }
    }

    /// Checks when the request was sent (`timestamp`, `recvWindow`), in milliseconds or microseconds.
    fn check_time(&mut self, now: i64) -> Result<(), Refusal> {
        let timestamp = self.integer("timestamp")?;
        let timestamp = milliseconds(timestamp.ok_or_else(|| Refusal::missing("timestamp"))?);
        let window = match self.optional("recvWindow") {
            None => DEFAULT_WINDOW,
            // Up to three decimals of a millisecond are allowed, and far below what a clock can tell.
            Some(text) => (text.parse::<Fixed>().ok())
                .and_then(Fixed::raw)
                .map(|raw| raw / 100_000_000)
                .filter(|window| *window <= LONGEST_WINDOW)
                .ok_or_else(|| Refusal::illegal("recvWindow", "0 to 60000"))?,
        };
        match now.saturating_sub(timestamp) {
            age if age < -AHEAD => Err(Refusal::timestamp_ahead()),
            age if age > window => Err(Refusal::timestamp_late()),
            _ => Ok(()),
        }
    }
}

/// Checks a signed REST request and returns its parameters.
pub(super) fn signed(key: Option<&str>, query: &str, body: &str, now: i64) -> Result<Params, Refusal> {
    check_key(key)?;
    let (query, in_query) = without_signature(query);
    let (body, in_body) = without_signature(body);
    let mut params = Params::parse(&query, &body);
    let signature = in_query
        .or(in_body)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::missing("signature"))?;
    params.check_time(now)?;
    check_signature(API_SECRET, &format!("{query}{body}"), &signature)?;
    Ok(params)
}

/// Checks a signed request on the WebSocket API and returns its parameters.
pub(super) fn signed_ws(mut sent: Vec<(String, String)>, now: i64) -> Result<Params, Refusal> {
    let signature = sent
        .iter()
        .position(|(name, _)| name == "signature")
        .map(|index| sent.remove(index).1);
    let payload = ws_payload(&mut sent);
    let mut params = Params::from_pairs(sent);
    check_key(params.optional("apiKey").as_deref())?;
    let signature = signature.ok_or_else(|| Refusal::missing("signature"))?;
    params.check_time(now)?;
    check_signature(API_SECRET, &payload, &signature)?;
    Ok(params)
}

/// Sorted by name, not encoded.
fn ws_payload(params: &mut [(String, String)]) -> String {
    params.sort();
    let pairs: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Takes `signature` out of an encoded text and leaves every other byte as it was sent.
fn without_signature(text: &str) -> (String, Option<String>) {
    let mut signature = None;
    let rest: Vec<&str> = (text.split('&'))
        .filter(|pair| match pair.strip_prefix("signature=") {
            Some(value) => {
                signature = Some(value.to_owned());
                false
            }
            None => !pair.is_empty(),
        })
        .collect();
    (rest.join("&"), signature)
}

pub(super) fn check_key(key: Option<&str>) -> Result<(), Refusal> {
    match key {
        None => Err(Refusal::no_key()),
        Some(key) if key == API_KEY => Ok(()),
        Some(_) => Err(Refusal::bad_key()),
    }
}

/// HMAC-SHA256 in hexadecimal of either case, compared in constant time.
fn check_signature(secret: &str, payload: &str, signature: &str) -> Result<(), Refusal> {
    let claimed = hex::decode(signature).map_err(|_| Refusal::bad_signature())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("an HMAC takes a key of any length");
    mac.update(payload.as_bytes());
    mac.verify_slice(&claimed).map_err(|_| Refusal::bad_signature())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public sample of the exchange's documentation.
    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

    #[test]
    fn the_documented_rest_signatures_are_accepted_as_sent() {
        for (symbol, signature) in [
            (
                "LTCBTC",
                "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            ),
            (
                "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
                "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
            ),
        ] {
            let payload = format!(
                "symbol={symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000\
                 &timestamp=1499827319559"
            );
            assert_eq!(check_signature(SECRET, &payload, signature), Ok(()));
            assert_eq!(check_signature(SECRET, &payload, &signature.to_uppercase()), Ok(()));
            assert!(check_signature(SECRET, &format!("{payload}0"), signature).is_err());
        }
    }

    #[test]
    fn the_documented_websocket_signature_is_accepted_in_any_order() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let mut params = [
            ("symbol", "BTCUSDT"),
            ("side", "SELL"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "0.01000000"),
            ("price", "52000.00"),
            ("recvWindow", "100"),
            ("timestamp", "1645423376532"),
            (
                "apiKey",
                "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
            ),
        ]
        .map(pair);
        let signature = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24";
        assert_eq!(check_signature(SECRET, &ws_payload(&mut params), signature), Ok(()));
    }

    #[test]
    fn the_signature_may_stand_anywhere_and_the_rest_stays_as_sent() {
        let (rest, signature) = without_signature("a=%41&signature=ff&b=1");
        assert_eq!((rest.as_str(), signature.as_deref()), ("a=%41&b=1", Some("ff")));
    }

    #[test]
    fn timestamps_are_accepted_inside_their_window() {
        let code = |timestamp: &str, window: &str| {
            let mut params = Params::parse(&format!("timestamp={timestamp}&recvWindow={window}"), "");
            params.check_time(1_000_000_000_000).map_err(|refusal| refusal.code)
        };
        assert_eq!(code("999999995000", ""), Ok(()));
        assert_eq!(code("999999995000000", "5000.125"), Ok(()), "microseconds");
        assert_eq!(code("999999994999", ""), Err(-1021));
        assert_eq!(code("1000000001000", ""), Ok(()));
        assert_eq!(code("1000000001001", ""), Err(-1021));
        assert_eq!(code("999999999000", "60001"), Err(-1100));
        assert_eq!(code("", ""), Err(-1102));
        assert_eq!(code("now", ""), Err(-1100));
    }

    #[test]
    fn a_parameter_that_nobody_reads_is_refused() {
        let mut params = Params::parse("symbol=BTCUSDT&limt=5", "symbol=ETHUSDT");
        assert_eq!(params.required("symbol").as_deref(), Ok("BTCUSDT"));
        assert_eq!(params.finish().map_err(|refusal| refusal.code), Err(-1104));
    }
}
