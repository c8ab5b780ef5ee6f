//! The process `hissa-clickhouse`: start, serve, drain.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::clickhouse::engine::ffi;
use crate::clickhouse::engine::pool::Pool;
use crate::clickhouse::engine::start::{StartError, Started};
use crate::clickhouse::engine::statement::Surroundings;
use crate::clickhouse::http::server::{Service, serve};
use crate::clickhouse::users::{Users, UsersError};

/// Statements that still run this long after the grace period are abandoned with the process.
const ABANDON_AFTER: Duration = Duration::from_secs(20);

/// What the process prints when it listens; an address follows.
pub const LISTENING: &str = "listening on ";

/// ClickHouse's engine behind an HTTP interface, for one machine's demo and tests.
#[derive(Debug, Parser)]
#[command(name = "hissa-clickhouse", version)]
pub struct Options {
    /// Data folder; made if need be, one process a folder
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Address to listen on: loopback only; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8123")]
    pub listen: SocketAddr,
    /// The engine: libchdb.so
    #[arg(long, value_name = "PATH", env = "HISSA_LIBCHDB")]
    pub lib: PathBuf,
    /// JSON file with users; without it there is `default` without a password
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Connections that may write
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub writers: u16,
    /// Connections that only read
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub readers: u16,
    /// Memory a query may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(16..))]
    pub memory_per_query: u64,
    /// Seconds that running requests get at the end
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub grace: u64,
    /// End when standard input ends: the parent holds its other end
    #[arg(long)]
    pub with_parent: bool,
}

/// The process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    #[error(
        "{0} is not a loopback address: this ClickHouse serves one machine only. Listen on 127.0.0.1."
    )]
    NotLoopback(SocketAddr),
    #[error(transparent)]
    Users(#[from] UsersError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("listening on {address} failed: {source}. Choose another port, or 0 for a free one.")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("{doing} failed: {source}.")]
    System {
        doing: &'static str,
        source: io::Error,
    },
}

/// Runs the process to its end.
///
/// # Errors
///
/// It could not start; see [`FrontError`].
pub fn run(options: &Options) -> Result<(), FrontError> {
    if !options.listen.ip().is_loopback() {
        return Err(FrontError::NotLoopback(options.listen));
    }
    let users = Users::load(options.users.as_deref())?;
    let memory_bytes = options.memory_per_query.saturating_mul(1 << 20);
    let mut started = Started::start(&options.lib, &options.data, memory_bytes)?;
    let surroundings = Surroundings {
        guard: std::mem::take(&mut started.guard),
        said: std::mem::take(&mut started.said),
        stopping: AtomicBool::new(false),
    };
    let (writers, readers) = (usize::from(options.writers), usize::from(options.readers));
    let pool = Pool::open(
        started.engine,
        &started.arguments,
        surroundings,
        writers,
        readers,
    );
    let pool = pool.map_err(system("starting the connections' threads"))?;
    let spool_dir = started.spool_dir.clone();
    let service = Arc::new(Service {
        pool,
        users,
        spool_dir,
        statements: AtomicU64::new(1),
    });

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(system("starting the runtime"))?;
    runtime.block_on(listen(options, &service))?;
    close(service);
    runtime.shutdown_background();
    drop(started);
    Ok(())
}

fn system(doing: &'static str) -> impl FnOnce(io::Error) -> FrontError {
    move |source| FrontError::System { doing, source }
}

async fn listen(options: &Options, service: &Arc<Service>) -> Result<(), FrontError> {
    let address = options.listen;
    let unheard = |source| FrontError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(unheard)?;
    let address = listener.local_addr().map_err(unheard)?;
    let (stopper, stop) = watch::channel(false);
    stop_by_signals(stopper.clone())?;
    if options.with_parent {
        stop_by_stdin(stopper)?;
    }
    // Whoever started this process reads the port here. That nobody does is no reason to end.
    let _ =
        writeln!(io::stdout().lock(), "{LISTENING}{address}").and_then(|()| io::stdout().flush());
    tracing::info!(%address, data = %options.data.display(), "serving");
    serve(
        listener,
        Arc::clone(service),
        stop,
        Duration::from_secs(options.grace),
    )
    .await;
    Ok(())
}

/// SIGTERM and SIGINT drain; a second one does not hurry, a SIGKILL does.
fn stop_by_signals(stopper: watch::Sender<bool>) -> Result<(), FrontError> {
    let doing = "watching for signals";
    let mut terminate = signal(SignalKind::terminate()).map_err(system(doing))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system(doing))?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stopper.send_replace(true);
        }
    });
    Ok(())
}

/// The parent holds the other end of standard input and never writes: its end is the parent's end.
fn stop_by_stdin(stopper: watch::Sender<bool>) -> Result<(), FrontError> {
    let wait = move || {
        let mut ignored = [0; 64];
        while io::stdin()
            .lock()
            .read(&mut ignored)
            .is_ok_and(|read| read > 0)
        {}
        stopper.send_replace(true);
    };
    let thread = std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(wait);
    thread.map(drop).map_err(system("watching standard input"))
}

/// Closes every connection of the engine: to leave during an insert would crash it. What does not come to an end is
/// abandoned with the process, without the engine's destructors.
fn close(service: Arc<Service>) {
    service
        .pool
        .surroundings()
        .stopping
        .store(true, Ordering::Relaxed);
    let (closed, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        service.pool.close();
        // The receiver waits below, or has left for good.
        let _ = closed.send(());
    });
    if done.recv_timeout(ABANDON_AFTER).is_err() {
        tracing::warn!(
            "a statement does not end: it is abandoned, what was acknowledged is stored"
        );
        ffi::leave(1);
    }
}
