//! What ends the process: the first reason counts.

use tokio::sync::watch;

/// A handle on the end of the process; clones share it.
#[derive(Clone, Debug)]
pub struct Fatal {
    reason: std::sync::Arc<watch::Sender<Option<std::sync::Arc<anyhow::Error>>>>,
}

impl Default for Fatal {
    fn default() -> Self {
        Fatal {
            reason: std::sync::Arc::new(watch::Sender::new(None)),
        }
    }
}

impl Fatal {
    /// The process has to end for this reason, unless another one was first.
    pub fn report(&self, why: anyhow::Error) {
        self.reason.send_if_modified(|reason| {
            let first = reason.is_none();
            if first {
                tracing::error!("{why:#}");
                *reason = Some(std::sync::Arc::new(why));
            }
            first
        });
    }

    /// Whether the process is about to end.
    pub fn is_reported(&self) -> bool {
        self.reason.borrow().is_some()
    }

    /// The reason, if there is one.
    pub fn reason(&self) -> Option<std::sync::Arc<anyhow::Error>> {
        self.reason.borrow().clone()
    }
}
