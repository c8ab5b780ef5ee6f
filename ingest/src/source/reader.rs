//! Messages of a feed become a batch: checked against the stored position, admitted, decoded, made into rows. Without
//! Kafka and without a clock.

use std::collections::BTreeMap;

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::usage::{Source, UsageRow};
use sha2::{Digest as _, Sha256};

use super::batch::{Batch, Quiet, Reached};
use crate::admit::Admission;
use crate::config::Feed;
use crate::decode::{Message, json};
use crate::halt::{Halt, Place};
use crate::node_sequence::Numbered;
use crate::reject::Rejected;
use crate::rows;

/// Rows of a batch at the most (but for the last record's): with 16 partitions, frames of 180 kB.
pub const BATCH_ROWS_MAX: usize = 16_000;
/// Bytes of messages of a batch at the most (but for the last message): it bounds the memory.
const BATCH_BYTES_MAX: u64 = 32 << 20;

/// A message of the carrier.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    pub partition: u32,
    pub offset: u64,
    /// The Kafka timestamp, if it has one.
    pub delivered_at_ms: Option<i64>,
    pub payload: &'a [u8],
}

/// The record at which ingest stood, to be found again at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub offset: u64,
    pub sha256: String,
}

/// The batch of one feed that is being filled.
pub struct Reader {
    feed: Feed,
    pseudonyms: Pseudonymizer,
    admission: Admission,
    expected: BTreeMap<u32, Expected>,
    batch: Batch,
    reached: BTreeMap<u32, Open>,
}

/// How far a partition has got in the open batch.
#[derive(Default)]
struct Open {
    position: u64,
    records: u64,
    delivered_at_ms: Option<i64>,
    /// The last message, of which the hash is taken when the batch is finished.
    message: Vec<u8>,
}

impl Reader {
    /// With the records that must be found again, by partition.
    pub fn new(
        feed: Feed,
        pseudonyms: Pseudonymizer,
        admission: Admission,
        expected: BTreeMap<u32, Expected>,
    ) -> Reader {
        Reader {
            feed,
            pseudonyms,
            admission,
            expected,
            batch: Batch::default(),
            reached: BTreeMap::new(),
        }
    }

    /// Takes the next message. `now_ms` is ingest's own clock, not older than the batch.
    ///
    /// # Errors
    /// The feed must halt at this message. The batch holds what may still be published.
    pub fn take(&mut self, message: Incoming<'_>, now_ms: i64) -> Result<(), Halt> {
        let topic = &self.feed.topic;
        let place = || Place {
            topic: topic.clone(),
            partition: message.partition,
            offset: message.offset,
        };
        if let Some(expected) = self.expected.remove(&message.partition) {
            return self.verify(&expected, message);
        }
        let Some(delivered_at_ms) = message.delivered_at_ms else {
            return Err(Halt::NoDeliveryTime {
                feed: self.feed.id,
                place: place(),
            });
        };
        self.admission.time(delivered_at_ms, now_ms, place)?;
        self.admission.order(delivered_at_ms, place)?;
        let source = Source {
            feed: self.feed.id,
            epoch: self.feed.epoch,
            partition: message.partition,
        };
        let first = self.batch.rows.len();
        let is_record = match json::decode(message.payload) {
            Ok(Message::Quiet { until_ms }) => {
                self.admission.time(until_ms, now_ms, place)?;
                self.admission.quiet(until_ms);
                self.batch.quiet = Some(Quiet { source, until_ms });
                false
            }
            Ok(Message::Record(record)) => {
                rows::append(
                    &mut self.batch.rows,
                    &record,
                    source,
                    message.offset,
                    delivered_at_ms,
                    &self.pseudonyms,
                );
                self.batch
                    .numbered
                    .extend(record.node_sequence.map(|number| Numbered {
                        source,
                        offset: message.offset,
                        delivered_at_ms,
                        node: record.node,
                        number,
                    }));
                true
            }
            Err(fault) => {
                let stub = UsageRow::stub(source, message.offset, delivered_at_ms, fault.reason);
                self.batch.rows.push(stub);
                let sha256 = Sha256::digest(message.payload);
                let rejected =
                    Rejected::new(source, message.offset, delivered_at_ms, fault, &sha256);
                self.batch.rejected.push(rejected);
                true
            }
        };
        if let Err(halt) = self.admission.rows(&self.batch.rows[first..], place) {
            self.batch = Batch::default();
            self.reached.clear();
            return Err(halt);
        }
        self.batch.wire_bytes += message.payload.len() as u64;
        let open = self.reached.entry(message.partition).or_default();
        open.position = message.offset + 1;
        open.message.clear();
        open.message.extend_from_slice(message.payload);
        if is_record {
            open.records += 1;
            open.delivered_at_ms = open.delivered_at_ms.max(Some(delivered_at_ms));
        }
        Ok(())
    }

    /// Notes that a partition has nothing (more): then nothing is left to be found again in it.
    ///
    /// # Errors
    /// The record at which ingest stood is not there.
    pub fn at_end(&mut self, partition: u32) -> Result<(), Halt> {
        match self.expected.remove(&partition) {
            None => Ok(()),
            Some(expected) => Err(self.made_anew(
                partition,
                expected.offset,
                "there is no record at this offset",
            )),
        }
    }

    /// Whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.reached.is_empty()
    }

    /// Whether the batch must be handed over before more is taken.
    pub fn is_full(&self) -> bool {
        self.batch.rows.len() >= BATCH_ROWS_MAX
            || self.batch.wire_bytes >= BATCH_BYTES_MAX
            || self.batch.quiet.is_some()
    }

    /// Hands the batch over.
    pub fn finish(&mut self) -> Batch {
        // The next batch will likely be as large.
        let rows = Vec::with_capacity(self.batch.rows.len());
        let mut batch = std::mem::replace(
            &mut self.batch,
            Batch {
                rows,
                ..Batch::default()
            },
        );
        let reached = std::mem::take(&mut self.reached);
        batch.reached = reached
            .into_iter()
            .map(|(partition, open)| Reached {
                source: Source {
                    feed: self.feed.id,
                    epoch: self.feed.epoch,
                    partition,
                },
                position: open.position,
                sha256: Sha256::digest(&open.message).into(),
                records: open.records,
                delivered_at_ms: open.delivered_at_ms,
            })
            .collect();
        batch
    }

    fn verify(&self, expected: &Expected, message: Incoming<'_>) -> Result<(), Halt> {
        let found = hex::encode(Sha256::digest(message.payload));
        if message.offset != expected.offset {
            let found = "there is no record at this offset";
            Err(self.made_anew(message.partition, expected.offset, found))
        } else if found != expected.sha256 {
            let found = "another record is there than the one that was published";
            Err(self.made_anew(message.partition, expected.offset, found))
        } else {
            Ok(())
        }
    }

    fn made_anew(&self, partition: u32, offset: u64, found: &str) -> Halt {
        Halt::MadeAnew {
            feed: self.feed.id,
            place: Place {
                topic: self.feed.topic.clone(),
                partition,
                offset,
            },
            found: found.into(),
        }
    }
}
