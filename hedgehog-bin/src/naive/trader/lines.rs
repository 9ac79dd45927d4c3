//! Log lines about an order: a sentence for people, and what it is about as fields for machines.

use super::Trading;
use crate::market::{Decimal, Side, Symbol, short_text};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a line about an order carries.
pub(super) struct OrderLine {
    pub(super) symbol: Symbol,
    pub(super) side: Side,
    pub(super) price: String,
    pub(super) quantity: String,
    pub(super) executed: String,
    pub(super) order_id: Option<i64>,
    pub(super) client_order_id: String,
    pub(super) trader: Uuid,
}

impl Trading {
    /// Of the order on `side`, as the position knows it; empty where there is none.
    pub(super) fn order_line(&self, side: Side) -> OrderLine {
        let leg = self.record.position.leg(side);
        let text =
            |of: fn(&crate::naive::position::Leg) -> &Decimal| leg.map_or_else(String::new, |leg| short_text(of(leg)));
        OrderLine {
            symbol: self.record.symbol.clone(),
            side,
            price: text(|leg| leg.price.value()),
            quantity: text(|leg| leg.quantity.value()),
            executed: text(|leg| leg.executed.value()),
            order_id: leg.and_then(|leg| leg.order_id),
            client_order_id: leg.map(|leg| leg.client_order_id.clone()).unwrap_or_default(),
            trader: self.record.id,
        }
    }
}

/// What a profit does not know, as the end of a sentence: of how much of the base asset the commission is not in it, and what was
/// paid `elsewhere`, in other assets.
pub(super) fn uncharged(quantity: &Decimal, base_asset: &str, elsewhere: &BTreeMap<String, Decimal>) -> String {
    if *quantity <= Decimal::default() {
        return String::new();
    }
    let quantity = short_text(quantity);
    let paid = elsewhere
        .iter()
        .map(|(asset, amount)| format!("{} {asset}", short_text(amount)));
    let paid = paid.collect::<Vec<_>>().join(", ");
    if paid.is_empty() {
        format!(", without the commission on {quantity} {base_asset}, which the exchange has not told")
    } else {
        format!(", without the commission on {quantity} {base_asset}: {paid}")
    }
}

/// `order_line!(info, line, "{} filled", line.symbol)`: the text, with the fields of an [`OrderLine`].
macro_rules! order_line {
    ($level:ident, $line:expr, $($text:tt)+) => {{
        let line = &$line;
        tracing::$level!(
            symbol = %line.symbol,
            side = line.side.as_str(),
            price = line.price,
            quantity = line.quantity,
            executed = line.executed,
            order_id = line.order_id,
            client_order_id = line.client_order_id,
            trader = %line.trader,
            $($text)+
        );
    }};
}

pub(super) use order_line;

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::Write;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(line)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_profit_says_which_commissions_are_not_in_it() {
        let decimal = |text: &str| crate::market::parse_decimal(text).expect(text);
        let mut elsewhere = BTreeMap::new();
        assert_eq!(uncharged(&decimal("0"), "BTC", &elsewhere), "");
        assert_eq!(
            uncharged(&decimal("2.0040"), "BTC", &elsewhere),
            ", without the commission on 2.004 BTC, which the exchange has not told"
        );
        elsewhere.insert("BNB".to_owned(), decimal("0.00150"));
        let told = uncharged(&decimal("2.0040"), "BTC", &elsewhere);
        assert_eq!(told, ", without the commission on 2.004 BTC: 0.0015 BNB");
    }

    #[test]
    fn a_line_about_an_order_carries_what_it_is_about() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        let line = OrderLine {
            symbol: "BTCUSDT".parse().expect("a symbol"),
            side: Side::Buy,
            price: "99.8".to_owned(),
            quantity: "2.004".to_owned(),
            executed: "0".to_owned(),
            order_id: Some(7),
            client_order_id: "b-1".to_owned(),
            trader: Uuid::nil(),
        };
        tracing::subscriber::with_default(subscriber, || {
            order_line!(info, line, "{} buy placed", line.symbol);
        });
        let told: serde_json::Value = serde_json::from_slice(&lines.0.lock()).expect("one JSON object");
        let trader = Uuid::nil().to_string();
        for (field, value) in [
            ("message", "BTCUSDT buy placed"),
            ("symbol", "BTCUSDT"),
            ("side", "BUY"),
            ("price", "99.8"),
            ("quantity", "2.004"),
            ("client_order_id", "b-1"),
            ("trader", &trader),
        ] {
            assert_eq!(told[field], value, "{told}");
        }
        assert_eq!(told["order_id"], 7);
    }
}
