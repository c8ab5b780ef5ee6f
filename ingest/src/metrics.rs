//! Ingest's metrics. All label sets exist from the start, at 0.

use hissa_core::outcome::RejectReason;
use hissa_core::sim::FeedId;
use prometheus::{
    Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::node_sequence::Found;
use crate::source::batch::Batch;

/// The families.
#[derive(Clone)]
pub struct Metrics {
    received_records: IntCounterVec,
    received_wire_bytes: IntCounterVec,
    rejected_records: IntCounterVec,
    in_flight_records: IntGaugeVec,
    last_record_timestamp: GaugeVec,
    missing_sequences: IntCounterVec,
    repeated_sequences: IntCounterVec,
    sequence_holes: IntGaugeVec,
}

/// Those of one feed.
#[derive(Clone)]
pub struct FeedMetrics {
    /// `hissa_received_records_total`: messages read from the carrier's topic, quiet ones left out.
    received_records: IntCounter,
    /// `hissa_received_wire_bytes_total`: their bytes.
    received_wire_bytes: IntCounter,
    /// `hissa_rejected_records_total`, by the reason's code less one.
    rejected_records: Vec<IntCounter>,
    /// `hissa_in_flight_records`: read, and not yet behind the stored position.
    pub in_flight_records: IntGauge,
    /// `hissa_feed_last_record_timestamp_seconds`: of a live feed the last delivery time, of a played one the time at
    /// which it arrived here.
    last_record_timestamp: Gauge,
    /// `hissa_feed_missing_sequences_total`: numbers of the feed's nodes that did not come within seven days.
    missing_sequences: IntCounter,
    /// `hissa_feed_repeated_sequences_total`: records with a number that had come before.
    repeated_sequences: IntCounter,
    /// `hissa_feed_sequence_holes`: stretches of numbers that are still awaited.
    sequence_holes: IntGauge,
    played: bool,
}

impl Metrics {
    /// Registers the families.
    ///
    /// # Errors
    /// A name is registered already.
    pub fn new(registry: &Registry) -> Result<Metrics, prometheus::Error> {
        let metrics = Metrics {
            received_records: IntCounterVec::new(
                Opts::new(
                    "hissa_received_records_total",
                    "Records read from the carrier's topic",
                ),
                &["feed"],
            )?,
            received_wire_bytes: IntCounterVec::new(
                Opts::new(
                    "hissa_received_wire_bytes_total",
                    "Bytes of the messages read",
                ),
                &["feed"],
            )?,
            rejected_records: IntCounterVec::new(
                Opts::new(
                    "hissa_rejected_records_total",
                    "Records that could not be decoded",
                ),
                &["feed", "reason"],
            )?,
            in_flight_records: IntGaugeVec::new(
                Opts::new(
                    "hissa_in_flight_records",
                    "Records read whose position is not stored yet",
                ),
                &["feed"],
            )?,
            last_record_timestamp: GaugeVec::new(
                Opts::new(
                    "hissa_feed_last_record_timestamp_seconds",
                    "Delivery time of a live feed's last record, time of arrival of a played feed's",
                ),
                &["feed"],
            )?,
            missing_sequences: IntCounterVec::new(
                Opts::new(
                    "hissa_feed_missing_sequences_total",
                    "Numbers of the nodes' own sequences that did not come within seven days of delivery time",
                ),
                &["feed"],
            )?,
            repeated_sequences: IntCounterVec::new(
                Opts::new(
                    "hissa_feed_repeated_sequences_total",
                    "Records with a number of their node's own sequence that had come before",
                ),
                &["feed"],
            )?,
            sequence_holes: IntGaugeVec::new(
                Opts::new(
                    "hissa_feed_sequence_holes",
                    "Holes in the nodes' own sequences that may still be filled",
                ),
                &["feed"],
            )?,
        };
        registry.register(Box::new(metrics.received_records.clone()))?;
        registry.register(Box::new(metrics.received_wire_bytes.clone()))?;
        registry.register(Box::new(metrics.rejected_records.clone()))?;
        registry.register(Box::new(metrics.in_flight_records.clone()))?;
        registry.register(Box::new(metrics.last_record_timestamp.clone()))?;
        registry.register(Box::new(metrics.missing_sequences.clone()))?;
        registry.register(Box::new(metrics.repeated_sequences.clone()))?;
        registry.register(Box::new(metrics.sequence_holes.clone()))?;
        Ok(metrics)
    }

    /// A feed's own, at 0.
    pub fn feed(&self, feed: FeedId, played: bool) -> FeedMetrics {
        let label = feed.as_str();
        let rejected = |reason: RejectReason| {
            self.rejected_records
                .with_label_values(&[label, reason.as_str()])
        };
        FeedMetrics {
            received_records: self.received_records.with_label_values(&[label]),
            received_wire_bytes: self.received_wire_bytes.with_label_values(&[label]),
            rejected_records: RejectReason::ALL.into_iter().map(rejected).collect(),
            in_flight_records: self.in_flight_records.with_label_values(&[label]),
            last_record_timestamp: self.last_record_timestamp.with_label_values(&[label]),
            missing_sequences: self.missing_sequences.with_label_values(&[label]),
            repeated_sequences: self.repeated_sequences.with_label_values(&[label]),
            sequence_holes: self.sequence_holes.with_label_values(&[label]),
            played,
        }
    }
}

impl FeedMetrics {
    /// Silence is measured from the start of the service, until the first record comes.
    pub fn begins(&self, now_ms: i64) {
        self.last_record_timestamp.set(now_ms as f64 / 1_000.0);
    }

    /// Tells what was found in the nodes' numbers since the start, and how many holes are open.
    pub fn node_sequences(&self, found: Found, holes: usize) {
        let (missing, repeated) = (&self.missing_sequences, &self.repeated_sequences);
        missing.inc_by(found.missing.saturating_sub(missing.get()));
        repeated.inc_by(found.repeated.saturating_sub(repeated.get()));
        self.sequence_holes
            .set(i64::try_from(holes).unwrap_or(i64::MAX));
    }

    /// Counts what was read.
    pub fn batch(&self, batch: &Batch, now_ms: i64) {
        self.received_records.inc_by(batch.records());
        self.received_wire_bytes.inc_by(batch.wire_bytes);
        for rejected in &batch.rejected {
            let place = usize::from(rejected.reason.code()) - 1;
            self.rejected_records[place].inc();
        }
        let delivered = batch
            .reached
            .iter()
            .filter_map(|reached| reached.delivered_at_ms)
            .max();
        if let Some(delivered_at_ms) = delivered {
            let at_ms = if self.played { now_ms } else { delivered_at_ms };
            // Milliseconds of our centuries are exact in 53 bits.
            self.last_record_timestamp.set(at_ms as f64 / 1_000.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_set_is_there_before_the_first_record() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let feed = metrics.feed(FeedId::parse("pgw").unwrap(), false);
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        for line in [
            "hissa_received_records_total{feed=\"pgw\"} 0",
            "hissa_received_wire_bytes_total{feed=\"pgw\"} 0",
            "hissa_rejected_records_total{feed=\"pgw\",reason=\"malformed_json\"} 0",
            "hissa_rejected_records_total{feed=\"pgw\",reason=\"too_large\"} 0",
            "hissa_in_flight_records{feed=\"pgw\"} 0",
            "hissa_feed_missing_sequences_total{feed=\"pgw\"} 0",
            "hissa_feed_repeated_sequences_total{feed=\"pgw\"} 0",
            "hissa_feed_sequence_holes{feed=\"pgw\"} 0",
            "hissa_feed_last_record_timestamp_seconds{feed=\"pgw\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        feed.batch(
            &Batch {
                wire_bytes: 7,
                ..Batch::default()
            },
            0,
        );
        assert_eq!(feed.received_wire_bytes.get(), 7);
        for (missing, repeated, holes) in [(1, 2, 3u8), (4, 2, 0)] {
            feed.node_sequences(Found { missing, repeated }, holes.into());
            let told = (feed.missing_sequences.get(), feed.repeated_sequences.get());
            assert_eq!(told, (missing, repeated));
            assert_eq!(feed.sequence_holes.get(), i64::from(holes));
        }
    }
}
