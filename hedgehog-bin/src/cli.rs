//! The command line: a thin caller of [`crate::app`], here or, through the control socket, in the running program.
//!
//! Results go to stdout, everything else to stderr. Invariant: a command that fails says one line and nothing has changed,
//! except where the line says so; the exit code is that of [`crate::failure`].

mod args;
mod hint;
mod logging;
mod market;
mod replay;
mod run;
mod seed;
mod simulate;

pub use args::Cli;

use crate::config::data_dir_of;
use crate::control::{self, Action, ControlError, Request, Response};
use crate::failure::Failure;
use crate::venue::VenueError;
use args::{Activity, Command, Options, Storing};
use clap::Parser as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Carries out what the process was called with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
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
        let request = match command {
            Command::Run(run) => return run::run(*run, &options),
            Command::Simulate(simulate) => return simulate::simulate(&simulate, &options),
            Command::Seed => return seed(&options),
            Command::Status => Request::Status,
            Command::Tree { dot: false } => Request::Tree,
            Command::Tree { dot: true } => Request::Graph,
            Command::Kill { path } => Request::Kill { path },
            Command::Start { activity } => match activity {
                Activity::Streaming(on) => change(Action::StartStreaming, on.symbols),
                Activity::Trading(on) => change(Action::StartTrading, on.symbols),
                Activity::Storing(Storing { on, streams }) => change(Action::StartStoring { streams }, on.symbols),
            },
            Command::Stop { activity } => match activity {
                Activity::Streaming(on) => change(Action::StopStreaming, on.symbols),
                Activity::Trading(on) => change(Action::StopTrading, on.symbols),
                Activity::Storing(Storing { on, streams }) => change(Action::StopStoring { streams }, on.symbols),
            },
            Command::Shutdown {
                activity: args::Drainable::Trading(on),
            } => change(Action::ShutdownTrading, on.symbols),
        };
        let folder = data_dir_of(options.data_dir.clone(), environment())?;
        let response = control::call(&folder, &request)?;
        print(&response, &options);
        Ok(response.failure)
    }
}

fn change(action: Action, symbols: Vec<crate::market::Symbol>) -> Request {
    Request::Change { action, symbols }
}

/// Asks the running program, or does it here when there is none.
fn seed(options: &Options) -> anyhow::Result<Option<Failure>> {
    let folder = data_dir_of(options.data_dir.clone(), environment())?;
    let response = match control::call(&folder, &Request::Seed) {
        Err(ControlError::NotRunning { .. }) => seed::seed(options)?,
        answered => answered?,
    };
    print(&response, options);
    Ok(response.failure)
}

fn print(response: &Response, options: &Options) {
    match &response.answer {
        Some(answer) if options.json => write(&format!("{:#}", answer.json)),
        Some(answer) => write(answer.text.trim_end()),
        None => {}
    }
}

/// Not `println!`, which panics when the reader has gone: `hedgehog tree | head -1` has read what it wanted.
fn write(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// The same for stderr; the exit code tells those who do not read.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The variables that can be text; ours are.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
