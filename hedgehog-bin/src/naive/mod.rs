//! The naive app: buys a little below the market, sells a little above what it paid, again and again.
//!
//! Read in this order:
//!
//! * [`strategy`]: what a trader does next, a pure function; [`position`]: what it holds; [`replay`]: both over a
//!   recording, without a runtime.
//! * `trader`: carries decisions out at the exchange. `leader`: starts the traders of a symbol. `symbol_supervisor`:
//!   their tree.
//! * `ledger` and `settings`: the rows. `executions`: the account's own events. `completions`: the end of a drain.
//!
//! ```text
//! Naive.Supervisor (rest_for_one)
//! ├─ Registry       leaders by symbol
//! ├─ Executions     the user data stream
//! ├─ Completions    switches off what has drained
//! ├─ Symbols        a dynamic supervisor of symbol trees
//! └─ Autostart
//! ```
//! `stop` ends a symbol's processes now: its open orders stay on the exchange and in the ledger, and the next start goes
//! on with them. `shutdown` drains: open trades finish, none is opened, and then the symbol is off.

mod completions;
mod desk;
mod executions;
mod leader;
mod ledger;
pub mod position;
pub mod replay;
mod settings;
mod status;
pub mod strategy;
mod symbol_supervisor;
#[cfg(test)]
mod tests;
mod trader;

pub use settings::{Profile, SettingsChange, SettingsError, TradingSettings};
pub use status::{TraderStatus, TradingStatus};

use crate::exchange::{Credentials, Endpoints, Exchange};
use crate::market::{Bus, Decimal, Symbol};
use crate::operation::{OperationError, Outcome, Seeded};
use crate::service::{Autostart, Service};
use crate::store::{Db, StoreError, TradingStatus as Switch};
use desk::Desk;
use futures_util::future::{BoxFuture, try_join_all};
use hedgehog_core::{ChildSpec, Name, PubSub, Registry, StartError, Supervisor, SupervisorMsg};
use leader::{LeaderMsg, LeaderReport};
use settings::Setting;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How long a leader may take to tell how it stands before its symbol is shown without it.
const REPORT: Duration = Duration::from_secs(1);

/// The app: its operations, and the tree to put under a supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Naive {
    service: Arc<Service>,
    leaders: Registry<Symbol, LeaderMsg>,
    desk: Desk,
    endpoints: Endpoints,
    credentials: Credentials,
    profile: Profile,
}

impl Naive {
    /// An app without processes yet; [`Naive::spec`] gives its tree. `profile` is what [`Naive::seed`] gives new rows.
    pub fn new(
        db: Db,
        exchange: Arc<dyn Exchange>,
        endpoints: Endpoints,
        credentials: Credentials,
        bus: Bus,
        profile: Profile,
    ) -> Self {
        let completions = Name::new("Naive.Completions");
        Self {
            service: Arc::new(Service::new("naive", "Naive.DynamicSymbolSupervisor")),
            leaders: Registry::unique("naive_leaders"),
            desk: Desk {
                db,
                exchange,
                bus,
                account: PubSub::new(),
                completions,
            },
            endpoints,
            credentials,
            profile,
        }
    }

    /// The app's tree, to be a child of the program's root.
    pub fn spec(&self) -> ChildSpec<SupervisorMsg> {
        let app = self.clone();
        Supervisor::spec("Naive.Supervisor", move || {
            let tree = app
                .service
                .supervisor(app.leaders.spec("Registry"))
                .child(executions::spec(&app.endpoints, &app.credentials, &app.desk.account))
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
        let info = self.desk.exchange.exchange_info().await?;
        let symbols: Vec<&Symbol> = info.symbols.keys().collect();
        Ok(settings::seed(&self.desk.db, &symbols, self.profile).await?)
    }

    /// Trades a symbol from now on, and after each restart of the program. Cancels a drain.
    pub async fn start_trading(&self, symbol: &Symbol) -> Result<Outcome, OperationError> {
        let _turn = self.service.turn().await;
        let before = self.setting(symbol).await?;
        let setting = settings::set_status(&self.desk.db, &before, Switch::On).await?;
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
        settings::set_status(&self.desk.db, &setting, Switch::Off).await?;
        if self.stop_symbol(symbol).await {
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
        let setting = settings::set_status(&self.desk.db, &before, Switch::Shutdown).await?;
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
            self.tell_leader(symbol, row);
        }
        Ok(rows.iter().map(TradingSettings::from).collect())
    }

    /// Every symbol that is on or draining, and those that are off with trades left open.
    pub async fn status(&self) -> Result<Vec<TradingStatus>, OperationError> {
        let db = &self.desk.db;
        let active = settings::active(db).await?;
        let totals = ledger::totals(db).await?;
        let mut settings: Vec<Setting> = Vec::new();
        let open: BTreeSet<String> = ledger::open_symbols(db).await?.into_iter().collect();
        for symbol in open.iter().filter_map(|symbol| symbol.parse().ok()) {
            settings.extend(
                settings::find(db, &symbol)
                    .await?
                    .filter(|row| row.status == Switch::Off),
            );
        }
        settings.extend(active);
        // All at once: a leader that waits for the exchange answers late, and twenty of them would add up.
        let of_symbols = settings.iter().filter_map(|setting| {
            let symbol = setting.symbol().ok()?;
            Some(self.status_of(symbol, setting, &totals))
        });
        let mut found = try_join_all(of_symbols).await?;
        found.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        Ok(found)
    }

    async fn status_of(
        &self,
        symbol: Symbol,
        setting: &Setting,
        totals: &HashMap<String, (i64, Decimal)>,
    ) -> Result<TradingStatus, StoreError> {
        let LeaderReport { traders, parked, .. } = if let Some(report) = self.report(&symbol).await {
            report
        } else {
            let open = ledger::open(&self.desk.db, &symbol).await?;
            let traders = open.iter().map(|record| TraderStatus::of(record, None)).collect();
            LeaderReport {
                traders,
                ..LeaderReport::default()
            }
        };
        let (cycles, profit) = totals.get(symbol.as_str()).cloned().unwrap_or_default();
        Ok(TradingStatus {
            symbol,
            status: setting.status,
            since: setting.updated_at.as_micros() / 1000,
            open_traders: traders,
            cycles,
            profit,
            parked,
        })
    }

    async fn report(&self, symbol: &Symbol) -> Option<LeaderReport> {
        self.leaders.lookup(symbol)?.call(LeaderMsg::Report, REPORT).await.ok()
    }

    /// Switches a symbol off whose last trade has finished. Checks again: it may have been started in the meantime.
    async fn complete(&self, symbol: &Symbol) -> Result<(), OperationError> {
        let _turn = self.service.turn().await;
        let setting = self.setting(symbol).await?;
        let drained = self.report(symbol).await.is_some_and(|report| report.drained);
        if setting.status == Switch::Shutdown && drained {
            // The row first: if only that happens, the next drained leader finds the tree still there.
            settings::set_status(&self.desk.db, &setting, Switch::Off).await?;
            self.stop_symbol(symbol).await;
            tracing::info!("{symbol}: the last trade has finished, trading is off");
        }
        Ok(())
    }

    async fn setting(&self, symbol: &Symbol) -> Result<Setting, OperationError> {
        if let Some(setting) = settings::find(&self.desk.db, symbol).await? {
            return Ok(setting);
        }
        let known = settings::symbols(&self.desk.db).await?;
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

impl Autostart for Naive {
    type Key = Symbol;

    /// Draining symbols too: their open trades are to finish.
    fn due(&self) -> BoxFuture<'_, Result<Vec<Symbol>, OperationError>> {
        Box::pin(async {
            let active = settings::active(&self.desk.db).await?;
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
