//! Whose a database is: one venue for good, and one program that writes at a time.
//!
//! Trade and order ids of two venues, or of two programs that play the same venue, mean different things under the same number,
//! and a data folder cannot keep apart what shares a server. So it stands in the database itself: [`Ownership::claim`] takes a
//! set of databases or none, and renews the claims until [`release`](Ownership::release) gives them back.
//!
//! Invariant: whoever changes the claim compares the token that was read, so that of two who come at the same moment one is
//! refused; and who finds its own token replaced writes nothing more.

pub mod schema;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use futures_util::FutureExt;
use futures_util::future::{join_all, select_all};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::database::Database;
use super::db::Db;
use super::error::StoreError;
use super::seal::Broken;
use super::types::{Id, Moment};
use schema::ownership::{self, table};
use writer::{Standing, Writer};

/// How often the claim is renewed, and the files are looked at.
const HEARTBEAT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(1);
/// How old the last heartbeat of a program on another host must be until it counts as gone.
const SILENT: Duration = Duration::from_secs(30);
/// How long giving back may take: a claim that stays is taken over when this process is gone.
const RELEASE_WITHIN: Duration = Duration::from_secs(1);

/// The claims of one program on its databases. Cheap to clone.
#[derive(Clone)]
pub struct Ownership {
    claims: Arc<[Claim]>,
    keeper: Arc<Keeper>,
}

/// Renews the claims and looks at the files, for as long as anybody holds it. No process of the tree: a claim that is held is renewed,
/// before the tree is up and after it is down too.
struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Claim {
    database: &'static Database,
    db: Db,
    token: String,
    /// It had no venue before.
    new: bool,
}

impl Ownership {
    /// Takes all of them for a venue, or none.
    ///
    /// # Errors
    ///
    /// Which one, and [`StoreError::OtherVenue`] or [`StoreError::Held`], or why it could not be asked.
    pub async fn claim(
        databases: impl IntoIterator<Item = (&'static Database, Db)>,
        venue: &str,
    ) -> Result<Self, (&'static Database, StoreError)> {
        let mut claims = Vec::new();
        for (database, db) in databases {
            match claim(database, db, venue).await {
                Ok(claim) => claims.push(claim),
                Err(error) => {
                    Self::of(claims).undo().await;
                    return Err((database, error));
                }
            }
        }
        Ok(Self::of(claims))
    }

    fn of(claims: Vec<Claim>) -> Self {
        let claims: Arc<[Claim]> = claims.into();
        let keeper = tokio::spawn(keep(Arc::clone(&claims))).abort_handle();
        Self {
            claims,
            keeper: Arc::new(Keeper(keeper)),
        }
    }

    /// Returns when one of the databases is lost: taken over by another program, or its file is gone. What to tell.
    pub async fn lost(&self) -> StoreError {
        let waits = self.claims.iter().map(|claim| claim.db.sealed().boxed());
        match waits.collect::<Vec<_>>() {
            none if none.is_empty() => std::future::pending().await,
            waits => select_all(waits).await.0,
        }
    }

    /// Gives the databases back, which stay the venue's.
    pub async fn release(&self) {
        self.keeper.0.abort();
        let claims = self.claims.clone();
        // In a task of its own: to drop a query is to wait for it.
        let released = tokio::spawn(async move {
            join_all(claims.iter().map(Claim::release)).await;
        });
        if tokio::time::timeout(RELEASE_WITHIN, released).await.is_err() {
            tracing::debug!("the databases were not given back in time: the next program finds this one gone");
        }
    }

    /// As [`release`](Self::release), for a program that does not come about: what was nobody's is nobody's again.
    pub async fn undo(&self) {
        self.release().await;
        for claim in self.claims.iter().filter(|claim| claim.new) {
            let ours = table.filter(ownership::token.is_null());
            // The venue would be the right one at the next try too.
            let _ = claim.db.run(diesel::delete(ours)).await;
        }
    }
}

/// Beside each other: a database that is locked must not keep the files from being looked at.
async fn keep(claims: Arc<[Claim]>) {
    tokio::join!(look(&claims), renew(&claims));
}

async fn look(claims: &[Claim]) {
    let mut ticks = every(LOOK);
    loop {
        ticks.tick().await;
        for claim in claims {
            claim.db.look_at_the_file();
        }
    }
}

async fn renew(claims: &[Claim]) {
    let mut ticks = every(HEARTBEAT);
    loop {
        ticks.tick().await;
        // All at the same time: one that is locked must not keep the others from being renewed.
        join_all(claims.iter().map(Claim::renew)).await;
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Claim {
    async fn renew(&self) {
        let renewed = async {
            let now = self.db.now().await?;
            let ours = table.filter(ownership::token.eq(&self.token));
            self.db
                .run(diesel::update(ours).set(ownership::heartbeat_at.eq(now)))
                .await
        };
        match renewed.await {
            Ok(0) => self.db.seal(Broken::TakenOver),
            Ok(_) => {}
            // The app whose database it is tells of it.
            Err(error) => tracing::debug!("the claim on {} could not be renewed: {error}", self.database),
        }
    }

    async fn release(&self) {
        let ours = table.filter(ownership::token.eq(&self.token));
        let nobody = ownership::token.eq(None::<String>);
        if let Err(error) = self.db.run(diesel::update(ours).set(nobody)).await {
            tracing::debug!("{} could not be given back: {error}", self.database);
        }
    }
}

async fn claim(database: &'static Database, db: Db, venue: &str) -> Result<Claim, StoreError> {
    let token = Id::new().to_string();
    loop {
        if let Some(new) = try_claim(&db, venue, &token).await? {
            return Ok(Claim {
                database,
                db,
                token,
                new,
            });
        }
        // Somebody else has changed the row in between: what it says now decides.
    }
}

/// Whether the database was nobody's before; `None` when another program was quicker.
async fn try_claim(db: &Db, venue: &str, token: &str) -> Result<Option<bool>, StoreError> {
    type Row = (String, Option<String>, (String, String, String, i64, i64), Moment);
    let row = table.select((
        ownership::venue,
        ownership::token,
        (
            ownership::host,
            ownership::boot,
            ownership::namespace,
            ownership::pid,
            ownership::started,
        ),
        ownership::heartbeat_at,
    ));
    let found: Option<Row> = db.fetch_optional(row).await?;
    let this = Writer::this();
    let now = db.now().await?;
    let values = (
        ownership::token.eq(Some(token)),
        ownership::host.eq(&this.host),
        ownership::boot.eq(&this.boot),
        ownership::namespace.eq(&this.namespace),
        ownership::pid.eq(this.pid),
        ownership::started.eq(this.started),
        ownership::heartbeat_at.eq(now),
    );
    let Some((held, holder, (host, boot, namespace, pid, started), heartbeat_at)) = found else {
        let row = (ownership::id.eq(1i64), ownership::venue.eq(venue), values);
        let insert = diesel::insert_into(table).values(row).on_conflict_do_nothing();
        return Ok((db.run(insert).await? == 1).then_some(true));
    };
    if held != venue {
        return Err(StoreError::OtherVenue {
            location: db.location().clone(),
            held,
            wanted: venue.to_owned(),
        });
    }
    let Some(holder) = holder else {
        let free = table.filter(ownership::token.is_null());
        let taken = db.run(diesel::update(free).set(values)).await?;
        return Ok((taken == 1).then_some(false));
    };
    let writer = Writer {
        host,
        boot,
        namespace,
        pid,
        started,
    };
    let silent = Duration::from_micros(now.as_micros().abs_diff(heartbeat_at.as_micros()));
    let gone = match this.standing_of(&writer) {
        Standing::Gone => true,
        Standing::Alive => false,
        // A heartbeat from the future comes from a clock that was set back.
        Standing::OutOfSight => silent > SILENT,
    };
    if !gone {
        return Err(StoreError::Held {
            location: db.location().clone(),
            host: writer.host,
            pid,
        });
    }
    let left = table.filter(ownership::token.eq(&holder));
    let taken = db.run(diesel::update(left).set(values)).await?;
    if taken == 1 {
        tracing::info!(
            "{} was left by process {pid} on {}, which is gone",
            db.location(),
            writer.host
        );
    }
    Ok((taken == 1).then_some(false))
}

impl fmt::Debug for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.claims.iter().map(|claim| claim.database))
            .finish()
    }
}
