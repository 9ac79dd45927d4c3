//! What the program does with its databases, shown on both of them.
//!
//! Each behaviour is one function over an [`Engine`](engine::Engine) and runs twice, as `sqlite::…` and as
//! `postgres::…`. Where PostgreSQL is not installed, that half is reported as ignored.

mod apps;
mod bare;
mod batches;
mod columns;
mod connections;
mod decimals;
mod engine;
mod migrations;
mod ownership;
mod program;
mod transactions;
mod unstored;

use std::process::ExitCode;
use std::sync::Arc;

use engine::Engine;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hedgehog_tests::postgres::Postgres;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A behaviour's name and body; the body panics when it does not hold.
type Behaviour = (&'static str, fn(Engine) -> BoxFuture<'static, ()>);

macro_rules! behaviours {
    ($($module:ident::{$($name:ident),+ $(,)?})+) => {
        &[$($((stringify!($name), |engine| $module::$name(engine).boxed())),+),+]
    };
}

/// On both back ends. A function that is left out here is dead code, which the linter refuses.
const ON_BOTH: &[Behaviour] = behaviours! {
    migrations::{
        the_original_stamps_are_kept,
        opening_twice_changes_nothing,
        many_may_open_a_new_database_at_once,
        many_may_open_an_existing_database_at_once,
        each_down_takes_back_what_its_up_did,
        rows_survive_the_way_back_and_forth,
        a_newer_schema_is_refused_and_left_alone,
        another_apps_database_is_refused,
        rows_of_an_earlier_version_are_keyed_and_counted,
    }
    columns::{
        streamer_settings_round_trip,
        streams_and_gaps_round_trip,
        naive_settings_round_trip,
        an_update_can_return_the_row,
        traders_round_trip_with_and_without_orders,
        subscriber_settings_are_upserted_by_topic,
    }
    decimals::{
        a_decimal_comes_back_with_every_digit_and_its_scale,
        comparisons_are_numeric,
        a_sum_is_exact,
    }
    batches::{
        a_batch_of_trades_round_trips,
        trades_that_stand_already_are_left_out_and_not_counted,
        a_batch_with_an_impossible_row_stores_nothing,
        a_new_order_becomes_filled_in_place,
        an_older_state_never_overwrites_a_newer_one,
        executed_quantities_are_compared_as_numbers,
        an_ended_order_stays_as_it_ended,
        order_ids_of_two_symbols_do_not_meet,
        four_writers_of_the_same_trades_store_each_once,
        a_trade_of_another_epoch_is_another_trade,
        an_order_id_that_begins_again_is_another_order,
        rows_are_counted_in_the_transaction_that_adds_them,
    }
    ownership::{
        every_database_has_one_venue_for_good,
        a_second_writer_is_refused_and_told_of_the_first,
        of_many_that_come_at_once_one_gets_it,
        a_writer_that_is_gone_is_followed_at_once_and_one_elsewhere_after_its_heartbeat,
        who_was_taken_over_writes_nothing_more,
        a_refusal_leaves_no_claim_behind,
    }
    unstored::{
        what_a_locked_database_does_not_take_waits_on_disk_for_the_next_start,
        memory_is_bounded_while_the_database_is_locked,
        the_archive_tells_what_is_missing,
    }
    transactions::{
        a_commit_makes_all_of_it_visible,
        a_dropped_transaction_is_undone_and_blocks_nobody,
        a_failed_statement_undoes_what_came_before_it,
        four_writers_lose_nothing,
        a_query_that_borrows_can_be_spawned,
        a_cancelled_call_leaves_the_handle_usable,
    }
    apps::{
        seeding_twice_adds_nothing,
        streaming_rows_follow_start_and_stop,
        trading_rows_follow_start_shutdown_and_stop,
        storing_keeps_the_id_of_its_row,
        what_is_on_starts_by_itself_the_next_time,
    }
    program::{
        trades_and_orders_are_stored_and_a_restart_goes_on,
    }
};

/// Of a server, which SQLite has none of.
const ON_POSTGRES: &[Behaviour] = behaviours! {
    connections::{
        a_lost_connection_is_transient_and_the_next_call_works,
        a_deadlock_may_pass_by_itself,
        a_wrong_password_is_refused_and_not_repeated,
        a_server_that_is_not_there_is_unreachable,
        a_database_that_does_not_exist_is_told_as_such,
        a_locked_table_is_not_waited_for_in_silence,
    }
    program::{
        a_password_appears_nowhere,
        a_wrong_password_ends_the_program_with_one_line,
    }
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let postgres = Postgres::installed().map(Arc::new);
    let sqlite = ON_BOTH
        .iter()
        .map(|behaviour| trial("sqlite", *behaviour, || Ok(Engine::sqlite())));
    let on_postgres = ON_BOTH.iter().chain(ON_POSTGRES).map(|behaviour| {
        let server = postgres.clone();
        trial("postgres", *behaviour, move || server.map(Engine::Postgres))
    });
    let trials = sqlite.chain(on_postgres).collect();
    // The server ends with `postgres`, which is why this returns instead of exiting.
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(
    back_end: &str,
    (name, body): Behaviour,
    engine: impl FnOnce() -> Result<Engine, String> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(format!("{back_end}::{name}"), move || match engine() {
        Ok(engine) => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_all().build().map_err(Failed::from)?;
            runtime.block_on(body(engine));
            Ok(Completion::Completed)
        }
        Err(missing) => Ok(Completion::ignored_with(missing)),
    })
}
