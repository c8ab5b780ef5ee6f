//! The decisions about a SIM: from `hissa.decisions`, or from ClickHouse where the topic has lost its beginning.

use std::ops::ControlFlow;

use hissa_core::decision::{Action, AllowanceState, Cause, Decision, Reason, RecordIdentity};
use hissa_core::registry::Class;
use hissa_core::sim::{FeedId, SimId};
use hissa_core::usage::{Position, Source};
use hissa_links::LinkError;
use hissa_links::topics::DECISIONS;
use rdkafka::Message as _;
use serde::Deserialize;

use crate::topic_reader::{Stretch, TopicReader};

/// All decisions about the SIM that the topic holds, in order, and what the topic holds. Blocking.
///
/// # Errors
/// Kafka does not answer.
pub fn of_topic(
    reader: &TopicReader,
    sim: SimId,
    partition: u16,
) -> Result<(Vec<Decision>, Stretch), LinkError> {
    let mut found: Vec<Decision> = Vec::new();
    let key = sim.to_string();
    let stretch = reader.read(DECISIONS, partition, 0, |message| {
        if message.key() == Some(key.as_bytes())
            && let Some(decision) = message
                .payload()
                .and_then(|payload| serde_json::from_slice::<Decision>(payload).ok())
            // Emitted again after a restart it is the same decision.
            && !found.iter().any(|known| known.number == decision.number)
        {
            found.push(decision);
        }
        ControlFlow::Continue(())
    })?;
    Ok((found, stretch))
}

/// A row of the table `decision`.
#[derive(Debug, Deserialize, clickhouse::Row)]
struct DecisionRow {
    generation: u32,
    partition: u16,
    number: u64,
    class: String,
    action: String,
    kbit_s: u32,
    sequence: u64,
    reason: String,
    cohort: String,
    cycle: String,
    allowance: String,
    limit_bytes: u64,
    granted_bytes: u64,
    used_bytes: u64,
    effective_at_ms: i64,
    apply_after_ms: i64,
    until_ms: Option<i64>,
    policy_version: String,
    catalogue_version: String,
    rule: String,
    offset: u64,
    cause_offset: Option<u64>,
    cause_row: u32,
    cause_feed: String,
    cause_epoch: u32,
    cause_source_partition: u32,
    cause_source_offset: u64,
    cause_source_row: u32,
    cause_node: String,
    cause_charging_id: u64,
    cause_record_sequence: u32,
    cause_opened_at_ms: i64,
    cause_rating_group: u32,
    cause_service_id: u32,
    cause_container_sequence: u32,
}

const OF_SIM: &str = "SELECT generation, partition, number, toString(class) AS class, toString(action) AS action, \
    kbit_s, sequence, toString(reason) AS reason, toString(cohort) AS cohort, toString(cycle) AS cycle, \
    toString(allowance) AS allowance, limit_bytes, granted_bytes, used_bytes, effective_at_ms, apply_after_ms, until_ms, \
    toString(policy_version) AS policy_version, toString(catalogue_version) AS catalogue_version, rule, `offset`, \
    cause_offset, ifNull(cause_row, 0) AS cause_row, \
    ifNull(cause_feed, '') AS cause_feed, ifNull(cause_epoch, 0) AS cause_epoch, \
    ifNull(cause_source_partition, 0) AS cause_source_partition, \
    ifNull(cause_source_offset, 0) AS cause_source_offset, ifNull(cause_source_row, 0) AS cause_source_row, \
    ifNull(cause_node, '') AS cause_node, ifNull(cause_charging_id, 0) AS cause_charging_id, \
    ifNull(cause_record_sequence, 0) AS cause_record_sequence, ifNull(cause_opened_at_ms, 0) AS cause_opened_at_ms, \
    ifNull(cause_rating_group, 0) AS cause_rating_group, ifNull(cause_service_id, 0) AS cause_service_id, \
    ifNull(cause_container_sequence, 0) AS cause_container_sequence \
    FROM hissa.decision FINAL WHERE generation = ? AND partition = ? AND sim = unhex(?) ORDER BY number";

/// All decisions about the SIM that ClickHouse holds, in order.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn of_clickhouse(
    client: &clickhouse::Client,
    sim: SimId,
    generation: u32,
    partition: u16,
) -> Result<Vec<Decision>, clickhouse::error::Error> {
    let rows = client
        .query(OF_SIM)
        .bind(generation)
        .bind(partition)
        .bind(sim.to_string())
        .fetch_all::<DecisionRow>()
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.decision(sim))
        .collect())
}

impl DecisionRow {
    /// None where a word or a date is not one that this version knows.
    fn decision(self, sim: SimId) -> Option<Decision> {
        let cause = self.cause()?;
        Some(Decision {
            generation: self.generation,
            partition: self.partition,
            number: self.number,
            sim,
            class: word::<Class>(&self.class)?,
            action: match self.action.as_str() {
                "allow" => Action::Allow,
                "block" => Action::Block,
                "throttle" => Action::Throttle {
                    kbit_s: self.kbit_s,
                },
                _ => return None,
            },
            sequence: self.sequence,
            reason: word::<Reason>(&self.reason)?,
            cohort: self.cohort,
            cycle: self.cycle.parse().ok()?,
            allowance: AllowanceState {
                id: self.allowance,
                limit_bytes: self.limit_bytes,
                granted_bytes: self.granted_bytes,
                used_bytes: self.used_bytes,
            },
            effective_at_ms: self.effective_at_ms,
            apply_after_ms: self.apply_after_ms,
            until_ms: self.until_ms,
            policy_version: self.policy_version,
            catalogue_version: self.catalogue_version,
            rule: self.rule,
            offset: self.offset,
            cause,
        })
    }

    /// The outer option is none where the feed's name is not one.
    fn cause(&self) -> Option<Option<Cause>> {
        let Some(offset) = self.cause_offset else {
            return Some(None);
        };
        Some(Some(Cause {
            offset,
            row: self.cause_row,
            source: Source {
                feed: FeedId::parse(&self.cause_feed).ok()?,
                epoch: self.cause_epoch,
                partition: self.cause_source_partition,
            },
            source_position: Position {
                offset: self.cause_source_offset,
                row: self.cause_source_row,
            },
            record: RecordIdentity {
                node: self.cause_node.clone(),
                charging_id: self.cause_charging_id,
                record_sequence: self.cause_record_sequence,
                opened_at_ms: self.cause_opened_at_ms,
                rating_group: self.cause_rating_group,
                service_id: self.cause_service_id,
                container_sequence: self.cause_container_sequence,
            },
        }))
    }
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(text.into()).ok()
}
