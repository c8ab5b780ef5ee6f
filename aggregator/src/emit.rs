//! Decisions and alert changes on their way to Kafka: one idempotent producer without gaps for the whole process.
//!
//! A message that cannot be delivered ends the process: after it, later ones must not arrive. The shards are restored
//! from their snapshots then, and send it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hissa_core::alert::AlertChange;
use hissa_core::decision::Decision;
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::IdentifierError;
use hissa_links::kafka::KafkaLink;
use hissa_links::{LinkError, topics};
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use serde::Serialize;

use crate::fatal::Fatal;
use crate::metrics::Metrics;
use crate::wall_clock;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    #[error(
        "a message to {topic}[{partition}] could not be delivered ({why}); the process ends, and sends it again after its restart"
    )]
    Undelivered {
        topic: &'static str,
        partition: i32,
        why: KafkaError,
    },
    #[error(
        "Kafka's producer has failed for good ({0}); the process ends, and goes on after its restart"
    )]
    Producer(String),
    #[error(
        "decision {number} of partition {partition} cannot be written for the carrier: {why}; set `key_file` to the key that ingest and import use"
    )]
    Key {
        partition: u16,
        number: u64,
        why: IdentifierError,
    },
    #[error("a message to {topic}[{partition}] cannot be written as JSON: {why}")]
    Json {
        topic: &'static str,
        partition: u16,
        why: serde_json::Error,
    },
}

/// What the broker has acknowledged of one worker's messages. In order and without gaps, so that counts say all.
#[derive(Debug, Default)]
pub struct BrokerCounts {
    decisions: AtomicU64,
    alerts: AtomicU64,
}

impl BrokerCounts {
    /// Decisions and alert changes, since the worker began.
    pub fn now(&self) -> (u64, u64) {
        (
            self.decisions.load(Ordering::Acquire),
            self.alerts.load(Ordering::Acquire),
        )
    }
}

enum Kind {
    Decision { appended_at_ms: i64 },
    Alert,
}

/// Travels with a message, and comes back with its acknowledgement.
struct Receipt {
    counts: Arc<BrokerCounts>,
    kind: Kind,
}

struct Context {
    fatal: Fatal,
    metrics: Arc<Metrics>,
}

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.fatal
                .report(EmitError::Producer(reason.to_owned()).into());
        } else {
            tracing::warn!(%error, reason, "Kafka's producer");
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Receipt>;

    fn delivery(&self, result: &DeliveryResult<'_>, receipt: Box<Receipt>) {
        let topic = match receipt.kind {
            Kind::Decision { .. } => topics::DECISIONS,
            Kind::Alert => topics::ALERTS,
        };
        if let Err((why, message)) = result {
            use rdkafka::Message as _;
            return self.fatal.report(
                EmitError::Undelivered {
                    topic,
                    partition: message.partition(),
                    why: why.clone(),
                }
                .into(),
            );
        }
        match receipt.kind {
            Kind::Decision { appended_at_ms } => {
                let waited_ms = wall_clock::now_ms().saturating_sub(appended_at_ms).max(0);
                // Milliseconds of a few days are exact in a float.
                self.metrics
                    .decision_latency
                    .observe(Duration::from_millis(waited_ms.unsigned_abs()).as_secs_f64());
                receipt.counts.decisions.fetch_add(1, Ordering::Release);
            }
            Kind::Alert => {
                receipt.counts.alerts.fetch_add(1, Ordering::Release);
            }
        }
    }
}

/// The producer, shared by all shard threads.
#[derive(Clone)]
pub struct Emitter {
    producer: ThreadedProducer<Context>,
    key: Pseudonymizer,
    metrics: Arc<Metrics>,
    abandoned: Arc<AtomicBool>,
}

/// A decision as the carrier reads it. The only place where a pseudonym becomes an IMSI again.
#[derive(Serialize)]
struct Order<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    imsi: String,
}

impl Emitter {
    /// Makes the producer. Failures of its messages go to `fatal`.
    ///
    /// # Errors
    /// The Kafka properties are not usable.
    pub fn new(
        link: &KafkaLink,
        key: Pseudonymizer,
        metrics: Arc<Metrics>,
        fatal: Fatal,
    ) -> Result<Emitter, LinkError> {
        let context = Context {
            fatal,
            metrics: metrics.clone(),
        };
        let producer =
            ThreadedProducer::from_config_and_context(&link.gapless("aggregator")?, context)
                .map_err(|why| LinkError::KafkaProperties {
                    role: "aggregator".into(),
                    why: why.to_string(),
                })?;
        Ok(Emitter {
            producer,
            key,
            metrics,
            abandoned: Arc::default(),
        })
    }

    /// Sends a decision into its partition, keyed by the SIM's pseudonym.
    ///
    /// # Errors
    /// The SIM's pseudonym was made with another key.
    pub fn decision(
        &self,
        decision: &Decision,
        appended_at_ms: i64,
        counts: &Arc<BrokerCounts>,
    ) -> Result<(), EmitError> {
        let imsi = self
            .key
            .imsi(&decision.sim)
            .map_err(|why| EmitError::Key {
                partition: decision.partition,
                number: decision.number,
                why,
            })?
            .reveal();
        self.metrics.decision(decision.class, decision.action);
        self.send(
            topics::DECISIONS,
            decision.partition,
            &decision.sim.to_string(),
            &Order { decision, imsi },
            Receipt {
                counts: counts.clone(),
                kind: Kind::Decision { appended_at_ms },
            },
        )
    }

    /// Sends a change of an alert into its shard's partition, keyed by the alert's id.
    ///
    /// # Errors
    /// None that can be mended; see [`EmitError`].
    pub fn alert(&self, alert: &AlertChange, counts: &Arc<BrokerCounts>) -> Result<(), EmitError> {
        self.send(
            topics::ALERTS,
            alert.partition,
            &alert.id,
            alert,
            Receipt {
                counts: counts.clone(),
                kind: Kind::Alert,
            },
        )
    }

    fn send<T: Serialize>(
        &self,
        topic: &'static str,
        partition: u16,
        key: &str,
        value: &T,
        receipt: Receipt,
    ) -> Result<(), EmitError> {
        let payload = serde_json::to_vec(value).map_err(|why| EmitError::Json {
            topic,
            partition,
            why,
        })?;
        let mut record = BaseRecord::with_opaque_to(topic, Box::new(receipt))
            .partition(partition.into())
            .key(key)
            .payload(&payload);
        // After the first message that is left out, no other may follow it.
        while !self.abandoned.load(Ordering::Acquire) {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                // The broker is away or slow: the shard's thread waits, and back-pressure does the rest.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    record = again;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((why, _)) => {
                    return Err(EmitError::Undelivered {
                        topic,
                        partition: partition.into(),
                        why,
                    });
                }
            }
        }
        Ok(())
    }

    /// Sends nothing any more: the process ends, and what was not acknowledged is sent again after its restart.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// Waits until all is acknowledged, or the time is over.
    pub fn flush(&self, within: Duration) {
        if let Err(why) = self.producer.flush(within) {
            tracing::warn!(%why, "not all decisions were acknowledged before the end; they are sent again after the restart");
        }
    }
}
