//! The one producer of the process: idempotent and without gaps. A message that is given up ends the process, for what
//! stands behind it must not be stored.

use hissa_core::wire::{HEADER_ENTRY, HEADER_VERSION};
use hissa_links::kafka::KafkaLink;
use hissa_links::{LinkError, topics};
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use std::time::Duration;
use tokio::sync::mpsc;

use crate::halt::Halt;
use crate::position;
use crate::publish::Command;

/// What became of a message.
#[derive(Debug)]
pub enum Delivery {
    /// The broker has it, and so have its replicas.
    Arrived { ticket: u64 },
    /// It never will.
    Lost(Halt),
}

/// The opaque number of messages that nobody waits for.
const NO_TICKET: usize = usize::MAX;

struct Deliveries {
    events: mpsc::UnboundedSender<Delivery>,
}

impl Deliveries {
    fn lost(&self, topic: &str, why: String) {
        let topic = topic.to_owned();
        // Nobody listens once ingest has ended, and then nothing more is stored either.
        let _ = self
            .events
            .send(Delivery::Lost(Halt::Delivery { topic, why }));
    }
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        match error {
            KafkaError::Global(RDKafkaErrorCode::Fatal) => self.lost("hissa.*", reason.to_owned()),
            _ => tracing::warn!(%error, reason, "Kafka; ingest waits, and loses nothing"),
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        match result {
            Ok(_) if ticket == NO_TICKET => {}
            Ok(_) => {
                // As above.
                let _ = self.events.send(Delivery::Arrived {
                    ticket: ticket as u64,
                });
            }
            Err((error, message)) => self.lost(message.topic(), error.to_string()),
        }
    }
}

/// Writes commands of the publisher to their topics.
#[derive(Clone)]
pub struct Writer {
    producer: ThreadedProducer<Deliveries>,
}

impl Writer {
    /// Connects; deliveries are told to `events`.
    ///
    /// # Errors
    /// The link's properties are not usable.
    pub fn connect(
        link: &KafkaLink,
        events: mpsc::UnboundedSender<Delivery>,
    ) -> Result<Writer, LinkError> {
        let mut config = link.gapless("ingest")?;
        // A block may hold a command that is larger than others' messages; the topic allows 2 MB.
        config.set("message.max.bytes", "2000000");
        let producer = config.create_with_context(Deliveries { events });
        let producer = producer.map_err(|why| LinkError::KafkaProperties {
            role: "ingest".into(),
            why: why.to_string(),
        })?;
        Ok(Writer { producer })
    }

    /// Hands a command to the producer, and waits while its queue is full.
    ///
    /// # Errors
    /// The message can never be written.
    pub async fn write(&self, command: &Command) -> Result<(), Halt> {
        match command {
            Command::Entry {
                ticket,
                partition,
                kind,
                payload,
            } => {
                let header = |key, value| Header {
                    key,
                    value: Some(value),
                };
                let headers = OwnedHeaders::new_with_capacity(2)
                    .insert(header(HEADER_ENTRY, kind.as_str()))
                    .insert(header(HEADER_VERSION, kind.version()));
                let record =
                    BaseRecord::<(), [u8], usize>::with_opaque_to(topics::USAGE, opaque(*ticket))
                        .partition(i32::from(*partition))
                        .headers(headers)
                        .payload(payload.bytes());
                self.send(record).await
            }
            Command::Rejected { ticket, rejected } => {
                let text = json(rejected);
                let record = BaseRecord::<(), [u8], usize>::with_opaque_to(
                    topics::REJECTED,
                    opaque(*ticket),
                )
                .partition(0)
                .payload(&text);
                self.send(record).await
            }
            Command::Store { source, stored } => {
                let (key, text) = (position::key(source), json(stored));
                let record =
                    BaseRecord::<str, [u8], usize>::with_opaque_to(topics::INGEST, NO_TICKET)
                        .partition(0)
                        .key(&key)
                        .payload(&text);
                self.send(record).await
            }
        }
    }

    async fn send<K: rdkafka::message::ToBytes + ?Sized>(
        &self,
        mut record: BaseRecord<'_, K, [u8], usize>,
    ) -> Result<(), Halt> {
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err((error, back)) => {
                    return Err(Halt::Delivery {
                        topic: back.topic.to_owned(),
                        why: error.to_string(),
                    });
                }
            }
        }
    }

    /// Waits until the producer has nothing left to send. Blocks.
    ///
    /// # Errors
    /// The time was over before.
    pub fn flush(&self, within: Duration) -> Result<(), KafkaError> {
        self.producer.flush(within)
    }
}

/// Tickets count from 0 and never reach the number that stands for none.
fn opaque(ticket: u64) -> usize {
    usize::try_from(ticket).unwrap_or(NO_TICKET)
}

/// JSON of our own plain types, none of which can fail to be written.
fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(text) => text,
        Err(error) => unreachable!("a value of our own is not JSON: {error}"),
    }
}
