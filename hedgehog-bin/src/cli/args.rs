//! What can be typed.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts, read on a terminal"
)]

use super::output::complain;
use crate::config::Flags;
use crate::exchange::Address;
use crate::exchange::simulator::Speed;
use crate::failure::FailureKind;
use crate::market::{Stream, Symbol};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// A supervised trading system: streams, trades and stores, on a simulated exchange unless told otherwise.
#[derive(Clone, Debug, Parser)]
#[command(name = "hedgehog", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) options: Options,
}

impl Cli {
    /// Reads what was typed, the program's name first.
    pub(super) fn read(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let mut cli = Self::try_parse_from(words)?;
        if let Command::Run(run) = &mut cli.command {
            run.start = flat(std::mem::take(&mut run.start_lists));
        }
        Ok(cli)
    }
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
    /// Show what is on, and how it goes: a line for each symbol, and sums
    Status {
        /// Also each open trader
        #[arg(long)]
        traders: bool,
        /// Also what is off, and every problem
        #[arg(long)]
        all: bool,
        /// Draw it again each second, until Ctrl-C
        #[arg(long, conflicts_with = "json")]
        watch: bool,
    },
    /// Show the live supervision tree: each process with its state, restarts and uptime
    Tree {
        /// As a Graphviz graph, for `dot -Tsvg`
        #[arg(long, conflicts_with = "json")]
        dot: bool,
        /// Also the processes that long lists leave out
        #[arg(long)]
        all: bool,
    },
    /// List what the exchange lists, and what of it is on
    Symbols {
        /// A part of the name in any case, or all of it with * and ?: '*usdt'
        pattern: Option<String>,
    },
    /// Show the trading settings, of all symbols or some, or change them: settings btcusdt chunks=3 budget=500
    Settings {
        /// Symbols, then what to change: chunks, budget, buy_down_interval, profit_interval, rebuy_interval
        #[arg(value_name = "SYMBOL|KEY=VALUE", allow_hyphen_values = false)]
        words: Vec<String>,
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
        /// Its ids from the root, joined by /, or the end of that: Streams/BTCUSDT
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
    /// In any case: btcusdt ethusdt
    #[arg(required_unless_present = "all", value_name = "SYMBOL")]
    symbols: Vec<List<Symbol>>,
    /// Every symbol: to start all that are listed, to stop all that are on
    #[arg(long, conflicts_with = "symbols")]
    pub(super) all: bool,
}

impl On {
    pub(super) fn symbols(self) -> Vec<Symbol> {
        flat(self.symbols)
    }
}

#[derive(Args, Clone, Debug)]
pub(super) struct Storing {
    #[command(flatten)]
    pub(super) on: On,
    /// trade_events or orders [default: both]
    #[arg(long = "stream", value_name = "STREAM")]
    streams: Vec<List<Stream>>,
}

impl Storing {
    /// What is stored of what. After `--stream orders trade_events` the second word came in as a symbol, which none is
    /// called.
    pub(super) fn read(self) -> (Vec<Stream>, Vec<Symbol>, bool) {
        let Self { on, streams } = self;
        let all = on.all;
        let (mut streams, mut symbols) = (flat(streams), on.symbols());
        if !streams.is_empty() {
            symbols.retain(|symbol| match symbol.as_str().parse() {
                Ok(stream) => {
                    streams.push(stream);
                    false
                }
                Err(_) => true,
            });
        }
        streams.dedup();
        if streams.is_empty() {
            streams = vec![Stream::TradeEvents, Stream::Orders];
        }
        (streams, symbols, all)
    }
}

/// Words between commas or blanks, in one argument or in several.
#[derive(Clone, Debug)]
struct List<T>(Vec<T>);

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        let is_between = |letter: char| letter == ',' || letter.is_whitespace();
        let words: Vec<_> = text.split(is_between).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            // An empty word says what it should have been.
            return Ok(Self(vec![text.parse()?]));
        }
        words.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

fn flat<T>(lists: Vec<List<T>>) -> Vec<T> {
    lists.into_iter().flat_map(|List(words)| words).collect()
}

#[derive(Args, Clone, Debug)]
pub(super) struct Run {
    /// Turn on everything for these symbols: streaming, trading, storing
    #[arg(long = "start", value_name = "SYMBOL", num_args = 1..)]
    start_lists: Vec<List<Symbol>>,
    /// The words of `--start`.
    #[arg(skip)]
    pub(super) start: Vec<Symbol>,
    /// Run some of the apps: streamer,naive,warehouse
    #[arg(long, value_name = "APPS", num_args = 1..)]
    apps: Vec<String>,
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
    /// Whose trades the recording holds, where neither its lines nor its name tell
    #[arg(long, value_name = "SYMBOL", requires = "replay")]
    pub(super) symbol: Option<Symbol>,
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
        let apps = (!self.apps.is_empty()).then(|| self.apps.join(","));
        Flags {
            data_dir: options.data_dir.clone(),
            config: self.config.clone(),
            settings: settings([
                ("apps", "--apps", apps.as_ref()),
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
        _ => complain(&one_line(&error.to_string())),
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
        Cli::read(std::iter::once("hedgehog").chain(line.split_whitespace()))
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
        let (streams, symbols, all) = storing.read();
        assert_eq!((streams, all), (vec![Stream::Orders], false));
        assert_eq!(symbols[0].as_str(), "BTCUSDT");
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
        assert_eq!(storing.read().0, [Stream::TradeEvents, Stream::Orders]);
    }

    #[test]
    fn commas_and_blanks_are_alike_wherever_a_list_is_taken() {
        for line in [
            "start storing a,b c --stream orders,trade_events",
            "start storing --stream orders trade_events A, b ,C",
            "start storing a b c --stream orders --stream trade_events",
        ] {
            let Command::Start {
                activity: Activity::Storing(storing),
            } = parse(line).expect(line).command
            else {
                panic!("{line}")
            };
            let (streams, symbols, _) = storing.read();
            assert_eq!(streams, [Stream::Orders, Stream::TradeEvents], "{line}");
            assert_eq!(
                symbols.iter().map(Symbol::as_str).collect::<Vec<_>>(),
                ["A", "B", "C"],
                "{line}"
            );
        }
        let Command::Run(run) = parse("run --apps streamer, naive").expect("right").command else {
            panic!("it runs")
        };
        let options = Options {
            data_dir: None,
            json: false,
        };
        let flags = run.flags(&options);
        let apps: crate::config::AppSet = flags.settings[0].2.parse().expect("two apps");
        assert_eq!(apps.to_string(), "streamer, naive");
    }

    #[test]
    fn all_stands_for_every_symbol_and_not_beside_one() {
        let parsed = parse("stop trading --all").expect("right");
        assert!(matches!(parsed.command, Command::Stop { activity: Activity::Trading(on) } if on.all));
        assert!(refusal("stop trading --all BTCUSDT").contains("--all"));
        assert!(refusal("stop trading").contains("SYMBOL"));
    }

    #[test]
    fn a_symbol_list_may_be_given_in_any_form() {
        for line in [
            "run --start A --start B",
            "run --start A,b",
            "run --start a B",
            "run --start a, B,",
        ] {
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
