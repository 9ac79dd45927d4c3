//! Listed symbols, and settings.

use super::table::{Column, Table};
use super::view::View;
use crate::app::ListedSymbol;
use crate::naive::TradingSettings;

/// One line a symbol.
pub(super) fn symbols(symbols: &[ListedSymbol], view: View) -> String {
    if symbols.is_empty() {
        return "the exchange lists no such symbol".to_owned();
    }
    let mut table = Table::new(vec![
        Column::words("SYMBOL").shrinks_to(8),
        Column::words("BASE").rank(2).shrinks_to(4),
        Column::words("QUOTE").rank(1).shrinks_to(4),
        Column::words("STATUS"),
        Column::words("ON").shrinks_to(10),
    ]);
    for listed in symbols {
        table.row(vec![
            listed.symbol.to_string(),
            listed.base_asset.clone(),
            listed.quote_asset.clone(),
            listed.status.clone(),
            listed.on.join(", "),
        ]);
    }
    table.lines(view.columns()).join("\n")
}

/// One line a symbol; of a single one, a line for each setting, as it is typed to change it.
pub(super) fn settings(settings: &[TradingSettings], view: View) -> String {
    match settings {
        [] => "no symbol has settings yet: `hedgehog seed` gives every listed one its own".to_owned(),
        [one] => {
            let lines = [
                format!("{}, {}", one.symbol, one.status),
                format!("chunks={}", one.chunks),
                format!("budget={}", one.budget),
                format!("buy_down_interval={}", one.buy_down_interval),
                format!("profit_interval={}", one.profit_interval),
                format!("rebuy_interval={}", one.rebuy_interval),
            ];
            lines.join("\n")
        }
        many => {
            let mut table = Table::new(vec![
                Column::words("SYMBOL").shrinks_to(8),
                Column::words("TRADING").rank(1),
                Column::numbers("CHUNKS"),
                Column::numbers("BUDGET"),
                Column::numbers("BUY DOWN"),
                Column::numbers("PROFIT"),
                Column::numbers("REBUY"),
            ]);
            for one in many {
                table.row(vec![
                    one.symbol.clone(),
                    one.status.to_string(),
                    one.chunks.to_string(),
                    one.budget.clone(),
                    one.buy_down_interval.clone(),
                    one.profit_interval.clone(),
                    one.rebuy_interval.clone(),
                ]);
            }
            table.lines(view.columns()).join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::width;
    use super::*;
    use crate::naive::schema::TradingStatus;

    #[test]
    fn listed_symbols_fit_and_say_what_is_on() {
        let listed = |symbol: &str, on: &[&str]| ListedSymbol {
            symbol: symbol.parse().expect("a symbol"),
            base_asset: "币安人生".to_owned(),
            quote_asset: "USDT".to_owned(),
            status: "TRADING".to_owned(),
            on: on.iter().map(|&activity| activity.to_owned()).collect(),
        };
        let symbols = [
            listed("币安人生USDT", &["streaming", "trading", "storing"]),
            listed("BTCUSDT", &[]),
        ];
        for columns in [40, 60, 80] {
            let text = super::symbols(
                &symbols,
                View {
                    width: Some(columns),
                    ..View::default()
                },
            );
            assert!(text.lines().all(|line| width(line) <= columns.into()), "{text}");
            assert!(text.contains("streaming") && text.contains("TRADING"), "{text}");
        }
    }

    #[test]
    fn the_settings_of_one_symbol_are_shown_as_they_are_typed() {
        let one = TradingSettings {
            symbol: "BTCUSDT".to_owned(),
            status: TradingStatus::Off,
            chunks: 5,
            budget: "1000".to_owned(),
            buy_down_interval: "0.002".to_owned(),
            profit_interval: "0.001".to_owned(),
            rebuy_interval: "0.005".to_owned(),
        };
        let text = settings(std::slice::from_ref(&one), View::default());
        assert!(text.starts_with("BTCUSDT, off\nchunks=5\nbudget=1000\n"), "{text}");
        assert!(settings(&[one.clone(), one], View::default()).contains("BUY DOWN"));
    }
}
