//! The strategy over recordings, against the order logs of a reference written independently.

use anyhow::{Context, Result, ensure};
use hedgehog_bin::market::{Decimal, FillRule, SymbolFilters, parse_decimal};
use hedgehog_bin::naive::replay::replay;
use hedgehog_bin::naive::strategy::Terms;
use hedgehog_tests::data::{BTCUSDT_FRAMES, XRPUSDT_DAY, golden, trades};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub(super) fn golden_order_logs() -> Result<()> {
    let golden = golden()?;
    let references = golden["oracle"].as_array().context("no reference results")?;
    ensure!(!references.is_empty());
    for reference in references {
        let file = text(reference, "file")?;
        let name = [XRPUSDT_DAY, BTCUSDT_FRAMES]
            .into_iter()
            .find(|name| name.ends_with(file));
        compare(
            name.with_context(|| format!("an unknown recording: {file}"))?,
            reference,
        )
        .with_context(|| format!("{file}, rule {}", reference["rule"]))?;
    }
    Ok(())
}

fn compare(name: &str, reference: &Value) -> Result<()> {
    let settings = &reference["settings"];
    let number = |key: &str| -> Result<Decimal> { Ok(parse_decimal(text(settings, key)?)?) };
    let chunks: usize = text(settings, "chunks")?.parse()?;
    let terms = Terms {
        chunk: number("budget")? / Decimal::from(chunks as u64),
        buy_down_interval: number("buy_down_interval")?,
        profit_interval: number("profit_interval")?,
        rebuy_interval: number("rebuy_interval")?,
        filters: SymbolFilters::of(number("tick")?, number("step")?),
    };
    let rule: FillRule = text(reference, "rule")?.parse().map_err(anyhow::Error::msg)?;
    let report = replay(trades(name)?.into_iter().map(|trade| trade.price), &terms, chunks, rule);

    let counts = [
        ("events", report.events),
        ("cycles", report.cycles),
        ("traders_made", report.traders_made),
        ("peak_traders", report.peak_traders),
        ("rebuys_offered", report.rebuys_offered),
        ("rebuys_refused", report.rebuys_refused),
        ("order_log_lines", report.log.len()),
    ];
    for (key, count) in counts {
        ensure!(reference[key] == count, "{key}: {count} instead of {}", reference[key]);
    }
    ensure!(
        report.gross == parse_decimal(text(reference, "gross_pnl")?)?,
        "{}",
        report.gross
    );
    ensure!(
        report.fees == parse_decimal(text(reference, "fees_0_1_percent_each_side")?)?,
        "{}",
        report.fees
    );
    let log: Vec<_> = report.log.iter().map(ToString::to_string).collect();
    ensure!(
        hex::encode(Sha256::digest(log.join("\n"))) == text(reference, "order_log_sha256")?,
        "another order log, which begins with {:?}",
        &log[..log.len().min(8)]
    );
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("no {key}"))
}
