//! What is known of all shards of this process, for metrics and health.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hissa_links::health::Part;
use hissa_links::topics::USAGE;

use crate::metrics::Metrics;
use crate::wall_clock;
use crate::worker::Status;

/// The shards of this process; clones share it.
#[derive(Clone)]
pub struct Fleet {
    shards: Arc<Mutex<BTreeMap<u16, View>>>,
    metrics: Arc<Metrics>,
    part: Part,
}

#[derive(Debug, Default)]
struct View {
    status: Status,
    /// When the last applied entry was appended to the log, and when it was applied (UTC milliseconds).
    appended_at_ms: Option<i64>,
    applied_at_ms: Option<i64>,
    /// The offset behind the last entry of the log.
    log_end: Option<u64>,
    open: bool,
    halted: Option<String>,
}

impl Fleet {
    /// Without shards; `part` is their health.
    pub fn new(metrics: Arc<Metrics>, part: Part) -> Fleet {
        part.waiting("no partition is assigned yet");
        Fleet {
            shards: Arc::default(),
            metrics,
            part,
        }
    }

    /// The partitions that are this process's now; each waits for its snapshot.
    pub fn assigned(&self, partitions: &[u16]) {
        let mut shards = self.shards();
        for view in shards.values_mut() {
            view.open = false;
        }
        for partition in partitions {
            shards.entry(*partition).or_default();
        }
        self.judge(&shards);
    }

    /// The shard reads its log.
    pub fn opened(&self, partition: u16) {
        let mut shards = self.shards();
        shards.entry(partition).or_default().open = true;
        self.judge(&shards);
    }

    /// The shard has stopped.
    pub fn halted(&self, partition: u16, why: &str) {
        let mut shards = self.shards();
        shards.entry(partition).or_default().halted = Some(why.to_owned());
        self.judge(&shards);
    }

    /// The log's end has moved.
    pub fn log_end(&self, partition: u16, offset: u64) {
        if let Some(view) = self.shards().get_mut(&partition) {
            view.log_end = Some(offset);
        }
    }

    /// Takes note of how a shard stands, and tells Prometheus.
    pub fn update(&self, partition: u16, status: Status, appended_at_ms: Option<i64>) {
        let mut shards = self.shards();
        let view = shards.entry(partition).or_default();
        let now_ms = wall_clock::now_ms();
        if view.status.applied_offset != status.applied_offset || view.applied_at_ms.is_none() {
            view.applied_at_ms = Some(now_ms);
        }
        let clock_ms = status.clock_ms;
        view.status = status;
        view.appended_at_ms = appended_at_ms.or(view.appended_at_ms);
        let label = partition.to_string();
        if let Some(clock_ms) = clock_ms {
            self.metrics
                .shard_clock
                .with_label_values(&[&label])
                .set(seconds(clock_ms));
        }
        if let Some(applied_at_ms) = view.applied_at_ms {
            self.metrics
                .progress
                .with_label_values(&[USAGE, &label])
                .set(seconds(applied_at_ms));
        }
        self.metrics
            .lag
            .with_label_values(&[USAGE, &label])
            .set(lag_seconds(view, now_ms));
        self.sums(&shards);
    }

    /// What has no label of a partition is summed over all shards.
    fn sums(&self, shards: &BTreeMap<u16, View>) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let pending = shards.values().map(|view| view.status.facts_pending).sum();
        self.metrics
            .dirty_rows
            .with_label_values(&["shard"])
            .set(number(pending));
        let mut sims: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for view in shards.values() {
            if let Some(programme) = &view.status.programme {
                let (enrolled, held) = sims.entry(programme).or_default();
                *enrolled += view.status.sims.enrolled;
                *held += view.status.sims.held;
            }
        }
        for (programme, (enrolled, held)) in sims {
            for (state, count) in [("enrolled", enrolled), ("held", held)] {
                self.metrics
                    .sims
                    .with_label_values(&[programme, state])
                    .set(number(count));
            }
        }
    }

    /// A snapshot is on the disk.
    pub fn stored(&self, partition: u16) {
        self.metrics
            .snapshot
            .with_label_values(&[&partition.to_string()])
            .set(seconds(wall_clock::now_ms()));
    }

    fn judge(&self, shards: &BTreeMap<u16, View>) {
        let halted: Vec<String> = shards
            .iter()
            .filter_map(|(partition, view)| {
                let why = view.halted.as_ref()?;
                Some(format!("partition {partition} has halted: {why}"))
            })
            .collect();
        let closed = shards.values().filter(|view| !view.open).count();
        if !halted.is_empty() {
            self.part.failed(halted.join("; "));
        } else if shards.is_empty() {
            self.part.waiting("no partition is assigned yet");
        } else if closed > 0 {
            self.part.waiting(format!("{closed} partitions restore"));
        } else {
            self.part.ready();
        }
    }

    fn shards(&self) -> MutexGuard<'_, BTreeMap<u16, View>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The age of the last applied entry while others wait behind it.
fn lag_seconds(view: &View, now_ms: i64) -> f64 {
    let next = view.status.applied_offset.map_or(0, |applied| applied + 1);
    let waits = view.log_end.is_some_and(|end| next < end);
    match view.appended_at_ms.or(view.applied_at_ms) {
        Some(at_ms) if waits => seconds(now_ms.saturating_sub(at_ms).max(0)),
        _ => 0.0,
    }
}

/// Milliseconds as Prometheus counts; those of a century are exact in a float.
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
