//! Kafka and ClickHouse together.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::accounts::{self, Account};
use crate::clickhouse::{ClickHouse, ClickHouseOptions, User};
use crate::download::chdb;
use crate::error::StackError;
use crate::folders;
use crate::kafka::{Kafka, KafkaOptions};
use crate::progress::Report;

/// How to start a stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackOptions {
    /// Where both services keep their data, their logs and their passwords. Made if need be; one running stack a
    /// folder.
    pub data_dir: PathBuf,
    /// Kafka's port on 127.0.0.1; a free one where `None`.
    pub kafka_port: Option<u16>,
    /// ClickHouse's HTTP port on 127.0.0.1; a free one where `None`.
    pub clickhouse_port: Option<u16>,
}

impl StackOptions {
    /// Free ports, and data in `data_dir`.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> StackOptions {
        StackOptions {
            data_dir: data_dir.into(),
            kafka_port: None,
            clickhouse_port: None,
        }
    }
}

/// A running stack whose processes are this process's children. They end with it, however it ends; [`Stack::stop`]
/// ends them in good order.
#[derive(Debug)]
pub struct Stack {
    kafka: Kafka,
    clickhouse: ClickHouse,
    owner: Account,
    analyst: Account,
    data_dir: PathBuf,
    /// Held as long as the stack runs.
    _folder_lock: File,
}

impl Stack {
    /// Starts both services side by side and returns when both have answered a request. About 3 s; with empty caches
    /// some 15 s more on a good line.
    ///
    /// # Errors
    ///
    /// See [`StackError`]. What was started by then is ended again.
    pub async fn up(options: StackOptions, report: Report) -> Result<Stack, StackError> {
        blocking(move || Stack::up_blocking(&options, &report)).await
    }

    /// As [`Stack::up`], for callers without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Stack::up`].
    pub fn up_blocking(options: &StackOptions, report: &Report) -> Result<Stack, StackError> {
        folders::make(&options.data_dir)?;
        let data_dir = fs::canonicalize(&options.data_dir)
            .map_err(StackError::file("looking for", &options.data_dir))?;
        let folder_lock = lock(&data_dir)?;
        let owner = accounts::account(&data_dir, accounts::OWNER)?;
        let analyst = accounts::account(&data_dir, accounts::ANALYST)?;
        let cache = folders::cache()?;

        let kafka = KafkaOptions {
            folder: data_dir.join("kafka"),
            cache: cache.clone(),
            port: options.kafka_port,
        };
        let users = vec![
            User::owner(&owner.user, &owner.password),
            User::reader(&analyst.user, &analyst.password, &[accounts::READABLE]),
        ];
        let (kafka, clickhouse) = side_by_side(
            || Kafka::launch(&kafka, report),
            || {
                launch_clickhouse(
                    &cache,
                    data_dir.join("clickhouse"),
                    options.clickhouse_port,
                    users,
                    report,
                )
            },
        )?;
        Ok(Stack {
            kafka,
            clickhouse,
            owner,
            analyst,
            data_dir,
            _folder_lock: folder_lock,
        })
    }

    /// `bootstrap.servers` of Kafka: `127.0.0.1:port`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.kafka.bootstrap()
    }

    /// ClickHouse's HTTP interface: `http://127.0.0.1:port`.
    #[must_use]
    pub fn clickhouse_url(&self) -> String {
        self.clickhouse.url().to_owned()
    }

    /// The account that owns ClickHouse's tables.
    #[must_use]
    pub fn owner(&self) -> &Account {
        &self.owner
    }

    /// The account that may only read.
    #[must_use]
    pub fn analyst(&self) -> &Account {
        &self.analyst
    }

    /// The data folder, as an absolute path.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Kafka by itself.
    pub fn kafka(&mut self) -> &mut Kafka {
        &mut self.kafka
    }

    /// ClickHouse by itself.
    pub fn clickhouse(&mut self) -> &mut ClickHouse {
        &mut self.clickhouse
    }

    /// Whether both services still run.
    ///
    /// # Errors
    ///
    /// [`StackError::Died`] for the one that ended, with the end of its log.
    pub fn check(&mut self) -> Result<(), StackError> {
        self.kafka.check()?;
        self.clickhouse.check()
    }

    /// Ends both services in good order: they close their files, nothing is lost.
    ///
    /// # Errors
    ///
    /// The operating system refused to signal one of them.
    pub async fn stop(self) -> Result<(), StackError> {
        blocking(move || self.stop_blocking()).await
    }

    /// As [`Stack::stop`], for callers without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Stack::stop`].
    pub fn stop_blocking(self) -> Result<(), StackError> {
        let (kafka, clickhouse) = (self.kafka, self.clickhouse);
        side_by_side(|| kafka.stop(), || clickhouse.stop_blocking()).map(drop)
    }
}

/// Fetches and prepares all that [`Stack::up`] will need, so that a later start takes seconds.
///
/// # Errors
///
/// A tool is missing, a download failed or is not the pinned one, or the disk is full.
pub fn fetch(report: &Report) -> Result<(), StackError> {
    let cache = folders::cache()?;
    side_by_side(|| Kafka::fetch(&cache, report), || library(&cache, report)).map(drop)
}

/// The library of ClickHouse's engine, fetched if need be.
fn library(cache: &Path, report: &Report) -> Result<PathBuf, StackError> {
    ClickHouseOptions::library_override().map_or_else(|| chdb::fetch(cache, report), Ok)
}

fn launch_clickhouse(
    cache: &Path,
    data_dir: PathBuf,
    port: Option<u16>,
    users: Vec<User>,
    report: &Report,
) -> Result<ClickHouse, StackError> {
    let options = ClickHouseOptions {
        data_dir,
        port,
        lib: library(cache, report)?,
        binary: ClickHouseOptions::beside_this_program()?,
        users,
        memory_per_query_mib: None,
    };
    ClickHouse::launch_blocking(&options, report)
}

/// Does both at once; the first's error goes before the second's. What one has started while the other failed is
/// dropped, which ends it.
fn side_by_side<A: Send, B: Send>(
    one: impl FnOnce() -> Result<A, StackError>,
    other: impl FnOnce() -> Result<B, StackError> + Send,
) -> Result<(A, B), StackError> {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        let other = other
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((one?, other?))
    })
}

/// Runs `work` on a thread for blocking work; a panic in it goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // Never cancelled: nobody holds a handle to abort it by, so a failure is a panic.
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// One stack a folder. The lock is the file's, not its existence: it is free again once its holder is dead.
fn lock(data_dir: &Path) -> Result<File, StackError> {
    let path = data_dir.join("in-use.lock");
    let file = File::create(&path).map_err(StackError::file("writing", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StackError::FolderInUse {
            folder: data_dir.to_owned(),
        }),
        Err(fs::TryLockError::Error(source)) => Err(StackError::file("locking", &path)(source)),
    }
}
