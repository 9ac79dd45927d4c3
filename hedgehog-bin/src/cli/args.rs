//! What can be typed.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts, read on a terminal"
)]

use crate::config::Flags;
use crate::exchange::simulator::Speed;
use crate::failure::FailureKind;
use crate::market::{Stream, Symbol};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// A supervised trading system: streams, trades and stores, on a simulated exchange unless told otherwise.
#[derive(Clone, Debug, Parser)]
#[command(name = "hedgehog", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) options: Options,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// Where everything is kept [default: hedgehog-data, or HEDGEHOG_DATA_DIR]
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) data_dir: Option<PathBuf>,
    /// Answer with one JSON document; for `run`, log lines as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Run the system until Ctrl-C: what was on comes back on
    Run(Box<Run>),
    /// Show what is on, and how it goes
    Status,
    /// Show the live supervision tree: each process with its path, state, restarts and uptime
    Tree {
        /// As a Graphviz graph, for `dot -Tsvg`
        #[arg(long, conflicts_with = "json")]
        dot: bool,
    },
    /// Turn something on, now and after each restart
    Start {
        #[command(subcommand)]
        activity: Activity,
    },
    /// Turn something off, now
    Stop {
        #[command(subcommand)]
        activity: Activity,
    },
    /// Let the open traders finish, and open none
    Shutdown {
        #[command(subcommand)]
        activity: Drainable,
    },
    /// Kill one process brutally and watch its supervisor
    Kill {
        /// As `hedgehog tree` prints it
        path: String,
    },
    /// Give every symbol that the exchange lists its settings, switched off; those that have some keep them
    Seed,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Activity {
    /// Receiving trades
    Streaming(On),
    /// Trading
    Trading(On),
    /// Storing trades and orders
    Storing(Storing),
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Drainable {
    /// Trading
    Trading(On),
}

#[derive(Args, Clone, Debug)]
pub(super) struct On {
    /// In any case: btcusdt
    #[arg(required = true, value_name = "SYMBOL")]
    pub(super) symbols: Vec<Symbol>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Storing {
    #[command(flatten)]
    pub(super) on: On,
    /// trade_events or orders
    #[arg(long = "stream", value_name = "STREAM", default_values = ["trade_events", "orders"])]
    pub(super) streams: Vec<Stream>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Run {
    /// Turn on everything for these symbols: streaming, trading, storing
    #[arg(long, value_name = "SYMBOL", num_args = 1.., value_delimiter = ',')]
    pub(super) start: Vec<Symbol>,
    /// Run some of the apps: streamer,naive,warehouse
    #[arg(long, value_name = "APPS")]
    apps: Option<String>,
    /// Play a recorded file instead of the generated market
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "exchange"])]
    pub(super) replay: Option<PathBuf>,
    /// Of the replay: max, 1 (the pace of the recording), 60 (sixty times it) [default: 1]
    #[arg(long, requires = "replay")]
    pub(super) speed: Option<Speed>,
    /// Whose trades the recording holds, where neither its lines nor its name tell
    #[arg(long, value_name = "SYMBOL", requires = "replay")]
    pub(super) symbol: Option<Symbol>,
    /// Stop when all that is streamed of the recording has been played and stored; exit code 1 if some of it was not
    #[arg(long, requires = "replay")]
    pub(super) exit_at_end: bool,
    /// A recorded exchangeInfo answer with the rules of the recording's time
    #[arg(long, value_name = "FILE", requires = "replay")]
    pub(super) exchange_info: Option<PathBuf>,
    /// Of the generated market [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// When a resting order fills: touch (the price is reached) or through (it is passed) [default: through]
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Numbers for new trading settings: safe, or demo (fills fast, loses money) [default: safe]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Another exchange than the simulator; testnet takes its keys from HEDGEHOG_API_KEY and HEDGEHOG_API_SECRET
    #[arg(long, value_name = "EXCHANGE", default_value = "simulator")]
    pub(super) exchange: ExchangeName,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Settings [default: hedgehog.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Which exchange to use. A flag only: no file and no variable may turn a simulation into orders elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExchangeName {
    /// Inside the program
    Simulator,
    /// Binance's test network: virtual money
    Testnet,
    /// Binance: trades only, no orders
    Live,
}

impl Run {
    /// The flags that are settings.
    pub(super) fn flags(&self, options: &Options) -> Flags {
        let log_format = self
            .log_format
            .clone()
            .or_else(|| options.json.then(|| "json".to_owned()));
        let given = [
            ("apps", "--apps", &self.apps),
            ("log_format", "--log-format", &log_format),
            ("simulator.seed", "--seed", &self.seed),
            ("simulator.rule", "--rule", &self.rule),
            ("naive.profile", "--profile", &self.profile),
        ];
        let settings = given
            .into_iter()
            .filter_map(|(key, flag, value)| Some((key, flag, value.clone()?)))
            .collect();
        Flags {
            data_dir: options.data_dir.clone(),
            config: self.config.clone(),
            settings,
        }
    }
}

/// Help is an answer; anything else that does not parse is one line, with the nearest right form where there is one.
pub(super) fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // To a closed pipe there is nothing to say.
            let _ = error.print();
        }
        _ => super::complain(&one_line(&error.to_string())),
    }
    if error.use_stderr() {
        FailureKind::BadInput.exit_code().into()
    } else {
        ExitCode::SUCCESS
    }
}

fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    telling.collect::<Vec<_>>().join(" ").replace(" tip: ", "; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("hedgehog").chain(line.split_whitespace()))
    }

    fn refusal(line: &str) -> String {
        one_line(&parse(line).expect_err("refused").to_string())
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn symbols_and_streams_are_normalised_at_the_edge() {
        let cli = parse("stop storing btcUsdt ethusdt --stream Orders --json").expect("right");
        assert!(cli.options.json);
        let Command::Stop {
            activity: Activity::Storing(storing),
        } = cli.command
        else {
            panic!("{:?}", cli.command)
        };
        assert_eq!(storing.streams, [Stream::Orders]);
        assert_eq!(storing.on.symbols[0].as_str(), "BTCUSDT");
    }

    #[test]
    fn both_streams_are_stored_unless_one_is_named() {
        let cli = parse("start storing BTCUSDT").expect("right");
        let Command::Start {
            activity: Activity::Storing(storing),
        } = cli.command
        else {
            panic!("{:?}", cli.command)
        };
        assert_eq!(storing.streams, [Stream::TradeEvents, Stream::Orders]);
    }

    #[test]
    fn a_symbol_list_may_be_given_in_any_form() {
        for line in ["run --start A --start B", "run --start A,b", "run --start a B"] {
            let Command::Run(run) = parse(line).expect(line).command else {
                panic!("{line}")
            };
            assert_eq!(
                run.start.iter().map(Symbol::as_str).collect::<Vec<_>>(),
                ["A", "B"],
                "{line}"
            );
        }
    }

    #[test]
    fn what_does_not_parse_is_told_in_one_line() {
        let told = refusal("run --sed 1");
        assert!(
            told.contains("'--sed'") && told.contains("'--seed'") && !told.contains('\n'),
            "{told}"
        );
        assert!(refusal("start streaming BTC/USDT").contains("BTC/USDT"));
        assert!(refusal("start storing BTCUSDT --stream candles").contains("trade_events or orders"));
        assert!(refusal("run --speed max").contains("--replay"));
        assert!(refusal("stat").contains("'stat'; some similar"), "{}", refusal("stat"));
    }
}
