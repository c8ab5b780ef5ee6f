//! What a person is told while the stack comes up.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One step of bringing the stack up. Its `Display` is a line for a terminal or a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Progress {
    /// Another process fetches or prepares the same thing; this one waits for it.
    WaitingForOther { what: String },
    /// A download begins; `megabytes` is about its size.
    Fetching { what: String, megabytes: u32 },
    /// A download still runs.
    StillFetching { what: String, seconds: u64 },
    /// A download is complete and is what the pinned checksum says.
    Fetched { what: String, seconds: f64 },
    /// Something is computed once and kept in the cache.
    Preparing { what: String },
    /// A service's process is started.
    Starting { what: String, address: String },
    /// A service has answered a request.
    Ready {
        what: String,
        address: String,
        seconds: f64,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::WaitingForOther { what } => {
                write!(f, "waiting for another process that prepares {what}")
            }
            Progress::Fetching { what, megabytes } => {
                write!(
                    f,
                    "fetching {what} (about {megabytes} MB, once; it stays in the cache)"
                )
            }
            Progress::StillFetching { what, seconds } => {
                write!(f, "still fetching {what} ({seconds} s)")
            }
            Progress::Fetched { what, seconds } => {
                write!(f, "{what} fetched and verified in {seconds:.1} s")
            }
            Progress::Preparing { what } => {
                write!(f, "preparing {what} (once; it stays in the cache)")
            }
            Progress::Starting { what, address } => write!(f, "starting {what} on {address}"),
            Progress::Ready {
                what,
                address,
                seconds,
            } => {
                write!(f, "{what} answers on {address} after {seconds:.1} s")
            }
        }
    }
}

/// Where progress goes. Shared by the threads that start the two services side by side.
#[derive(Clone)]
pub struct Report(Arc<dyn Fn(Progress) + Send + Sync>);

impl Report {
    /// Progress goes to `tell`.
    pub fn to(tell: impl Fn(Progress) + Send + Sync + 'static) -> Report {
        Report(Arc::new(tell))
    }

    /// Nobody is told.
    #[must_use]
    pub fn silent() -> Report {
        Report::to(|_| {})
    }

    /// Says one step.
    pub fn say(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}
