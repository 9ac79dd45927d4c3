//! How a request is signed: HMAC-SHA256 with the account's secret, in hex.
//!
//! REST and the WebSocket API sign different texts of the same parameters (request-security.md of each).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::form_urlencoded::Serializer;

/// The signature of a text.
pub(super) fn signature(secret: &str, payload: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// What REST sends and signs: percent-encoded before signing (enforced since 2026-01-15), in the order given.
pub(super) fn query_string<V: AsRef<str>>(parameters: &[(&str, V)]) -> String {
    Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// What the WebSocket API signs: sorted by name, plain UTF-8, **not** percent-encoded.
pub(super) fn ws_api_payload<V: AsRef<str>>(parameters: &[(&str, V)]) -> String {
    let mut sorted: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    sorted.sort_unstable();
    let pairs: Vec<_> = sorted
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public sample of the exchange's documentation.
    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

    fn rest_signature(symbol: &str) -> String {
        let parameters = [
            ("symbol", symbol),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "1"),
            ("price", "0.1"),
            ("recvWindow", "5000"),
            ("timestamp", "1499827319559"),
        ];
        signature(SECRET, &query_string(&parameters))
    }

    #[test]
    fn rest_signs_the_percent_encoded_query() {
        assert_eq!(
            rest_signature("LTCBTC"),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
        );
        assert_eq!(
            rest_signature("１２３４５６"),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
        );
    }

    #[test]
    fn the_web_socket_api_signs_the_sorted_plain_text() {
        let parameters = [
            ("symbol", "BTCUSDT"),
            ("side", "SELL"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("price", "52000.00"),
            ("quantity", "0.01000000"),
            ("recvWindow", "100"),
            ("timestamp", "1645423376532"),
            (
                "apiKey",
                "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
            ),
        ];
        let signed = signature(SECRET, &ws_api_payload(&parameters));
        assert_eq!(
            signed,
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
        );
    }
}
