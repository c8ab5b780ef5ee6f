//! The registry's thread: `hissa.registry` as it grows, with the time up to which it is known to be whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hissa_core::registry::{Command, Entered, Revision};
use hissa_core::sim::FeedId;
use hissa_links::kafka::KafkaLink;
use hissa_links::{LinkError, stop::Stop, topics};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use crate::clock::now_ms;
use crate::halt::Halt;

/// Revisions handed over at one go at the most.
const REVISIONS_MAX: usize = 10_000;
/// How often the registry's end is asked for.
const ASK: Duration = Duration::from_millis(500);
/// How long Kafka may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What the registry's thread says.
#[derive(Debug)]
pub enum RegistryEvent {
    /// The next revisions; all there were at a time of ingest's clock, where one is told.
    Read {
        revisions: Vec<Revision>,
        whole_at_ms: Option<i64>,
    },
    /// The registry cannot be copied; the thread has ended.
    Halted(Halt),
}

/// Tolerances by feed, in milliseconds, as the registry says; feeds' threads read them.
pub type Tolerances = BTreeMap<FeedId, Arc<AtomicU32>>;

/// Entry times along the registry (`docs/semantics.md`, T3): none is before the one that stands before it, whoever wrote
/// them. So a command that waits for the one before it comes at one time in every partition, also in those that do not
/// get that one.
#[derive(Debug, Default)]
pub struct EntryTimes(Option<i64>);

impl EntryTimes {
    /// Takes the next command, and lifts its time to the latest before it.
    pub fn lift(&mut self, entered: &mut Entered) {
        let latest_ms = self.0.max(Some(entered.entered_at_ms));
        self.0 = latest_ms;
        entered.entered_at_ms = latest_ms.unwrap_or(entered.entered_at_ms);
    }
}

/// The registry, from the first revision that is still to be published.
pub struct RegistryReader {
    consumer: BaseConsumer,
    next: u64,
    times: EntryTimes,
    tolerances: Tolerances,
}

impl RegistryReader {
    /// Connects.
    ///
    /// # Errors
    /// The link's properties are not usable.
    pub fn connect(
        link: &KafkaLink,
        next: u64,
        tolerances: Tolerances,
    ) -> Result<RegistryReader, LinkError> {
        let unusable = |why: KafkaError| LinkError::KafkaProperties {
            role: "registry".into(),
            why: why.to_string(),
        };
        let consumer: BaseConsumer = link
            .consumer("ingest-registry", None)?
            .create()
            .map_err(unusable)?;
        // Also the commands that are published already are read: they say what the tolerances are, and the latest time.
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(topics::REGISTRY, 0, Offset::Beginning)
            .map_err(unusable)?;
        consumer.assign(&all).map_err(unusable)?;
        Ok(RegistryReader {
            consumer,
            next,
            times: EntryTimes::default(),
            tolerances,
        })
    }

    /// Reads until asked to stop or until nobody listens. Blocks: it is a thread's body.
    pub fn run(mut self, events: &mpsc::Sender<RegistryEvent>, stop: &Stop) {
        let mut reading = Reading {
            position: 0,
            begun: false,
            revisions: Vec::new(),
        };
        while !stop.requested() && !events.is_closed() {
            let event = match self.read(&mut reading) {
                Ok(event) => event,
                Err(halt) => {
                    // If nobody listens any more, nobody wants to know.
                    let _ = events.blocking_send(RegistryEvent::Halted(halt));
                    return;
                }
            };
            if let Some(event) = event
                && events.blocking_send(event).is_err()
            {
                return;
            }
        }
    }

    /// Reads on to the end as of now, or as far as one event goes; none where Kafka does not answer.
    fn read(&mut self, reading: &mut Reading) -> Result<Option<RegistryEvent>, Halt> {
        // A command that comes is taken at once; else this is the pause between two questions.
        if reading.begun && self.poll(reading, ASK)? == Polled::Silent {
            return Ok(None);
        }
        let asked_at_ms = now_ms();
        let ends = self.consumer.fetch_watermarks(topics::REGISTRY, 0, ANSWER);
        let Ok((low, high)) = ends else {
            tracing::warn!(
                "Kafka does not say how far hissa.registry goes; a live feed waits after a minute of that"
            );
            return Ok(None);
        };
        let (low, high) = (
            u64::try_from(low).unwrap_or(0),
            u64::try_from(high).unwrap_or(0),
        );
        if high < self.next.max(reading.position) {
            return Err(Halt::RegistryMadeAnew {
                ends: high,
                published: self.next.max(reading.position),
            });
        }
        if !reading.begun && low > self.next {
            return Err(Halt::RegistryCutShort {
                begins: low,
                needed: self.next,
            });
        }
        if !reading.begun {
            reading.position = low;
            reading.begun = true;
        }
        while reading.position < high && reading.revisions.len() < REVISIONS_MAX {
            if self.poll(reading, ASK)? != Polled::Took {
                return Ok(None);
            }
        }
        let whole_at_ms = (reading.position >= high).then_some(asked_at_ms);
        Ok(Some(RegistryEvent::Read {
            revisions: std::mem::take(&mut reading.revisions),
            whole_at_ms,
        }))
    }

    /// Takes the next command, if one comes in time.
    fn poll(&mut self, reading: &mut Reading, wait: Duration) -> Result<Polled, Halt> {
        use RDKafkaErrorCode as Code;
        let message = match self.consumer.poll(wait) {
            None => return Ok(Polled::Nothing),
            Some(Ok(message)) => message,
            Some(Err(KafkaError::MessageConsumption(
                Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::OperationTimedOut
                | Code::Resolve
                | Code::RequestTimedOut
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable,
            ))) => return Ok(Polled::Silent),
            Some(Err(error)) => {
                return Err(Halt::RegistryReading {
                    why: error.to_string(),
                });
            }
        };
        // Kafka's offsets are not negative.
        let rev = u64::try_from(message.offset()).unwrap_or(0);
        let payload = message.payload().unwrap_or_default();
        let mut entered: Entered =
            serde_json::from_slice(payload).map_err(|error| Halt::RegistryUnknown {
                revision: rev,
                why: error.to_string(),
            })?;
        self.times.lift(&mut entered);
        reading.position = rev + 1;
        if let Command::Feed(feed) = &entered.command
            && let Some(tolerance_ms) = self.tolerances.get(&feed.id)
        {
            tolerance_ms.store(feed.future_tolerance_ms, Ordering::Relaxed);
        }
        if rev >= self.next {
            self.next = rev + 1;
            reading.revisions.push(Revision { rev, entered });
        }
        Ok(Polled::Took)
    }
}

/// What a poll brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    /// A command.
    Took,
    /// Nothing has come.
    Nothing,
    /// Kafka does not answer.
    Silent,
}

struct Reading {
    /// The offset behind the last command read.
    position: u64,
    /// Whether the beginning is known.
    begun: bool,
    /// Read, and not handed over.
    revisions: Vec<Revision>,
}

#[cfg(test)]
mod tests {
    use hissa_core::registry::{Command, Entered, Logic};

    use super::EntryTimes;

    #[test]
    fn times_never_fall_along_the_registry() {
        let mut times = EntryTimes::default();
        let lifted = [-5, 20, 10, 20, 30].map(|entered_at_ms| {
            let mut entered = Entered {
                entered_at_ms,
                command: Command::Logic(Logic { version: 1 }),
            };
            times.lift(&mut entered);
            entered.entered_at_ms
        });
        assert_eq!(lifted, [-5, 20, 20, 20, 30]);
    }
}
