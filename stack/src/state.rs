//! What is written down about the stack that runs in the background: who supervises it, and where it answers.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::StackError;
use crate::folders;

/// One service of a running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Kafka: `127.0.0.1:port`, for `bootstrap.servers`. ClickHouse: `http://127.0.0.1:port`.
    pub address: String,
    /// Its process.
    pub pid: u32,
}

/// A stack in the background that was ready when this was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackState {
    /// The process that holds both services.
    pub supervisor_pid: u32,
    /// Data, logs and passwords.
    pub data_dir: PathBuf,
    /// Kafka.
    pub kafka: Service,
    /// ClickHouse.
    pub clickhouse: Service,
    /// The ClickHouse account that owns the tables, and the file with its password.
    pub owner: (String, PathBuf),
    /// The ClickHouse account that may only read, and the file with its password.
    pub analyst: (String, PathBuf),
}

/// The files in the state folder.
pub(crate) struct StateFiles {
    folder: PathBuf,
}

/// Held by a supervisor as long as it lives.
pub(crate) struct SupervisorLock {
    _file: File,
}

impl StateFiles {
    /// In [`folders::state`].
    pub(crate) fn open() -> Result<StateFiles, StackError> {
        Ok(StateFiles {
            folder: folders::state()?,
        })
    }

    /// Where a supervisor's words go.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("supervisor.log")
    }

    /// The state, if one is written down and can be read.
    pub(crate) fn read(&self) -> Option<StackState> {
        serde_json::from_slice(&fs::read(self.state()).ok()?).ok()
    }

    /// Writes the state down, whole or not at all.
    pub(crate) fn write(&self, state: &StackState) -> Result<(), StackError> {
        let path = self.state();
        let writing = || StackError::file("writing", path.clone());
        let aside = path.with_extension("new");
        let text = serde_json::to_vec_pretty(state).map_err(|error| writing()(error.into()))?;
        fs::write(&aside, text)
            .and_then(|()| fs::rename(&aside, &path))
            .map_err(writing())
    }

    /// Forgets the state; that there is none is fine.
    pub(crate) fn forget(&self) {
        // A state that stays behind is seen to be stale by the lock, which nobody holds then.
        let _ = fs::remove_file(self.state());
    }

    /// Becomes the supervisor, or says that there is one: then `None`.
    pub(crate) fn become_supervisor(&self) -> Result<Option<SupervisorLock>, StackError> {
        let path = self.lock();
        let mut file = open_lock(&path)?;
        let mut tries_left = 10;
        while !try_lock(&file, &path)? {
            // Who only asks whether there is a supervisor holds the lock for a moment, too.
            if tries_left == 0 {
                return Ok(None);
            }
            tries_left -= 1;
            thread::sleep(Duration::from_millis(20));
        }
        // The process id stands in the lock's own file, so that `down` finds a supervisor that is not ready yet.
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(StackError::file("writing", &path))?;
        self.forget();
        Ok(Some(SupervisorLock { _file: file }))
    }

    /// The process id of the supervisor that lives now.
    pub(crate) fn supervisor(&self) -> Result<Option<u32>, StackError> {
        let path = self.lock();
        let mut file = open_lock(&path)?;
        if try_lock(&file, &path)? {
            return Ok(None);
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(StackError::file("reading", &path))?;
        Ok(text.trim().parse().ok())
    }

    /// The lock's path, for messages too.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("supervisor.lock")
    }

    fn state(&self) -> PathBuf {
        self.folder.join("stack.json")
    }
}

fn open_lock(path: &Path) -> Result<File, StackError> {
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(StackError::file("opening", path))
}

/// Whether nobody else held the lock.
fn try_lock(file: &File, path: &Path) -> Result<bool, StackError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(StackError::file("locking", path)(source)),
    }
}
