//! From a URL to pools of connections.

use std::path::Path;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::Manager;
use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, SetupCallback};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::database::Durability;
use super::target::is_path;
use super::{collation, sum};
use crate::causes::causes;
use crate::owner_only;

/// A connection to PostgreSQL.
pub(super) type Pg = AsyncPgConnection;
/// A connection to SQLite, which works on tokio's blocking threads.
pub(super) type Lite = SyncConnectionWrapper<SqliteConnection>;

const POSTGRES_CONNECTIONS: usize = 4;
const SQLITE_READERS: usize = 4;

/// How long to wait for a free connection, and for a new one.
const WAIT: Duration = Duration::from_secs(10);

/// How long SQLite waits for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The same on PostgreSQL: a statement that waits for a lock longer than this is told of, and not waited for in silence.
pub(super) const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

/// How long a server may take to answer a connection, and a lost one to be noticed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const LOST_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Connections to a PostgreSQL server, made when first needed.
pub(super) fn postgres_pool(url: &str) -> Pool<Pg> {
    let setup = config(Box::new(|url| open_postgres(url.to_owned()).boxed()));
    build(
        AsyncDieselConnectionManager::new_with_config(url, setup),
        POSTGRES_CONNECTIONS,
    )
}

/// By hand, because diesel's own way drops the cause of a refusal, and asks for neither keepalives nor time limits.
///
/// What the URL says of these stays.
async fn open_postgres(url: String) -> ConnectionResult<Pg> {
    let refused = |error: tokio_postgres::Error| ConnectionError::BadConnection(causes(&error));
    let mut config: tokio_postgres::Config = url.parse().map_err(refused)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(LOST_AFTER);
    }
    if config.get_keepalives_interval().is_none() {
        config
            .keepalives_idle(LOST_AFTER)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(3);
    }
    if config.get_application_name().is_none() {
        config.application_name("hedgehog");
    }
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(refused)?;
    let mut connection = Pg::try_from_client_and_connection(client, connection).await?;
    let limited = connection.batch_execute(LOCK_TIMEOUT).await;
    limited.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// The one connection that writes to an SQLite file.
///
/// One, because SQLite has one writer at a time anyway: several connections would sleep and try again where one is
/// simply waited for in turn.
pub(super) fn sqlite_writer(path: &str, durability: Durability) -> Pool<Lite> {
    let synchronous = match durability {
        Durability::PowerCut => "FULL",
        Durability::Crash => "NORMAL",
    };
    let pragmas = ["journal_mode = WAL".to_owned(), format!("synchronous = {synchronous}")];
    let setup = config(Box::new(move |path| open_sqlite(path, &pragmas)));
    build(AsyncDieselConnectionManager::new_with_config(path, setup), 1)
}

/// The connections that read from an SQLite file beside the writer, which never makes them wait.
pub(super) fn sqlite_readers(path: &str) -> Pool<Lite> {
    let setup = config(Box::new(|path| open_sqlite(path, &["query_only = ON".to_owned()])));
    build(
        AsyncDieselConnectionManager::new_with_config(path, setup),
        SQLITE_READERS,
    )
}

/// Makes an SQLite file that is the owner's alone, or an existing one so. What cannot be made is told by who opens it.
pub(super) fn make_private(path: &Path) {
    if is_path(&path.to_string_lossy()) && !path.is_dir() {
        let _ = owner_only::open(path);
        for suffix in ["-wal", "-shm"] {
            let mut beside = path.as_os_str().to_owned();
            beside.push(suffix);
            owner_only::tighten(Path::new(&beside));
        }
    }
}

fn open_sqlite(path: &str, pragmas: &[String]) -> BoxFuture<'static, ConnectionResult<Lite>> {
    // The timeout comes first: every later statement may meet another process's lock.
    let busy_timeout = format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis());
    let statements: Vec<String> = std::iter::once(busy_timeout)
        .chain(pragmas.iter().map(|pragma| format!("PRAGMA {pragma}")))
        .chain(std::iter::once("PRAGMA foreign_keys = ON".to_owned()))
        .collect();
    let path = path.to_owned();
    let open = move || {
        let mut connection = SqliteConnection::establish(&path)?;
        for statement in &statements {
            connection
                .batch_execute(statement)
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        collation::register(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
        sum::register(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(SyncConnectionWrapper::new(connection))
    };
    async move {
        let opened = tokio::task::spawn_blocking(open).await;
        opened.unwrap_or_else(|gone| Err(ConnectionError::BadConnection(gone.to_string())))
    }
    .boxed()
}

/// `Fast`: only the open transaction and the closed connection are looked for. A `SELECT 1` before every query would
/// double what a small one costs.
fn config<C: AsyncConnection + 'static>(setup: SetupCallback<C>) -> ManagerConfig<C> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = setup;
    config
}

fn build<M: Manager>(manager: M, size: usize) -> deadpool::managed::Pool<M> {
    deadpool::managed::Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .runtime(Runtime::Tokio1)
        .build()
        .expect("a pool with timeouts has a runtime")
}
