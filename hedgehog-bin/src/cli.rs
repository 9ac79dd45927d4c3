//! The command line: a thin caller of [`crate::app`], here or, through the control socket, in the running program.
//!
//! Results go to stdout, everything else to stderr. Invariant: a command that fails says one line and nothing has changed,
//! except where the line says so; the exit code is that of [`crate::failure`].

mod args;
mod hint;
mod logging;
mod market;
mod output;
mod process;
mod replay;
mod run;
mod simulate;
mod watch;
mod without;

pub use args::Cli;

use crate::config::data_dir_of;
use crate::control::{self, Action, ControlError, Request, Response, View};
use crate::failure::{Failure, FailureKind};
use crate::market::{Stream, Symbol};
use crate::naive::SettingsChange;
use crate::venue::VenueError;
use args::{Activity, Command, On, Options, Storing};
use std::ffi::OsStr;
use std::io::{self, Write as _};
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
    let failure = Failure::from(error);
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
    match cause.downcast_ref::<crate::app::OpenError>() {
        Some(crate::app::OpenError::Venue(error)) => Some(error),
        _ => cause.downcast_ref(),
    }
}

impl Cli {
    fn carry_out(self) -> anyhow::Result<Option<Failure>> {
        let Self { command, options } = self;
        check_environment()?;
        let request = match command {
            Command::Run(run) => return run::run(*run, &options),
            Command::Simulate(simulate) => return simulate::simulate(&simulate, &options),
            Command::Status { traders, all, watch } => {
                let view = View { traders, ..view(all) };
                if watch {
                    return watch::watch(&data_dir_of(options.data_dir, environment())?, view);
                }
                Request::Status(view)
            }
            Command::Tree { dot: true, .. } => Request::Graph,
            Command::Tree { all, .. } => Request::Tree(view(all)),
            Command::Kill { path } => Request::Kill { path },
            Command::Seed => Request::Seed,
            Command::Symbols { pattern } => Request::Symbols {
                pattern,
                view: view(true),
            },
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
        let folder = data_dir_of(options.data_dir.clone(), environment())?;
        let response = match control::call(&folder, &request) {
            Err(ControlError::NotRunning { .. }) if without::can(&request) => without::answer(request, &options)?,
            answered => answered?,
        };
        print(&response, &options)?;
        Ok(response.failure)
    }
}

fn view(all: bool) -> View {
    View {
        width: output::width(),
        all,
        traders: false,
    }
}

fn change(action: Action, on: On) -> anyhow::Result<Request> {
    let all = on.all;
    request_for(action, on.symbols(), all)
}

fn change_storing(action: impl FnOnce(Vec<Stream>) -> Action, storing: Storing) -> anyhow::Result<Request> {
    let (streams, symbols, all) = storing.read();
    request_for(action(streams), symbols, all)
}

fn request_for(action: Action, symbols: Vec<Symbol>, all: bool) -> anyhow::Result<Request> {
    if symbols.is_empty() && !all {
        return Err(bad_input("which symbols? name some, or --all".to_owned()).into());
    }
    Ok(Request::Change { action, symbols, all })
}

/// Symbols, and `key=value` for what is to change, in any order.
fn settings(words: &[String]) -> anyhow::Result<Request> {
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
        let message = "whose settings? name the symbols: hedgehog settings BTCUSDT chunks=3".to_owned();
        return Err(bad_input(message).into());
    }
    symbols.dedup();
    Ok(Request::Settings {
        symbols,
        change,
        view: view(true),
    })
}

fn bad_input(message: String) -> Failure {
    Failure {
        kind: FailureKind::BadInput,
        message,
    }
}

fn print(response: &Response, options: &Options) -> anyhow::Result<()> {
    match &response.answer {
        Some(answer) if options.json => output::print(&format!("{:#}", answer.json)),
        Some(answer) => output::print(answer.text.trim_end()),
        None => Ok(()),
    }
}

/// To stderr, and not by `eprintln!`, which panics when the reader has gone; the exit code tells those who do not read.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The variables that can be text; ours are.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// One of ours that is no text would be passed over, and the program would work in another folder than was meant.
fn check_environment() -> Result<(), Failure> {
    let ours = |name: &OsStr| name.to_string_lossy().starts_with("HEDGEHOG_");
    match std::env::vars_os().find(|(name, value)| ours(name) && (name.to_str().is_none() || value.to_str().is_none()))
    {
        Some((name, value)) => Err(bad_input(format!("{}: {value:?} is not UTF-8", name.to_string_lossy()))),
        None => Ok(()),
    }
}
