//! Kafka and ClickHouse together.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::accounts::{self, Account};
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

        let kafka_options = KafkaOptions {
            folder: data_dir.join("kafka"),
            cache,
            port: options.kafka_port,
        };
        let kafka = Kafka::launch(&kafka_options, report)?;
        Ok(Stack {
            kafka,
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

    /// Whether both services still run.
    ///
    /// # Errors
    ///
    /// [`StackError::Died`] for the one that ended, with the end of its log.
    pub fn check(&mut self) -> Result<(), StackError> {
        self.kafka.check()
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
        self.kafka.stop()
    }
}

/// Fetches and prepares all that [`Stack::up`] will need, so that a later start takes seconds.
///
/// # Errors
///
/// A tool is missing, a download failed or is not the pinned one, or the disk is full.
pub fn fetch(report: &Report) -> Result<(), StackError> {
    let cache = folders::cache()?;
    Kafka::fetch(&cache, report)?;
    chdb::fetch(&cache, report)?;
    Ok(())
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
