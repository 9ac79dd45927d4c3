//! Which two assets a symbol names. Its text alone does not say where one ends: BNBUSD is BNB in USD, and not BN in BUSD.

/// Assets that prices are in, as the exchange has listed them; longest first, because one ends another.
const QUOTES: [&str; 52] = [
    "FDUSD", "AEUR", "BIDR", "BKRW", "BUSD", "BVND", "DOGE", "EURI", "GYEN", "IDRT", "TUSD", "USD1", "USDC", "USDP",
    "USDS", "USDT", "XUSD", "ARS", "AUD", "BNB", "BRL", "BTC", "CAD", "CHF", "COP", "CZK", "DAI", "DOT", "ETH", "EUR",
    "GBP", "HKD", "IDR", "JPY", "KZT", "MXN", "NGN", "PAX", "PLN", "RON", "RUB", "SGD", "SOL", "TRX", "TRY", "UAH",
    "USD", "UST", "VAI", "XRP", "ZAR", "U",
];

/// Assets that are bought: what leaves one of these is the right place to cut.
const BASES: [&str; 88] = [
    "1INCH", "AAVE", "ADA", "ALGO", "APE", "APT", "AR", "ARB", "ARS", "ATOM", "AVAX", "AXS", "BAND", "BAT", "BCH",
    "BNB", "BONK", "BTC", "BTT", "BUSD", "CAKE", "CHZ", "COMP", "CRV", "DAI", "DASH", "DOGE", "DOT", "DYDX", "EGLD",
    "ENJ", "ENS", "EOS", "ETC", "ETH", "EUR", "FDUSD", "FIL", "FLOKI", "FTM", "GALA", "GBP", "GMT", "GRT", "HBAR",
    "ICP", "IMX", "INJ", "IOTA", "JUP", "KAVA", "KSM", "LDO", "LINK", "LTC", "LUNA", "MANA", "MATIC", "MKR", "NEAR",
    "NEO", "OP", "PAXG", "PEPE", "POL", "QTUM", "RUNE", "SAND", "SEI", "SHIB", "SNX", "SOL", "STX", "SUI", "SUSHI",
    "TAO", "THETA", "TIA", "TON", "TRX", "TUSD", "UNI", "USDC", "USDT", "VET", "WIF", "XLM", "XRP",
];

/// The quotes that so many pairs have that any base may stand before them.
const COMMON: [&str; 8] = ["USDT", "FDUSD", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB"];

/// Where a symbol was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assets {
    pub(super) base: String,
    pub(super) quote: String,
    /// How sure that is.
    pub(super) known: Known,
}

/// How sure a cut is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// No asset was recognised: the base is the whole symbol, and the quote is nobody's.
    Nothing,
    /// The quote, and it leaves a base that is not known; another quote may have been meant.
    Guess,
    /// Only one quote fits, and it is a common one.
    Quote,
    /// Both.
    Both,
}

/// The quote of a symbol that could not be cut.
const UNKNOWN: &str = "UNKNOWN";

/// Splits a symbol into its base and quote asset: where both are known, longest quote first; else where the quote is.
pub(super) fn of(symbol: &str) -> Assets {
    // Contracts carry a term: BTCUSD_PERP, BTCUSDT_240927.
    let pair = symbol.split_once('_').map_or(symbol, |(pair, _)| pair);
    let cut = |base: &str, quote: &str, known| Assets {
        base: base.to_owned(),
        quote: quote.to_owned(),
        known,
    };
    let mut fitting = QUOTES.iter().filter_map(|quote| {
        let base = pair.strip_suffix(quote).filter(|base| !base.is_empty())?;
        Some((base, *quote))
    });
    let fits: Vec<_> = fitting.by_ref().collect();
    if let Some((base, quote)) = fits.iter().find(|(base, _)| BASES.contains(base)) {
        return cut(base, quote, Known::Both);
    }
    // One letter is too little to tell a quote by.
    match fits.iter().filter(|(_, quote)| quote.len() > 1).collect::<Vec<_>>()[..] {
        [(base, quote)] if COMMON.contains(quote) => cut(base, quote, Known::Quote),
        [(base, quote), ..] => cut(base, quote, Known::Guess),
        [] => cut(symbol, UNKNOWN, Known::Nothing),
    }
}

/// Whether both parts of a name are assets: `BTC` and `USDT` of `BTC_USDT`.
pub(super) fn are_assets(base: &str, quote: &str) -> bool {
    BASES.contains(&base) && QUOTES.contains(&quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_are_cut_where_the_exchange_cuts_them() {
        for pair in [
            "BNB/USD",
            "BTC/IDRT",
            "TRX/XRP",
            "SHIB/DOGE",
            "BTC/JPY",
            "EUR/USDT",
            "USDT/TRY",
            "BTC/U",
            "BTC/USDT",
            "BTC/AEUR",
            "ETH/AUD",
            "BTC/RUB",
            "BTC/UAH",
            "USDC/USDT",
            "BTC/NGN",
            "BTC/ZAR",
            "BTC/PLN",
            "BTC/ARS",
            "BTC/MXN",
            "BTC/COP",
            "BTC/RON",
            "BTC/CZK",
            "USDT/DAI",
            "BNB/PAX",
            "BTC/USDS",
            "BTC/VAI",
            "ETH/UST",
            "BTC/USD1",
            "XUSD/USDT",
            "BNB/FDUSD",
            "SOL/EURI",
            "BTC/BKRW",
            "ADA/BVND",
            "BTC/GYEN",
            "XRP/DOT",
            "DOGE/BTC",
            "FDUSD/TRY",
            "TUSD/BTC",
            "BTC/USDC",
            "BTCST/USDT",
            "ETHFI/USDT",
            "WBETH/ETH",
            "BETH/USDT",
            "T/USDT",
            "1000SATS/USDT",
            "AR/BUSD",
            "BTCB/USDT",
            "SHIB/USD",
            "BUSD/USDT",
            "LUNA/UST",
            "SOLV/BTC",
            "币安人生/USDT",
            "4/USDT",
            "U/USDT",
        ] {
            let (base, quote) = pair.split_once('/').expect("a pair");
            let told = of(&format!("{base}{quote}"));
            assert_eq!((told.base.as_str(), told.quote.as_str()), (base, quote), "{told:?}");
            assert!(told.known >= Known::Quote, "{told:?}");
        }
        assert_eq!(of("BTCUSD_PERP").base, "BTC");
    }

    #[test]
    fn what_is_not_known_is_admitted() {
        assert_eq!(of("FOOBUSD").known, Known::Guess, "FOO in BUSD, or FOOB in USD");
        for name in ["QUIRK", "USDT", "BINANCE", "DOWNLOAD", "TRADES", "A", "币"] {
            let told = of(name);
            assert_eq!(
                (told.known, told.base.as_str(), told.quote.as_str()),
                (Known::Nothing, name, UNKNOWN)
            );
        }
    }
}
