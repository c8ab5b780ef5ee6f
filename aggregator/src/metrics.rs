//! What Prometheus sees of the aggregator. Label sets are created at 0; no label names a SIM or a school.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hissa_core::decision::Action;
use hissa_core::facts::Flag;
use hissa_core::outcome::Outcome;
use hissa_core::registry::Class;
use hissa_core::shard::{Discrepancy, LOGIC, Tallies};
use hissa_core::sim::FeedId;
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts,
    Registry,
};

use crate::clickhouse::{Fault, Table};
use crate::worker::FlagTally;

/// The metrics of one process.
pub struct Metrics {
    /// What `/metrics` gathers from.
    pub registry: Registry,
    records: IntCounterVec,
    usage_bytes: IntCounterVec,
    flagged: IntCounterVec,
    leaked_bytes: IntCounterVec,
    discrepancies: IntGaugeVec,
    feeds: Mutex<BTreeSet<FeedId>>,
    decisions: IntCounterVec,
    /// From the log's append of the entry that caused it to the broker's acknowledgement of the decision.
    pub decision_latency: Histogram,
    pub insert_duration: HistogramVec,
    insert_failures: IntCounterVec,
    /// Rows that the sink holds, by table, and those that still wait in the shards (`table="shard"`).
    pub dirty_rows: IntGaugeVec,
    pub lag: GaugeVec,
    pub progress: GaugeVec,
    pub shard_clock: GaugeVec,
    pub snapshot: GaugeVec,
    pub sims: IntGaugeVec,
}

/// Makes a metric and puts it into the registry.
fn add<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> prometheus::Result<M> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

impl Metrics {
    /// All metrics, at 0.
    ///
    /// # Errors
    /// A name is used twice; then no process of this build starts.
    pub fn new() -> prometheus::Result<Metrics> {
        let registry = Registry::new();
        let r = &registry;
        let counters =
            |name, help, labels: &[&str]| add(r, IntCounterVec::new(Opts::new(name, help), labels));
        let gauges =
            |name, help, labels: &[&str]| add(r, GaugeVec::new(Opts::new(name, help), labels));
        let int_gauges =
            |name, help, labels: &[&str]| add(r, IntGaugeVec::new(Opts::new(name, help), labels));
        let partition = ["topic", "partition"];
        let latency = HistogramOpts::new(
            "hissa_decision_latency_seconds",
            "From the append of the causing entry to the acknowledgement of the decision.",
        )
        .buckets(vec![
            0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0,
        ]);
        let inserts = HistogramOpts::new(
            "hissa_clickhouse_insert_duration_seconds",
            "Time of an insert that succeeded.",
        )
        .buckets(vec![
            0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
        ]);
        let metrics = Metrics {
            records: counters(
                "hissa_records_total",
                "Rows by their outcome, as this process applied them.",
                &["feed", "outcome", "reason"],
            )?,
            usage_bytes: counters(
                "hissa_usage_bytes_total",
                "Bytes both ways by outcome and class of traffic; class is empty where nobody asked for it.",
                &["feed", "outcome", "class"],
            )?,
            flagged: counters(
                "hissa_flagged_records_total",
                "Rows with something to be said about them beside their outcome: what a counter did, or a leak.",
                &["feed", "flag"],
            )?,
            leaked_bytes: counters(
                "hissa_leaked_bytes_total",
                "Bytes both ways that were used behind a block.",
                &["class"],
            )?,
            discrepancies: int_gauges(
                "hissa_balance_discrepancy_records",
                "Rows by which outcomes and Progress differed since this process began.",
                &["feed"],
            )?,
            feeds: Mutex::default(),
            decisions: counters(
                "hissa_decisions_total",
                "Decisions sent to hissa.decisions.",
                &["class", "action"],
            )?,
            decision_latency: add(r, Histogram::with_opts(latency))?,
            insert_duration: add(r, HistogramVec::new(inserts, &["table"]))?,
            insert_failures: counters(
                "hissa_clickhouse_insert_failures_total",
                "Inserts that failed: passing ones are tried again, lasting ones stop the sink.",
                &["table", "kind"],
            )?,
            dirty_rows: int_gauges(
                "hissa_dirty_rows",
                "Rows that ClickHouse has not acknowledged: held by the sink, by table; waiting in the shards, table=\"shard\".",
                &["table"],
            )?,
            lag: gauges(
                "hissa_consumer_lag_seconds",
                "Age of the last applied entry while entries wait behind it; 0 at the end of the log.",
                &partition,
            )?,
            progress: gauges(
                "hissa_partition_progress_timestamp_seconds",
                "When an entry of the partition was last applied.",
                &partition,
            )?,
            shard_clock: gauges(
                "hissa_shard_clock_timestamp_seconds",
                "The shard's clock: the largest delivery time it has seen.",
                &["partition"],
            )?,
            snapshot: gauges(
                "hissa_snapshot_timestamp_seconds",
                "When the newest snapshot of the shard was stored.",
                &["partition"],
            )?,
            sims: int_gauges(
                "hissa_sims",
                "SIMs that the shards know.",
                &["programme", "state"],
            )?,
            registry,
        };
        metrics.create_at_zero()?;
        Ok(metrics)
    }

    fn create_at_zero(&self) -> prometheus::Result<()> {
        for table in Table::ALL.map(Table::name) {
            self.insert_duration.with_label_values(&[table]);
            self.dirty_rows.with_label_values(&[table]);
            for fault in [Fault::Passing, Fault::Lasting] {
                self.insert_failures
                    .with_label_values(&[table, fault.as_str()]);
            }
        }
        self.dirty_rows.with_label_values(&["shard"]);
        for class in [Class::Education, Class::Other, Class::System] {
            for action in [Action::Allow, Action::Block, Action::Throttle { kbit_s: 0 }] {
                self.decisions
                    .with_label_values(&[class.as_str(), action.as_str()]);
            }
        }
        for class in Flag::ALL.into_iter().filter_map(leaked) {
            self.leaked_bytes.with_label_values(&[class.as_str()]);
        }
        let opts = Opts::new("hissa_build_info", "The build: 1.")
            .const_label("version", env!("CARGO_PKG_VERSION"))
            .const_label("logic", LOGIC.to_string());
        add(&self.registry, Gauge::with_opts(opts))?.set(1.0);
        Ok(())
    }

    /// Adds the outcomes of an entry.
    pub fn tally(&self, tallies: &Tallies) {
        for tally in tallies.iter() {
            self.know(tally.feed);
            let feed = tally.feed.as_str();
            let (outcome, reason) = (tally.outcome.as_str(), tally.outcome.reason());
            self.records
                .with_label_values(&[feed, outcome, reason])
                .inc_by(tally.records);
            let class = tally.class.map_or("", Class::as_str);
            self.usage_bytes
                .with_label_values(&[feed, outcome, class])
                .inc_by(tally.bytes);
        }
    }

    /// Adds rows with something to be said about them.
    pub fn flagged(&self, of: FlagTally) {
        self.know(of.feed);
        self.flagged
            .with_label_values(&[of.feed.as_str(), of.flag.as_str()])
            .inc_by(of.records);
        if let Some(class) = leaked(of.flag) {
            self.leaked_bytes
                .with_label_values(&[class.as_str()])
                .inc_by(of.bytes);
        }
    }

    /// Adds a difference between the books.
    pub fn discrepancy(&self, found: &Discrepancy) {
        self.know(found.source.feed);
        // Where bytes alone differ, a row stands for them: the gauge must not stay at 0.
        let rows = found.promised_rows.abs_diff(found.found_rows).max(1);
        self.discrepancies
            .with_label_values(&[found.source.feed.as_str()])
            .add(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    /// Counts a decision that was sent.
    pub fn decision(&self, class: Class, action: Action) {
        self.decisions
            .with_label_values(&[class.as_str(), action.as_str()])
            .inc();
    }

    /// Counts an insert that failed.
    pub fn insert_failed(&self, table: Table, fault: Fault) {
        self.insert_failures
            .with_label_values(&[table.name(), fault.as_str()])
            .inc();
    }

    /// Creates the label sets of a feed when it is first heard of.
    fn know(&self, feed: FeedId) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if !feeds.insert(feed) {
            return;
        }
        for outcome in Outcome::all() {
            self.records
                .with_label_values(&[feed.as_str(), outcome.as_str(), outcome.reason()]);
        }
        for flag in Flag::ALL {
            self.flagged
                .with_label_values(&[feed.as_str(), flag.as_str()]);
        }
        for outcome in [Outcome::Counted, Outcome::Late, Outcome::Held] {
            for class in Class::ALL {
                self.usage_bytes.with_label_values(&[
                    feed.as_str(),
                    outcome.as_str(),
                    class.as_str(),
                ]);
            }
        }
        self.discrepancies.with_label_values(&[feed.as_str()]);
    }
}

/// The class whose block a flag says was of no effect.
fn leaked(flag: Flag) -> Option<Class> {
    match flag {
        Flag::LeakedEducation => Some(Class::Education),
        Flag::LeakedOther => Some(Class::Other),
        Flag::Sentinel | Flag::LateReading | Flag::Wrap | Flag::Reset => None,
    }
}

#[cfg(test)]
mod tests;
