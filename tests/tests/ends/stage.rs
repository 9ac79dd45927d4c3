//! Where one end is played: the program, its databases, its market, and the trouble that is made for it.

use crate::plan::{Market, Plan, TRADES_AT_MAX, TRADES_PACED, Trouble};
use anyhow::{Context, Result};
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use hedgehog_tests::disk::Disk;
use hedgehog_tests::oracle::Books;
use hedgehog_tests::postgres::{Held, Postgres, Server};
use hedgehog_tests::program::{Folder, Program, SOON, eventually};
use hedgehog_tests::recording::Recording;
use hedgehog_tests::sqlite;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

/// What is streamed, traded and stored.
pub(crate) const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const APPS: [&str; 3] = ["streamer", "naive", "data_warehouse"];
/// Room for the databases and their logs, where a new PostgreSQL cluster with ours takes 60 MB.
const SMALL: u64 = 160 << 20;

/// A row of `orders`, of the exchange's or of ours: symbol, id, client id, side, status, executed quantity.
pub(crate) type OrderRow = Vec<String>;

pub(crate) struct Stage {
    pub(crate) folder: Folder,
    market: Market,
    market_seed: u64,
    recording: Option<(PathBuf, Recording)>,
    exchange: Option<Exchange>,
    server: Option<(Server, [String; 3])>,
    /// Last, because what lies on it ends first.
    disk: Option<Disk>,
}

/// An exchange that is a program of its own.
struct Exchange {
    folder: Folder,
    address: SocketAddr,
    program: Program,
}

/// What stands in the way until it is taken away.
pub(crate) enum Standing {
    Nothing,
    File(SqliteConnection),
    Table(Held),
    Stopped,
    Suspended,
    Full,
}

impl Stage {
    pub(crate) fn new(plan: &Plan, postgres: Option<&Postgres>) -> Result<Self> {
        let disk = (plan.trouble == Trouble::Full).then(|| Disk::new(SMALL)).transpose()?;
        let place = disk
            .as_ref()
            .map_or_else(std::env::temp_dir, |disk| disk.path().to_owned());
        let (folder, server) = match postgres {
            None => (Folder::within(&place)?, None),
            Some(postgres) => {
                let server = postgres.server(&place)?;
                let names = [server.database()?, server.database()?, server.database()?];
                let folder = Folder::new()?;
                let lines = (APPS.iter().zip(&names)).map(|(app, name)| format!("{app} = {:?}\n", server.url(name)));
                let lines: String = lines.collect();
                folder.file("databases.toml", format!("[databases]\n{lines}"))?;
                (folder, Some((server, names)))
            }
        };
        let (trades, pulse) = match plan.market {
            Market::Max => (TRADES_AT_MAX, 10),
            _ => (TRADES_PACED, 10),
        };
        let recording = matches!(plan.market, Market::Max | Market::Paced).then(|| Recording {
            symbols: SYMBOLS.map(str::to_owned).to_vec(),
            trades,
            pulse,
            hole_each: 1_000,
        });
        let recording = recording
            .map(|recording| {
                let path = folder.file("recording.csv", "")?;
                recording.write(&path)?;
                Ok::<_, anyhow::Error>((path, recording))
            })
            .transpose()?;
        let exchange = (plan.market == Market::Alone)
            .then(|| Exchange::start(plan.market_seed))
            .transpose()?;
        Ok(Self {
            folder,
            market: plan.market,
            market_seed: plan.market_seed,
            recording,
            exchange,
            server,
            disk,
        })
    }

    /// Starts the program and returns once everything runs.
    pub(crate) fn run(&self, speed: &str) -> Result<Program> {
        let program = self.spawn(speed)?;
        program.says("Ctrl-C stops")?;
        Ok(program)
    }

    /// Starts the program. What was on comes back by itself; naming it again changes nothing.
    pub(crate) fn spawn(&self, speed: &str) -> Result<Program> {
        let mut args = vec![
            "--start".to_owned(),
            SYMBOLS.join(","),
            "--profile".to_owned(),
            "demo".to_owned(),
        ];
        if self.server.is_some() {
            let config = self.folder.data().with_file_name("databases.toml");
            args.extend(["--config".to_owned(), config.display().to_string()]);
        }
        match (&self.recording, &self.exchange) {
            (Some((path, _)), _) => {
                let file = path.display().to_string();
                args.extend(["--replay", &file, "--speed", speed].map(str::to_owned));
            }
            (None, Some(exchange)) => {
                args.extend(["--exchange".to_owned(), format!("http://{}", exchange.address)]);
            }
            (None, None) => args.extend(["--seed".to_owned(), self.market_seed.to_string()]),
        }
        self.folder.spawn(args.iter().map(String::as_str))
    }

    /// The speed of a run that is to be ended.
    pub(crate) fn speed(&self) -> &'static str {
        if self.market == Market::Max { "max" } else { "1" }
    }

    /// Whether the market ends.
    pub(crate) fn is_finite(&self) -> bool {
        self.recording.is_some()
    }

    /// `SELECT columns rest` on one of the apps' databases, each value as text.
    fn select(&self, app: &str, columns: &[&str], rest: &str) -> Result<Vec<Vec<String>>> {
        match &self.server {
            None => self.folder.select(&format!("{app}.db"), columns, rest),
            Some((server, names)) => {
                let at = APPS
                    .iter()
                    .position(|known| *known == app)
                    .context("one of the apps'")?;
                server.select(&names[at], &format!("SELECT {} {rest}", columns.join(", ")))
            }
        }
    }

    /// How many trades are stored.
    pub(crate) fn rows(&self) -> Result<u64> {
        let rows = self.select("data_warehouse", &["count(*)"], "FROM trade_events")?;
        Ok(rows[0][0].parse()?)
    }

    /// Everything that is kept of the trades, by symbol and epoch.
    pub(crate) fn books(&self) -> Result<BTreeMap<(String, i64), Books>> {
        let mut books: BTreeMap<(String, i64), Books> = BTreeMap::new();
        let key = |row: &[String]| Ok::<_, anyhow::Error>((row[0].clone(), row[1].parse::<i64>()?));
        let rows = self.select("data_warehouse", &["symbol", EPOCH, "trade_id"], "FROM trade_events")?;
        for row in rows {
            books.entry(key(&row)?).or_default().stored.push(row[2].parse()?);
        }
        let columns = ["symbol", EPOCH, "first_missing_id", "last_missing_id"];
        for row in self.select("streamer", &columns, "FROM gaps")? {
            let gap = (row[2].parse()?, row[3].parse()?);
            books.entry(key(&row)?).or_default().gaps.push(gap);
        }
        for row in self.select("streamer", &["symbol", EPOCH, "last_trade_id"], "FROM streams")? {
            books.entry(key(&row)?).or_default().position = Some(row[2].parse()?);
        }
        if let Some((_, recording)) = &self.recording {
            for (at, symbol) in SYMBOLS.iter().enumerate() {
                books.entry(((*symbol).to_owned(), 0)).or_default().playable = Some(recording.ids(at));
            }
        }
        Ok(books)
    }

    /// The orders that the exchange has of us, and those that are stored, in the same order.
    pub(crate) fn orders(&self) -> Result<(Vec<OrderRow>, Vec<OrderRow>)> {
        let columns = [
            "symbol",
            "order_id",
            "client_order_id",
            "side",
            "status",
            "executed_quantity",
        ];
        let rest = "FROM orders ORDER BY symbol, order_id";
        let exchange = self.exchange.as_ref().map_or(&self.folder, |exchange| &exchange.folder);
        let placed = exchange.select("simulator.db", &columns, rest)?;
        Ok((placed, self.select("data_warehouse", &columns, rest)?))
    }

    /// Whether each order that the exchange has is stored in its last state. While they are read the market goes on: an order
    /// may be stored as it was before, or as it is after.
    pub(crate) fn orders_stand(&self) -> Result<bool> {
        let (before, kept) = self.orders()?;
        let (after, _) = self.orders()?;
        let stands = |order: &OrderRow| {
            kept.contains(order) || after.iter().any(|now| now[..2] == order[..2] && kept.contains(now))
        };
        Ok(before.iter().all(stands) && kept.len() >= before.len())
    }

    /// Makes the trouble.
    pub(crate) fn trouble(&self, trouble: Trouble) -> Result<Standing> {
        Ok(match (trouble, &self.server) {
            (Trouble::Healthy, _) => Standing::Nothing,
            (Trouble::Locked, None) => {
                let mut holder = sqlite::open(&self.folder.data().join("data_warehouse.db"))?;
                holder.batch_execute("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE")?;
                Standing::File(holder)
            }
            (Trouble::Locked, Some((server, names))) => {
                Standing::Table(server.hold(&names[2], "LOCK TABLE trade_events IN ACCESS EXCLUSIVE MODE")?)
            }
            (Trouble::Stopped(mode), Some((server, _))) => {
                server.stop(mode)?;
                Standing::Stopped
            }
            (Trouble::Suspended, Some((server, _))) => {
                server.suspend()?;
                Standing::Suspended
            }
            (Trouble::Full, _) => {
                self.disk.as_ref().context("a small disk")?.fill()?;
                Standing::Full
            }
            (Trouble::Stopped(_) | Trouble::Suspended, None) => anyhow::bail!("a file cannot be stopped"),
        })
    }

    /// Takes the trouble away. A server that died of it is started again.
    pub(crate) fn relieve(&self, standing: Standing) -> Result<()> {
        match standing {
            Standing::Nothing | Standing::Stopped => {}
            // Whose transaction ends with it.
            Standing::File(holder) => drop(holder),
            Standing::Table(holder) => drop(holder),
            Standing::Suspended => {
                if let Some((server, _)) = &self.server {
                    server.resume()?;
                }
            }
            Standing::Full => {
                if let Some(disk) = &self.disk {
                    disk.free()?;
                }
            }
        }
        let Some((server, _)) = &self.server else {
            return Ok(());
        };
        eventually("the server answers", SOON, || {
            if server.answers() {
                return Ok(Some(()));
            }
            // It may be starting by itself.
            let _ = server.start();
            Ok(None)
        })
    }

    /// Returns when the server has done what it was asked for by a program that is gone.
    pub(crate) fn settled(&self) -> Result<()> {
        let Some((server, _)) = &self.server else {
            return Ok(());
        };
        let others = "SELECT count(*) FROM pg_stat_activity \
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        eventually("the server has no clients", SOON, || {
            Ok((server.select("template1", others)? == [["0"]]).then_some(()))
        })
    }

    /// What somebody wants to see who looks for a fault: ranges, gaps, positions, files.
    pub(crate) fn describe(&self) -> Result<String> {
        let mut lines = Vec::new();
        for ((symbol, epoch), mut books) in self.books()? {
            books.stored.sort_unstable();
            let runs = hedgehog_tests::oracle::runs(&books.stored);
            let Books { gaps, position, .. } = books;
            lines.push(format!(
                "{symbol} epoch {epoch}: stored {runs:?}, gaps {gaps:?}, position {position:?}"
            ));
        }
        for entry in std::fs::read_dir(self.folder.data())?.flatten() {
            let name = entry.file_name();
            lines.push(format!("{}: {} bytes", name.display(), entry.metadata()?.len()));
        }
        if let Some(exchange) = &self.exchange {
            lines.push(format!("the exchange:\n{}", exchange.program.log()));
        }
        Ok(lines.join("\n"))
    }
}

/// Which of an exchange's lives an id belongs to.
const EPOCH: &str = "epoch";

impl Exchange {
    fn start(seed: u64) -> Result<Self> {
        let folder = Folder::new()?;
        // Free now, and a moment later with near certainty.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let args = [
            "simulate",
            "--port",
            &address.port().to_string(),
            "--seed",
            &seed.to_string(),
        ];
        let program = folder.spawn_command(folder.command(args)?)?;
        let answers = eventually("the exchange answers", SOON, || {
            anyhow::ensure!(!program.has_ended()?, "the exchange has ended");
            Ok(TcpStream::connect(address).ok())
        });
        answers.with_context(|| program.log())?;
        Ok(Self {
            folder,
            address,
            program,
        })
    }
}
