//! The carrier's side of the demo: the feed into its topic, and what ingest says that it received.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context as _, anyhow};
use hissa_carrier::produce::{self, Carry};
use hissa_carrier::{Feed, Truth};
use hissa_ingest::position::Stored;
use hissa_links::kafka::KafkaLink;
use hissa_links::{topics, whole};
use rdkafka::Message as _;

/// The carrier's topic, as the generator's `programme.toml` names it.
const TOPIC: &str = "carrier.usage";

/// Creates the carrier's topic.
///
/// # Errors
/// Kafka does not answer, or refuses.
pub async fn make_topic(carrier: &KafkaLink) -> anyhow::Result<()> {
    produce::create_topic(&carrier.client("carrier")?, TOPIC).await?;
    Ok(())
}

/// A feed that is being written; dropping it stops the writing.
pub struct Feeding {
    stopped: Arc<AtomicBool>,
    /// Delivery time of the last message written (UTC milliseconds); 0 before the first.
    fed_to_ms: Arc<AtomicI64>,
    thread: Option<JoinHandle<anyhow::Result<Truth>>>,
}

/// Begins to write.
pub fn start(mut feed: Feed, carrier: KafkaLink, speed: Option<f64>) -> Feeding {
    let stopped = Arc::new(AtomicBool::new(false));
    let fed_to_ms = Arc::new(AtomicI64::new(0));
    let (asked, told) = (stopped.clone(), fed_to_ms.clone());
    let thread = std::thread::spawn(move || {
        let properties = carrier.client("carrier")?;
        produce::produce(&properties, TOPIC, &mut feed, speed, |produced| {
            told.store(produced.delivered_at_ms, Ordering::Relaxed);
            if asked.load(Ordering::Relaxed) {
                Carry::Stop
            } else {
                Carry::On
            }
        })?;
        Ok(feed.into_truth())
    });
    Feeding {
        stopped,
        fed_to_ms,
        thread: Some(thread),
    }
}

impl Feeding {
    /// Whether the writing has ended, well or not.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Delivery time of the last message written (UTC milliseconds), once there is one.
    pub fn fed_to_ms(&self) -> Option<i64> {
        Some(self.fed_to_ms.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// Waits until the writing has ended.
    pub async fn wait(&self) {
        while !self.is_over() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Waits for the end of the feed. Blocks.
    ///
    /// # Errors
    /// The feed could not be written.
    pub fn finish(mut self) -> anyhow::Result<Truth> {
        let thread = self.thread.take().context("the feed was finished before")?;
        thread
            .join()
            .map_err(|_| anyhow!("the generator of the feed failed; its message stands above"))?
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// Rows that ingest received, by its own books.
///
/// # Errors
/// Kafka does not answer, or the books cannot be read.
pub async fn received(kafka: &KafkaLink) -> anyhow::Result<u64> {
    let link = kafka.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut latest = std::collections::BTreeMap::new();
        whole::read(&link, "compare", topics::INGEST, |message| {
            let key = message.key().unwrap_or_default().to_vec();
            latest.insert(key, message.payload().unwrap_or_default().to_vec());
        })?;
        anyhow::Ok(latest)
    });
    let mut rows = 0;
    for value in read.await??.values() {
        let stored: Stored = serde_json::from_slice(value).context("reading ingest's books")?;
        rows += stored.received.rows;
    }
    Ok(rows)
}
