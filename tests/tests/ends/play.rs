//! One end: the program runs, meets its trouble, is ended, starts again, and is asked what it has.

use crate::plan::{Plan, Signal, Trouble};
use crate::stage::{SYMBOLS, Stage};
use anyhow::{Context, Result, ensure};
use hedgehog_tests::oracle::{Account, Books, Ending, untruths, violations};
use hedgehog_tests::postgres::Postgres;
use hedgehog_tests::program::{Program, eventually};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// How long a step may take that is over within seconds on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_mins(2);
/// From a signal to the end of the process: what is promised, and some for a machine that has much to do.
const STOPS_WITHIN: Duration = Duration::from_secs(15);
/// A second signal that comes sooner is the first one again.
const SECOND: Duration = Duration::from_millis(700);
/// From a second signal to the end, which waits for nothing.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Longer than `status` may take.
const ANSWER: Duration = Duration::from_secs(4);

/// The last trade that `status` told to be received, by symbol.
type Received = BTreeMap<String, i64>;

/// Plays it; an error tells everything that is known.
pub(crate) fn play(plan: &Plan, postgres: Option<&Postgres>) -> Result<()> {
    let stage = Stage::new(plan, postgres)?;
    let mut logs = Vec::new();
    end(plan, &stage, &mut logs)
        .and_then(|()| kill_again(plan, &stage, &mut logs))
        .and_then(|()| start_again(&stage, &mut logs))
        .with_context(|| format!("{plan:?}\n{}\n{}", described(&stage), logs.join("\n--- the next run\n")))
}

fn described(stage: &Stage) -> String {
    stage
        .describe()
        .unwrap_or_else(|error| format!("the books cannot be read: {error:#}"))
}

/// The run that is ended, and what it says then.
fn end(plan: &Plan, stage: &Stage, logs: &mut Vec<String>) -> Result<()> {
    let program = stage.run(stage.speed())?;
    let ended = ended(plan, stage, &program);
    logs.push(program.log());
    let account = ended?;
    all_true(&account)
}

fn ended(plan: &Plan, stage: &Stage, program: &Program) -> Result<Account> {
    eventually("trades are stored", PATIENCE, || {
        Ok((stage.rows()? >= plan.rows || program.has_ended()?).then_some(()))
    })?;
    let mut standing = Some(stage.trouble(plan.trouble)?);
    let received = moment(plan, stage, program)?;
    if plan.passes {
        standing.take().map(|standing| stage.relieve(standing)).transpose()?;
    }
    ensure!(!program.has_ended()?, "the program ended by itself");
    let begun = Instant::now();
    program.signal(plan.signal.name())?;
    let mut ending = if plan.signal == Signal::Kill {
        Ending::Killed
    } else {
        Ending::Ordered
    };
    let status = if plan.twice { first_heard(program, begun)? } else { None };
    let status = match status {
        Some(ended) => ended,
        None if plan.twice => {
            let second = Instant::now();
            program.signal(plan.signal.name())?;
            let status = program.wait(AT_ONCE)?;
            // The first one may have done its work just before.
            if !matches!(status.code(), Some(0 | 4)) || second.elapsed() > AT_ONCE / 4 {
                ending = Ending::Forced(plan.signal.number());
            }
            status
        }
        None => program.wait(STOPS_WITHIN)?,
    };
    standing.take().map(|standing| stage.relieve(standing)).transpose()?;
    stage.settled()?;
    account(
        plan,
        stage,
        &Ended {
            status,
            ending,
            received,
            log: program.log(),
        },
    )
}

/// Gives the first signal its time, in which the program may end.
fn first_heard(program: &Program, begun: Instant) -> Result<Option<ExitStatus>> {
    eventually("the first signal had its time", PATIENCE, || {
        let ended = program.has_ended()?.then(|| program.wait(AT_ONCE)).transpose()?;
        Ok((ended.is_some() || begun.elapsed() > SECOND).then_some(ended))
    })
}

/// Waits until as much has been received since the trouble began as planned, or as long.
fn moment(plan: &Plan, stage: &Stage, program: &Program) -> Result<Received> {
    let begun = Instant::now();
    let mut first: Option<i64> = None;
    let mut last = Received::new();
    eventually("the moment of the end", PATIENCE, || {
        if let Some(status) = stage.folder.status_within(ANSWER)? {
            last = received(&status);
        }
        let sum: i64 = last.values().sum();
        let first = *first.get_or_insert(sum);
        let enough = sum >= first + plan.received as i64 || begun.elapsed() > plan.patience;
        Ok((enough || program.has_ended()?).then_some(()))
    })?;
    Ok(last)
}

fn received(status: &Value) -> Received {
    let streams = status["streaming"].as_array().into_iter().flatten();
    streams
        .filter_map(|stream| Some((stream["symbol"].as_str()?.to_owned(), stream["last_trade_id"].as_i64()?)))
        .collect()
}

/// How a run was over.
struct Ended {
    status: ExitStatus,
    ending: Ending,
    received: Received,
    log: String,
}

fn account(plan: &Plan, stage: &Stage, ended: &Ended) -> Result<Account> {
    Ok(Account {
        answers_lost: matches!(plan.trouble, Trouble::Locked | Trouble::Suspended | Trouble::Stopped(_))
            && plan.back_end == crate::plan::BackEnd::Postgres,
        troubled: plan.trouble != Trouble::Healthy,
        ..told(stage, ended, 0)?
    })
}

/// What a run has told, beside what there is of it; `before` are the rows that there were.
fn told(stage: &Stage, ended: &Ended, before: u64) -> Result<Account> {
    let last_line = ended.log.lines().rfind(|line| line.contains(NEW_TRADES));
    Ok(Account {
        ending: ended.ending,
        code: ended.status.code(),
        told_new: last_line.and_then(|line| number_before(line, NEW_TRADES)),
        told_unstored: ended
            .log
            .lines()
            .any(|line| number_before(line, NOT_STORED).is_some_and(|sum| sum > 0)),
        rows_added: stage.rows()?.saturating_sub(before),
        unstored: unstored(stage, &ended.received)?,
        answers_lost: false,
        troubled: false,
    })
}

const NEW_TRADES: &str = " new trades stored";
const NOT_STORED: &str = " trades and orders were received and not stored";

fn number_before(line: &str, words: &str) -> Option<u64> {
    let (before, _) = line.split_once(words)?;
    before.rsplit(' ').next()?.parse().ok()
}

fn all_true(account: &Account) -> Result<()> {
    let found = untruths(account);
    ensure!(found.is_empty(), "{}\n{account:?}", found.join("\n"));
    Ok(())
}

/// A run that is killed while it takes up what the one before it left.
fn kill_again(plan: &Plan, stage: &Stage, logs: &mut Vec<String>) -> Result<()> {
    let Some(after) = plan.killed_again else {
        return Ok(());
    };
    let begun = Instant::now();
    let program = stage.spawn("max")?;
    eventually("the moment of the kill", PATIENCE, || {
        Ok((begun.elapsed() > after).then_some(()))
    })?;
    let by_itself = program.has_ended()?;
    program.signal("KILL")?;
    program.wait(STOPS_WITHIN)?;
    logs.push(program.log());
    ensure!(!by_itself, "the next run ended by itself");
    stage.settled()
}

/// A run without trouble, which is given time to drain and then stopped; after it everything must be in order.
fn start_again(stage: &Stage, logs: &mut Vec<String>) -> Result<()> {
    let before = stage.rows()?;
    let program = stage.run("max")?;
    let drained = drained(stage, &program).and_then(|received| {
        program.signal("TERM")?;
        let status = program.wait(STOPS_WITHIN)?;
        let log = program.log();
        let ended = Ended {
            status,
            ending: Ending::Ordered,
            received,
            log,
        };
        all_true(&told(stage, &ended, before)?).context("the run after the end")
    });
    logs.push(program.log());
    drained?;
    in_order(stage)
}

/// Returns when everything has been received that the market had while nobody listened, and is stored; then it has the last
/// trades that are known to be received.
fn drained(stage: &Stage, program: &Program) -> Result<Received> {
    let mut last = None;
    let mut mark: Option<Received> = None;
    let mut first: Option<i64> = None;
    let mut orders_stood = false;
    let drained = eventually("the next run has drained", PATIENCE, || {
        ensure!(!program.has_ended()?, "the next run has ended by itself");
        let Some(status) = stage.folder.status_within(ANSWER)? else {
            return Ok(None);
        };
        let received = received(&status);
        let sum: i64 = received.values().sum();
        let first = *first.get_or_insert(sum);
        let streams = status["streaming"].as_array().cloned().unwrap_or_default();
        let heard = if stage.is_finite() {
            status["replay"]["played"] == status["replay"]["total"] && !status["replay"].is_null()
        } else {
            let hears = |stream: &Value| stream["state"] == "connected" && stream["trades"].as_u64() > Some(0);
            sum > first + 10 && streams.len() == SYMBOLS.len() && streams.iter().all(hears)
        };
        last = Some(status);
        if heard && mark.is_none() {
            mark = Some(received);
        }
        let Some(mark) = mark.as_ref().filter(|mark| !mark.is_empty()) else {
            return Ok(None);
        };
        // A market that goes on changes its orders while they are compared.
        orders_stood = orders_stood || stage.orders_stand()?;
        Ok((orders_stood && unstored(stage, mark)?.is_empty()).then(|| mark.clone()))
    });
    drained.with_context(|| {
        let last = last.map(|status| status.to_string()).unwrap_or_default();
        let unstored = mark.as_ref().map(|mark| unstored(stage, mark));
        format!(
            "received {mark:?}, of which not stored {unstored:?}; orders stood: {orders_stood}; {}\n{last}",
            orders_that_differ(stage)
        )
    })
}

/// Of the trades that were last received, those that are neither stored nor told missing.
fn unstored(stage: &Stage, received: &Received) -> Result<Vec<i64>> {
    let books = stage.books()?;
    let known = |books: &Books, id: i64| {
        // The last one that is told may be the end of a gap.
        books.stored.contains(&id) || books.gaps.iter().any(|gap| (gap.0..=gap.1).contains(&id))
    };
    let stored = |symbol: &str, id: i64| {
        let mut of_symbol = books.iter().filter(|((of, _), _)| of == symbol);
        of_symbol.any(|(_, books)| known(books, id))
    };
    let missing = received.iter().filter(|(symbol, id)| !stored(symbol, **id));
    Ok(missing.map(|(_, id)| *id).collect())
}

fn orders_that_differ(stage: &Stage) -> String {
    match stage.orders() {
        Ok((placed, kept)) => {
            let absent: Vec<_> = placed.iter().filter(|order| !kept.contains(order)).collect();
            let strange: Vec<_> = kept.iter().filter(|order| !placed.contains(order)).collect();
            format!("orders of the exchange that are not stored: {absent:?}; stored so: {strange:?}")
        }
        Err(error) => format!("the orders cannot be read: {error:#}"),
    }
}

fn in_order(stage: &Stage) -> Result<()> {
    let books = stage.books()?;
    ensure!(!books.is_empty(), "nothing was stored");
    let mut found = Vec::new();
    for ((symbol, epoch), books) in &books {
        found.extend(
            violations(books)
                .iter()
                .map(|violation| format!("{symbol} epoch {epoch}: {violation}")),
        );
    }
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}
