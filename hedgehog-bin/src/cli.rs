//! The command line: what is typed becomes an [`Operation`], which the running program carries out, and its answer is drawn.
//!
//! Results go to stdout, everything else to stderr. Invariant: a command that fails says one line and nothing has changed,
//! except where the line says so; the exit code is that of [`crate::exit_code`].

mod args;
mod environment;
mod hint;
mod logging;
mod market;
mod output;
mod process;
mod render;
mod replay;
mod run;
mod simulate;
mod watch;
mod without;

pub use args::Cli;

use crate::app::{Action, OpenError, Operation, Which};
use crate::config::data_dir_of;
use crate::exit_code;
use crate::failure::{Failure, FailureKind};
use crate::frontends::unix::{self, ControlError, Response};
use crate::market::{Stream, Symbol};
use crate::naive::SettingsChange;
use crate::venue::VenueError;
use args::{Activity, Command, On, Options, Storing};
use output::complain;
use render::View;
use std::process::ExitCode;

/// Carries out what the process was called with.
pub fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return args::refuse(&error),
    };
    match cli.carry_out() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failure)) => tell(&failure),
        Err(error) => tell(&explain(&error)),
    }
}

fn tell(failure: &Failure) -> ExitCode {
    complain(&format!("error: {failure}"));
    failure.kind.exit_code().into()
}

/// A refused folder comes with the command to type instead, which only the command line knows.
fn explain(error: &anyhow::Error) -> Failure {
    let failure = exit_code::failure(&**error);
    match error.chain().find_map(|cause| venue_error(cause)) {
        Some(VenueError::Other { suggestion, .. }) => {
            let message = format!(
                "{failure}; use a folder of its own: {}",
                hint::same_command_in(suggestion)
            );
            Failure { message, ..failure }
        }
        _ => failure,
    }
}

fn venue_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a VenueError> {
    match cause.downcast_ref() {
        Some(OpenError::Venue(error)) => Some(error),
        _ => cause.downcast_ref(),
    }
}

impl Cli {
    fn carry_out(self) -> anyhow::Result<Option<Failure>> {
        let Self { command, options } = self;
        environment::check()?;
        let mut view = View {
            width: output::width(),
            ..View::default()
        };
        let operation = match command {
            Command::Run(run) => return run::run(*run, &options),
            Command::Simulate(simulate) => return simulate::simulate(&simulate, &options),
            Command::Status { traders, all, watch } => {
                view = View { all, traders, ..view };
                if watch {
                    return watch::watch(&data_dir_of(options.data_dir, environment::variables())?, view);
                }
                Operation::Status
            }
            Command::Tree { dot, all } => {
                view = View { all, dot, ..view };
                Operation::Tree
            }
            Command::Kill { path } => Operation::Kill { path },
            Command::Seed => Operation::Seed,
            Command::Symbols { pattern } => Operation::Symbols { pattern },
            Command::Settings { words } => settings(&words)?,
            Command::Start { activity } => match activity {
                Activity::Streaming(on) => change(Action::StartStreaming, on)?,
                Activity::Trading(on) => change(Action::StartTrading, on)?,
                Activity::Storing(storing) => change_storing(|streams| Action::StartStoring { streams }, storing)?,
            },
            Command::Stop { activity } => match activity {
                Activity::Streaming(on) => change(Action::StopStreaming, on)?,
                Activity::Trading(on) => change(Action::StopTrading, on)?,
                Activity::Storing(storing) => change_storing(|streams| Action::StopStoring { streams }, storing)?,
            },
            Command::Shutdown {
                activity: args::Drainable::Trading(on),
            } => change(Action::ShutdownTrading, on)?,
        };
        let folder = data_dir_of(options.data_dir.clone(), environment::variables())?;
        let response = match unix::call(&folder, &operation) {
            Err(ControlError::NotRunning { .. }) if without::can(&operation) => without::answer(operation, &options)?,
            answered => answered?,
        };
        print(&response, &options, view)?;
        Ok(response.failure)
    }
}

fn change(action: Action, on: On) -> anyhow::Result<Operation> {
    let all = on.all;
    operation_on(action, on.symbols(), all)
}

fn change_storing(action: impl FnOnce(Vec<Stream>) -> Action, storing: Storing) -> anyhow::Result<Operation> {
    let (streams, symbols, all) = storing.read();
    operation_on(action(streams), symbols, all)
}

fn operation_on(action: Action, named: Vec<Symbol>, all: bool) -> anyhow::Result<Operation> {
    let symbols = match (named, all) {
        (_, true) => Which::All,
        (named, false) if named.is_empty() => return Err(bad_input("which symbols? name some, or --all").into()),
        (named, false) => Which::Named(named),
    };
    Ok(Operation::Change { action, symbols })
}

/// Symbols, and `key=value` for what is to change, in any order.
fn settings(words: &[String]) -> anyhow::Result<Operation> {
    let (typed, names): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.contains('='));
    let change = SettingsChange::parse(typed)?;
    let change = (!change.is_empty()).then_some(change);
    let mut symbols: Vec<Symbol> = Vec::new();
    for name in names
        .iter()
        .flat_map(|name| name.split([',', ' ']))
        .filter(|name| !name.is_empty())
    {
        symbols.push(name.parse()?);
    }
    if change.is_some() && symbols.is_empty() {
        return Err(bad_input("whose settings? name the symbols: hedgehog settings BTCUSDT chunks=3").into());
    }
    symbols.dedup();
    Ok(Operation::Settings { symbols, change })
}

fn bad_input(message: &str) -> Failure {
    Failure {
        kind: FailureKind::BadInput,
        message: message.to_owned(),
    }
}

fn print(response: &Response, options: &Options, view: View) -> anyhow::Result<()> {
    match &response.answer {
        Some(answer) if options.json => output::print(&format!("{:#}", render::json(answer)?)),
        Some(answer) => output::print(render::text(answer, view).trim_end()),
        None => Ok(()),
    }
}
