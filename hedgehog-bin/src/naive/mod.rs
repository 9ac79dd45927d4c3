//! The naive app: buys a little below the market, sells a little above what it paid, again and again.
//!
//! Read in this order:
//!
//! * [`strategy`]: what a trader does next, a pure function; [`position`]: what it holds; [`replay`]: both over a
//!   recording, without a runtime.
//! * `trader`: carries decisions out at the exchange. `leader`: starts the traders of a symbol. `symbol_supervisor`:
//!   their tree.
//! * [`schema`]: the tables; `ledger` and `settings`: their rows. `executions`: the account's own events. `completions`: the end
//!   of a drain. `messages`: what processes say to each other. `teller`: our orders, until they are stored. `board` and
//!   `balances`: what is shown.
//!
//! ```text
//! Naive.Supervisor (rest_for_one)
//! ├─ Teller         tells the states of our orders until they are stored
//! ├─ Balances       what the account holds
//! ├─ Registry       leaders by symbol
//! ├─ Executions     the user data stream
//! ├─ Completions    switches off what has drained
//! ├─ Symbols        a dynamic supervisor of symbol trees
//! └─ Autostart
//! ```
//! `stop` ends a symbol's processes now: its open orders stay on the exchange and in the ledger, and the next start goes
//! on with them. `shutdown` drains: open trades finish, none is opened, and then the symbol is off.

mod balances;
mod board;
mod completions;
mod desk;
mod executions;
mod leader;
mod ledger;
mod messages;
pub mod position;
pub mod replay;
pub mod schema;
mod settings;
mod status;
pub mod strategy;
mod symbol_supervisor;
mod teller;
#[cfg(test)]
mod tests;
mod trader;

pub use crate::exchange::AssetBalance;
pub use settings::{Profile, SettingsChange, SettingsError, TradingSettings};
pub use status::{TraderStatus, TradingStatus};

use crate::causes::causes;
use crate::exchange::{Account, MarketData};
use crate::market::{Bus, Symbol};
use crate::operation::{OperationError, Outcome, Seeded};
use crate::service::{Autostart, Service};
use crate::store::{Db, StoreError};
use balances::Balances;
use board::Board;
use completions::Complete;
use desk::{Desk, Patience};
use futures_util::future::BoxFuture;
use hedgehog_core::{ChildSpec, Name, PubSub, Registry, StartError, Strategy, Supervisor, SupervisorMsg};
use messages::LeaderMsg;
use schema::TradingStatus as Switch;
use settings::Setting;
use std::sync::Arc;
use std::time::Duration;
use teller::Told;

/// How long a leader may take to say whether it has drained; it says so again by itself.
const ANSWERS: Duration = Duration::from_secs(1);

/// The app: its operations, and the tree to put under a supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Naive {
    service: Arc<Service>,
    leaders: Registry<Symbol, LeaderMsg>,
    desk: Desk,
    balances: Balances,
    profile: Profile,
}

impl Naive {
    /// An app without processes yet; [`Naive::spec`] gives its tree. `profile` is what [`Naive::seed`] gives new rows.
    pub fn new(db: Db, market: Arc<dyn MarketData>, account: Arc<dyn Account>, bus: Bus, profile: Profile) -> Self {
        let completions = Name::new("Naive.Completions");
        Self {
            service: Arc::new(Service::new("naive", "Naive.DynamicSymbolSupervisor")),
            leaders: Registry::unique("naive_leaders"),
            desk: Desk {
                db,
                market,
                account,
                board: Board::new(bus.clone()),
                told: Told::new(bus.orders.clone()),
                bus,
                account_events: PubSub::new(),
                completions,
                patience: Patience::default(),
            },
            balances: Balances::default(),
            profile,
        }
    }

    /// The app's tree, to be a child of the program's root.
    pub fn spec(&self) -> ChildSpec<SupervisorMsg> {
        let app = self.clone();
        Supervisor::spec("Naive.Supervisor", move || {
            // What disturbs nobody comes first: a child that ends takes those after it along.
            let tree = Supervisor::new(Strategy::RestForOne)
                .child(teller::spec(&app.desk.db, &app.desk.told))
                .child(app.balances.spec(&app.desk.account))
                .child(app.leaders.spec("Registry"))
                .child(executions::spec(
                    &app.desk.account,
                    &app.desk.account_events,
                    &app.balances,
                ))
                .child(completions::spec(&app).name(&app.desk.completions));
            Service::with_autostart(&app.service, tree, "Symbols", &app)
        })
    }

    /// Returns once the first autostart pass is over.
    pub async fn autostarted(&self) {
        self.service.autostarted().await;
    }

    /// Gives every symbol that the exchange lists a settings row, `off`. Rows that stand already stay as they are.
    pub async fn seed(&self) -> Result<Seeded, OperationError> {
        let info = match self.desk.market.exchange_info().await {
            Ok(info) => info,
            Err(error) => {
                self.desk.board.unreached(causes(&error));
                return Err(error.into());
            }
        };
        self.desk.board.know(&info);
        let symbols: Vec<&Symbol> = info.symbols.keys().collect();
        Ok(settings::seed(&self.desk.db, &symbols, self.profile).await?)
    }

    /// Trades a symbol from now on, and after each restart of the program. Cancels a drain.
    pub async fn start_trading(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        let before = self.setting(symbol).await?;
        let setting = self.switch(&before, Switch::On).await?;
        if self.start_symbol(symbol).await? {
            return Ok(Outcome::Started);
        }
        if before.status == Switch::Shutdown {
            self.tell_leader(symbol, setting);
            return Ok(Outcome::DrainCancelled);
        }
        Ok(Outcome::AlreadyRunning)
    }

    /// Ends trading on a symbol now. Open orders stay on the exchange; the next start goes on with them.
    pub async fn stop_trading(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        let setting = self.setting(symbol).await?;
        self.switch(&setting, Switch::Off).await?;
        if self.stop_symbol(symbol).await {
            // What its traders did last, and had no leader to tell any more.
            if let Ok(open) = ledger::open(&self.desk.db, symbol).await {
                self.desk.board.set_records(symbol, &open);
            }
            return Ok(Outcome::Stopped);
        }
        Ok(Outcome::NotRunning)
    }

    /// Lets the open trades of a symbol finish and opens none; then the symbol is off.
    pub async fn shutdown_trading(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        let before = self.setting(symbol).await?;
        if before.status == Switch::Off && !self.is_running(symbol).await {
            return Ok(Outcome::NotRunning);
        }
        let setting = self.switch(&before, Switch::Shutdown).await?;
        // A row that was on without a tree is one whose tree is just being restarted, or could not be started: its open
        // trades finish all the same.
        if !self.start_symbol(symbol).await? {
            self.tell_leader(symbol, setting);
        }
        if before.status == Switch::Shutdown {
            return Ok(Outcome::AlreadyDraining);
        }
        Ok(Outcome::Draining)
    }

    /// The settings of these symbols, or of every one that has some.
    pub async fn settings(&self, symbols: &[Symbol]) -> Result<Vec<TradingSettings>, OperationError> {
        if symbols.is_empty() {
            let rows = settings::all(&self.desk.db).await?;
            return Ok(rows.iter().map(TradingSettings::from).collect());
        }
        let mut found = Vec::new();
        for symbol in symbols {
            found.push(TradingSettings::from(&self.setting(symbol).await?));
        }
        Ok(found)
    }

    /// Changes the settings of these symbols, of all or of none; who trades by them hears of it at once.
    pub async fn change_settings(
        &self,
        symbols: &[Symbol],
        change: &SettingsChange,
    ) -> Result<Vec<TradingSettings>, OperationError> {
        let _turn = self.service.turn().await;
        let mut changed = Vec::new();
        for symbol in symbols {
            changed.push((symbol, change.apply(&self.setting(symbol).await?)));
        }
        let rows: Vec<Setting> = changed.iter().map(|(_, row)| row.clone()).collect();
        settings::save(&self.desk.db, &rows).await?;
        for (symbol, row) in changed {
            self.desk.board.note(&row);
            self.tell_leader(symbol, row);
        }
        Ok(rows.iter().map(TradingSettings::from).collect())
    }

    /// Every symbol that is on or draining, and those that are off and have been traded. Answers at once, from memory.
    ///
    /// # Errors
    /// Only before settings and ledger have been read for the first time.
    #[expect(
        clippy::unused_async,
        reason = "as the other apps' status, which one caller asks at once"
    )]
    pub async fn status(&self) -> Result<Vec<TradingStatus>, OperationError> {
        self.desk.board.statuses()
    }

    /// What the account holds, by asset, as it was last told. From memory.
    pub fn balances(&self) -> Vec<AssetBalance> {
        self.balances.all()
    }

    /// Why the balances are not those of now, if the exchange could not be asked.
    pub fn balances_unread(&self) -> Option<String> {
        self.balances.unread()
    }

    /// Changes the row's status, and what is shown of it.
    async fn switch(&self, row: &Setting, status: Switch) -> Result<Setting, StoreError> {
        let setting = settings::set_status(&self.desk.db, row, status).await?;
        self.desk.board.note(&setting);
        Ok(setting)
    }

    async fn is_drained(&self, symbol: &Symbol) -> bool {
        let Some(leader) = self.leaders.lookup(symbol) else {
            return false;
        };
        leader.call(LeaderMsg::IsDrained, ANSWERS).await.unwrap_or(false)
    }

    async fn setting(&self, symbol: &Symbol) -> Result<Setting, OperationError> {
        if let Some(setting) = settings::find(&self.desk.db, symbol).await? {
            return Ok(setting);
        }
        let known = settings::symbols(&self.desk.db).await?;
        // Nothing is known of the symbol as long as nothing is known of any.
        if let Some(why) = self.desk.board.why_unreached().filter(|_| known.is_empty()) {
            let symbol = symbol.clone();
            return Err(OperationError::NotSeededYet { symbol, why });
        }
        Err(OperationError::unknown_symbol(symbol, known.iter().map(String::as_str)))
    }

    /// Starts the symbol's tree; false when it runs already.
    async fn start_symbol(&self, symbol: &Symbol) -> Result<bool, StartError> {
        if self.is_running(symbol).await {
            return Ok(false);
        }
        let spec = symbol_supervisor::spec(&self.desk, &self.leaders, symbol);
        self.service.children().start_child(spec).await?;
        Ok(true)
    }

    /// By id, not by live name: a tree that is just being restarted must not come back.
    async fn stop_symbol(&self, symbol: &Symbol) -> bool {
        self.service.children().terminate_id(symbol.as_str()).await.is_ok()
    }

    /// Whether the symbol has a tree, be it in the middle of a restart.
    async fn is_running(&self, symbol: &Symbol) -> bool {
        let children = self.service.children().which_children().await.unwrap_or_default();
        children.iter().any(|child| child.id == symbol.as_str())
    }

    fn tell_leader(&self, symbol: &Symbol, setting: Setting) {
        if let Some(leader) = self.leaders.lookup(symbol) {
            // One that is gone reads the row when it starts again.
            let _ = leader.cast(LeaderMsg::Settings(setting));
        }
    }
}

impl Complete for Naive {
    fn complete<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move {
            let _turn = self.service.turn().await;
            let setting = self.setting(symbol).await?;
            let drained = self.is_drained(symbol).await;
            if setting.status == Switch::Shutdown && drained {
                // The row first: if only that happens, the next drained leader finds the tree still there.
                self.switch(&setting, Switch::Off).await?;
                self.stop_symbol(symbol).await;
                tracing::info!("{symbol}: the last trade has finished, trading is off");
            }
            Ok(())
        })
    }
}

impl Autostart for Naive {
    type Key = Symbol;

    /// Draining symbols too: their open trades are to finish.
    fn due(&self) -> BoxFuture<'_, Result<Vec<Symbol>, OperationError>> {
        Box::pin(async {
            let Desk { db, board, .. } = &self.desk;
            let active = settings::active(db).await.inspect_err(|error| board.unread(error))?;
            board.fill(db, &active).await?;
            Ok(active.iter().filter_map(|setting| setting.symbol().ok()).collect())
        })
    }

    fn resume<'a>(&'a self, symbol: &'a Symbol) -> BoxFuture<'a, Result<(), OperationError>> {
        Box::pin(async move {
            let _turn = self.service.turn().await;
            if self.setting(symbol).await?.status != Switch::Off {
                self.start_symbol(symbol).await?;
            }
            Ok(())
        })
    }
}
