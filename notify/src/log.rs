//! `hissa.alerts` as a consumer group reads it: every partition from its start, what was committed beside it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use backon::{ExponentialBuilder, Retryable as _};
use hissa_core::alert::AlertChange;
use hissa_links::kafka::KafkaLink;
use hissa_links::topics::ALERTS;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use crate::ends::{Ends, TIMEOUT};

/// A change as it stands in the log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub partition: i32,
    pub offset: i64,
    /// When the broker appended it (UTC milliseconds).
    pub appended_at_ms: i64,
    pub change: AlertChange,
}

/// Whose the partitions are.
#[derive(Debug)]
pub(crate) enum Rebalance {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
}

/// The reader.
pub(crate) struct AlertLog {
    consumer: Arc<StreamConsumer<Watcher>>,
    group: String,
}

struct Watcher {
    rebalances: mpsc::UnboundedSender<Rebalance>,
}

impl ClientContext for Watcher {}

impl ConsumerContext for Watcher {
    /// Reads every assigned partition from its start: what was committed is read for its revisions only.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let numbers = partitions
            .elements()
            .iter()
            .map(|element| element.partition())
            .collect();
        let assigned = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let done = if assigned {
            partitions
                .set_all_offsets(Offset::Beginning)
                .and_then(|()| consumer.assign(partitions))
        } else {
            consumer.unassign()
        };
        if let Err(why) = done {
            tracing::error!(%why, "an assignment of {ALERTS} failed; the group will assign again");
        }
        // The receiver ends with the service alone.
        let _ = self.rebalances.send(if assigned {
            Rebalance::Assigned(numbers)
        } else {
            Rebalance::Revoked(numbers)
        });
    }
}

impl AlertLog {
    /// Joins the group. Rebalances are told on the channel before the first entry that they bring is returned.
    pub(crate) fn open(
        link: &KafkaLink,
        group: &str,
    ) -> anyhow::Result<(AlertLog, mpsc::UnboundedReceiver<Rebalance>)> {
        let (rebalances, told) = mpsc::unbounded_channel();
        let consumer: StreamConsumer<Watcher> = link
            .consumer("notify", Some(group))?
            .create_with_context(Watcher { rebalances })
            .with_context(|| format!("creating the consumer of {ALERTS}"))?;
        consumer
            .subscribe(&[ALERTS])
            .with_context(|| format!("subscribing to {ALERTS}"))?;
        let log = AlertLog {
            consumer: Arc::new(consumer),
            group: group.to_owned(),
        };
        Ok((log, told))
    }

    /// The next change; none where Kafka told of trouble that it is over by itself. May be dropped while it waits.
    pub(crate) async fn next(&self) -> anyhow::Result<Option<Entry>> {
        let message = match self.consumer.recv().await {
            Ok(message) => message,
            Err(KafkaError::PartitionEOF(_)) => return Ok(None),
            Err(why) => {
                if let Some((code, fatal)) = self.consumer.client().fatal_error() {
                    bail!(
                        "the consumer of {ALERTS} cannot go on ({code}: {fatal}); start the service again"
                    );
                }
                tracing::warn!(%why, "reading {ALERTS}");
                return Ok(None);
            }
        };
        let (partition, offset) = (message.partition(), message.offset());
        // The message of serde_json may repeat the content, and with it an identifier.
        let change = serde_json::from_slice(message.payload().unwrap_or_default()).map_err(|why| {
            anyhow::anyhow!(
                "{ALERTS}/{partition} @{offset} is no alert change that this version knows (line {}, column {}); \
                 run the version that wrote it, or a later one",
                why.line(),
                why.column()
            )
        })?;
        Ok(Some(Entry {
            partition,
            offset,
            appended_at_ms: message.timestamp().to_millis().unwrap_or_default(),
            change,
        }))
    }

    /// What the group has committed of these partitions; 0 where it has not yet.
    pub(crate) async fn committed(
        &self,
        partitions: &[i32],
        ends: &Ends,
    ) -> anyhow::Result<Vec<(i32, i64)>> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(ALERTS, *partition);
        }
        let (consumer, group) = (Arc::clone(&self.consumer), &self.group);
        let list = patiently(move || consumer.committed_offsets(list.clone(), TIMEOUT))
            .await
            .with_context(|| format!("asking what group {group} has committed of {ALERTS}"))?;
        let committed: Vec<(i32, i64)> = list
            .elements()
            .iter()
            .map(|element| {
                let offset = element.offset().to_raw().unwrap_or_default();
                (element.partition(), offset.max(0))
            })
            .collect();
        for (partition, offset) in &committed {
            let end = ends.of(ALERTS, *partition).await?;
            if *offset > end {
                bail!(
                    "group {group} has committed {offset} of {ALERTS}/{partition}, which ends at {end}: the topic was made \
                     anew; delete the group's offsets, or set another `group`"
                );
            }
        }
        Ok(committed)
    }

    /// Commits; what a failure leaves uncommitted is delivered again after a restart, under the same ids.
    pub(crate) fn commit(&self, offsets: &[(i32, i64)], mode: CommitMode) {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            // It fails for negative offsets alone.
            let _ = list.add_partition_offset(ALERTS, *partition, Offset::Offset(*offset));
        }
        if let Err(why) = self.consumer.commit(&list, mode) {
            tracing::warn!(%why, "committing what was delivered");
        }
    }

    /// Stops or goes on fetching from all partitions; the group is served all the same.
    pub(crate) fn fetch(&self, on: bool) {
        let set = self.consumer.assignment().and_then(|assignment| {
            if on {
                self.consumer.resume(&assignment)
            } else {
                self.consumer.pause(&assignment)
            }
        });
        if let Err(why) = set {
            tracing::warn!(%why, on, "pausing or resuming {ALERTS}");
        }
    }
}

/// Asks again where Kafka is not ready to answer: a group that is new has no coordinator yet.
///
/// # Errors
/// The last one of [`TIMEOUT`].
async fn patiently<T: Send + 'static>(
    ask: impl Fn() -> KafkaResult<T> + Clone + Send + 'static,
) -> anyhow::Result<T> {
    let patience = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
        .with_total_delay(Some(TIMEOUT));
    let once = || async {
        let answer = tokio::task::spawn_blocking(ask.clone()).await?;
        anyhow::Ok(answer?)
    };
    once.retry(patience).await
}
