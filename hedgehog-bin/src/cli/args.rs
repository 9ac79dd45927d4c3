//! What can be typed.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts, read on a terminal"
)]

use crate::config::Flags;
use crate::exchange::Address;
use crate::exchange::simulator::Speed;
use crate::failure::FailureKind;
use crate::market::{Stream, Symbol};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
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
    /// Run the simulated exchange alone, for programs that trade on it by its address
    Simulate(Box<Simulate>),
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
    /// Stop when the recording has been played and stored
    #[arg(long, requires = "replay")]
    pub(super) exit_at_end: bool,
    /// A recorded exchangeInfo answer with the rules of the recording's time
    #[arg(long, value_name = "FILE", requires = "replay")]
    pub(super) exchange_info: Option<PathBuf>,
    /// Of the generated market [default: that of the data folder, 1 in a new one]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<String>,
    /// When a resting order fills: touch (the price is reached) or through (it is passed) [default: through]
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Numbers for new trading settings: safe, or demo (fills fast, loses money) [default: safe]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Which exchange to use [default: that of the data folder, the simulator in a new one]
    ///
    /// simulator: inside the program. testnet: Binance's test network, virtual money. live: Binance, trades only, no orders. A
    /// base address such as http://127.0.0.1:8080: whatever answers there, as `hedgehog simulate` does. custom: the addresses in
    /// the table [exchange] of the configuration (rest, streams, ws_api), which are used for nothing else. Keys are read from
    /// HEDGEHOG_API_KEY and HEDGEHOG_API_SECRET; a simulator on this machine needs none.
    #[arg(long, value_name = "EXCHANGE")]
    pub(super) exchange: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Settings [default: hedgehog.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The folder of an exchange is not that of a program which trades on it, so that both can be started side by side.
const EXCHANGE_FOLDER: &str = "hedgehog-exchange";

#[derive(Args, Clone, Debug)]
pub(super) struct Simulate {
    /// On the loopback address [default: any free one]
    #[arg(long, value_name = "N")]
    port: Option<String>,
    /// Of the generated market [default: that of the data folder, 1 in a new one]
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// Play a recorded file instead, once, from the first subscriber on
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub(super) replay: Option<PathBuf>,
    /// Of the replay: max, 1 (the pace of the recording), 60 (sixty times it) [default: 1]
    #[arg(long, requires = "replay")]
    pub(super) speed: Option<Speed>,
    /// A recorded exchangeInfo answer with the rules of the recording's time
    #[arg(long, value_name = "FILE", requires = "replay")]
    pub(super) exchange_info: Option<PathBuf>,
    /// When a resting order fills: touch (the price is reached) or through (it is passed) [default: through]
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Settings [default: hedgehog.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Simulate {
    /// The flags that are settings. Without a folder of its own, neither given nor in the environment, it has another default than
    /// the other commands.
    pub(super) fn flags(&self, options: &Options) -> Flags {
        let elsewhere = std::env::var_os("HEDGEHOG_DATA_DIR").is_some_and(|folder| !folder.is_empty());
        let own = || (!elsewhere).then(|| PathBuf::from(EXCHANGE_FOLDER));
        Flags {
            data_dir: options.data_dir.clone().or_else(own),
            config: self.config.clone(),
            settings: settings([
                (
                    "log_format",
                    "--log-format",
                    log_format(self.log_format.as_ref(), options).as_ref(),
                ),
                ("simulator.port", "--port", self.port.as_ref()),
                ("simulator.seed", "--seed", self.seed.as_ref()),
                ("simulator.rule", "--rule", self.rule.as_ref()),
            ]),
        }
    }
}

fn log_format(flag: Option<&String>, options: &Options) -> Option<String> {
    flag.cloned().or_else(|| options.json.then(|| "json".to_owned()))
}

/// Key, flag and value of each setting that was given.
fn settings<const N: usize>(
    flags: [(&'static str, &'static str, Option<&String>); N],
) -> Vec<(&'static str, &'static str, String)> {
    flags
        .into_iter()
        .filter_map(|(key, flag, value)| Some((key, flag, value?.clone())))
        .collect()
}

/// Which exchange to use. A flag only: no file and no variable may turn a simulation into orders elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExchangeName {
    /// Inside the program.
    Simulator,
    /// Binance's test network: virtual money.
    Testnet,
    /// Binance: trades only, no orders.
    Live,
    /// At the addresses of the configuration.
    Custom,
    /// At one address.
    At(Address),
}

impl Run {
    /// The flags that are settings.
    pub(super) fn flags(&self, options: &Options) -> Flags {
        Flags {
            data_dir: options.data_dir.clone(),
            config: self.config.clone(),
            settings: settings([
                ("apps", "--apps", self.apps.as_ref()),
                (
                    "log_format",
                    "--log-format",
                    log_format(self.log_format.as_ref(), options).as_ref(),
                ),
                ("simulator.seed", "--seed", self.seed.as_ref()),
                ("simulator.rule", "--rule", self.rule.as_ref()),
                ("naive.profile", "--profile", self.profile.as_ref()),
            ]),
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
