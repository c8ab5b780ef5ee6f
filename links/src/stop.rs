//! The wish to stop, handed to everything that runs.

use tokio::sync::watch;

/// A handle on the wish to stop; clones share it.
#[derive(Clone, Debug)]
pub struct Stop {
    sender: std::sync::Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Stop::new()
    }
}

impl Stop {
    /// Nobody wishes to stop yet.
    pub fn new() -> Stop {
        Stop {
            sender: std::sync::Arc::new(watch::Sender::new(false)),
        }
    }

    /// A handle that SIGINT and SIGTERM request.
    ///
    /// # Errors
    /// The signals cannot be listened to.
    pub fn on_signals() -> std::io::Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        let stop = Stop::new();
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let asked = stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            asked.request();
        });
        Ok(stop)
    }

    /// Asks everything to stop.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits until somebody asks.
    pub async fn wait(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so that waiting cannot fail.
        let _ = receiver.wait_for(|requested| *requested).await;
    }
}
