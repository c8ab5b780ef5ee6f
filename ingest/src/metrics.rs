//! Ingest's metrics. All label sets exist from the start, at 0.

use hissa_core::outcome::RejectReason;
use hissa_core::sim::FeedId;
use prometheus::{
    Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::source::batch::Batch;

/// The families.
#[derive(Clone)]
pub struct Metrics {
    received_records: IntCounterVec,
    received_wire_bytes: IntCounterVec,
    rejected_records: IntCounterVec,
    in_flight_records: IntGaugeVec,
    last_record_timestamp: GaugeVec,
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
        };
        registry.register(Box::new(metrics.received_records.clone()))?;
        registry.register(Box::new(metrics.received_wire_bytes.clone()))?;
        registry.register(Box::new(metrics.rejected_records.clone()))?;
        registry.register(Box::new(metrics.in_flight_records.clone()))?;
        registry.register(Box::new(metrics.last_record_timestamp.clone()))?;
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
            played,
        }
    }
}

impl FeedMetrics {
    /// Silence is measured from the start of the service, until the first record comes.
    pub fn begins(&self, now_ms: i64) {
        self.last_record_timestamp.set(now_ms as f64 / 1_000.0);
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
    }
}
