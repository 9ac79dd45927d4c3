//! The whole program on real recordings: everything is stored, exactly; the strategy is the reference's; kills lose nothing.
//!
//! The recordings are not part of the project. A test whose files are missing reports *ignored* and which file it lacks.

mod kills;
mod storage;
mod strategy;

use anyhow::Result;
use hedgehog_tests::data::{BTCUSDT_FRAMES, GOLDEN, XRPUSDT_DAY, recording};
use libtest_mimic::{Arguments, Completion, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = vec![
        trial(
            "a_whole_day_is_stored_once_and_exactly_in_little_memory",
            &[XRPUSDT_DAY, GOLDEN],
            storage::whole_day,
        ),
        trial(
            "every_trade_among_recorded_frames_is_stored_exactly",
            &[BTCUSDT_FRAMES, GOLDEN],
            storage::frames,
        ),
        trial(
            "the_strategy_s_orders_are_those_of_the_reference",
            &[XRPUSDT_DAY, BTCUSDT_FRAMES, GOLDEN],
            strategy::golden_order_logs,
        ),
        trial(
            "ten_kills_within_an_hour_of_trades_lose_nothing",
            &[XRPUSDT_DAY],
            kills::ten_kills,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &'static str, files: &'static [&str], test: fn() -> Result<()>) -> Trial {
    Trial::ignorable_test(name, move || {
        match files.iter().find_map(|file| recording(file).err()) {
            Some(missing) => Ok(Completion::ignored_with(missing)),
            None => test()
                .map(|()| Completion::Completed)
                .map_err(|error| format!("{error:?}").into()),
        }
    })
}
