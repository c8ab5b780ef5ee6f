//! What the log itself says of a decision, or why it cannot say it any more.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use hissa_core::decision::{Cause, Decision, Reason};
use hissa_core::shard::ShardConfig;
use hissa_core::sim::{Partitions, SimId};
use hissa_core::usage::UsageRow;
use hissa_core::wire::{self, Entry, HEADER_ENTRY, HEADER_VERSION, WireError};
use hissa_links::topics::USAGE;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers as _};
use serde::Serialize;

use super::replay::Replay;
use crate::topic_reader::TopicReader;

/// What the log says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What the log still holds of the partition: its first offset, and the one behind its last.
    pub log_first: u64,
    pub log_end: u64,
    /// The crossing record, read again.
    pub crossing: Option<Crossing>,
    /// The bytes, added up again from the first entry of the log; none where entries are gone.
    pub added_again: Option<AddedAgain>,
}

/// The crossing record as it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "found")]
pub enum Crossing {
    /// The entry holds the record that the decision names.
    Same { bytes: u64, delivered_at_ms: i64 },
    /// The entry is there and holds something else.
    Other,
    /// Retention has taken the entry.
    Gone,
}

/// The allowance's bytes, re-added row by row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddedAgain {
    /// Entries read, from offset 0.
    pub entries: u64,
    /// Rows of this SIM, by outcome.
    pub rows: BTreeMap<String, u64>,
    /// Bytes that count into the allowance.
    pub bytes: u64,
    /// Whether the same rules on the same entries made the same decision again.
    pub same_decision: bool,
}

/// Why the log could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error(transparent)]
    Link(#[from] hissa_links::LinkError),
    #[error("hissa.usage/{partition} @{offset} cannot be read again: {why}")]
    Entry {
        partition: u16,
        offset: u64,
        why: WireError,
    },
    #[error("the log cannot be replayed at hissa.usage/{partition} @{offset}: {why}")]
    Halt {
        partition: u16,
        offset: u64,
        why: Box<hissa_core::shard::Halt>,
    },
}

/// Reads the crossing record again and adds up the allowance from the partition's first entry. Blocking; `progress`
/// gets how many of how many entries are read.
///
/// # Errors
/// Kafka does not answer, or the log holds what this version cannot read.
pub fn gather(
    reader: &TopicReader,
    decision: &Decision,
    partitions: Partitions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Evidence, EvidenceError> {
    let partition = decision.partition;
    let stretch = reader.stretch(USAGE, partition)?;
    let mut evidence = Evidence {
        log_first: stretch.first,
        log_end: stretch.end,
        ..Evidence::default()
    };
    if let Some(cause) = &decision.cause {
        evidence.crossing = Some(crossing(
            reader,
            partition,
            cause,
            decision.sim,
            stretch.first,
        )?);
    }
    if stretch.first > 0 {
        return Ok(evidence);
    }
    // The entry that decided: nothing behind it has a part in the decision.
    let last = decision.offset + 1;
    let config = config(decision, partitions);
    let mut replay = Replay::new(decision.sim, config);
    let (mut entries, mut again) = (0, None);
    let mut failed = None;
    reader.read(USAGE, partition, 0, |message| {
        let offset = u64::try_from(message.offset()).unwrap_or(0);
        entries += 1;
        progress(offset + 1, last);
        let is_it = |made: &Decision| offset == decision.offset && is_same(made, decision);
        if offset == decision.offset && decision.reason == Reason::Released {
            replay.stop_at_release(&decision.cohort);
        }
        match replayed(&mut replay, message, partition, offset, is_it) {
            Ok(found) => again = found,
            Err(why) => failed = Some(why),
        }
        if again.is_some() || failed.is_some() || offset + 1 >= last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if let Some(failed) = failed {
        return Err(failed);
    }
    let sum = replay.sum(decision.cycle, &decision.allowance.id);
    evidence.added_again = Some(AddedAgain {
        entries,
        rows: sum
            .outcomes
            .iter()
            .map(|(word, rows)| ((*word).to_owned(), *rows))
            .collect(),
        bytes: sum.bytes,
        same_decision: bears_out(&replay, again.as_ref(), decision),
    });
    Ok(evidence)
}

/// The configuration of the shard that decided.
fn config(decision: &Decision, partitions: Partitions) -> ShardConfig {
    ShardConfig::new(decision.generation, decision.partition, partitions.count())
}

/// Whether the replay made the decision again. What a breaker held, the replay decided when it was held, and not when it
/// was let go: by the breaker's release, or because the SIM came to another cohort. Then it must say the same of the
/// class by now.
pub fn bears_out(replay: &Replay, again: Option<&Decision>, decision: &Decision) -> bool {
    let said_before = || {
        let is_release = decision.reason == Reason::Released;
        (is_release || !replay.has_decided(decision.class))
            && replay.in_force(decision.class) == Some(decision.action)
    };
    again.map_or_else(said_before, |made| is_same(made, decision))
}

fn replayed(
    replay: &mut Replay,
    message: &BorrowedMessage<'_>,
    partition: u16,
    offset: u64,
    until: impl Fn(&Decision) -> bool,
) -> Result<Option<Decision>, EvidenceError> {
    let entry = decode(message).map_err(|why| EvidenceError::Entry {
        partition,
        offset,
        why,
    })?;
    replay
        .apply(&entry, until)
        .map_err(|why| EvidenceError::Halt {
            partition,
            offset,
            why: Box::new(why),
        })
}

fn decode<'m>(message: &'m BorrowedMessage<'_>) -> Result<Entry<'m>, WireError> {
    let header = |name: &str| {
        let headers = message.headers()?;
        let found = headers.iter().find(|header| header.key == name)?;
        found.value
    };
    wire::decode(
        header(HEADER_ENTRY).unwrap_or_default(),
        header(HEADER_VERSION).unwrap_or_default(),
        message.payload().unwrap_or_default(),
    )
}

fn crossing(
    reader: &TopicReader,
    partition: u16,
    cause: &Cause,
    sim: SimId,
    first: u64,
) -> Result<Crossing, EvidenceError> {
    if cause.offset < first {
        return Ok(Crossing::Gone);
    }
    let mut found = Crossing::Gone;
    let mut failed = None;
    reader.read(USAGE, partition, cause.offset, |message| {
        match decode(message) {
            Ok(Entry::Rows(rows)) if message.offset().cast_unsigned() == cause.offset => {
                let row = usize::try_from(cause.row)
                    .ok()
                    .and_then(|place| rows.get(place));
                found = match row {
                    Some(row) if is_the_one(row, cause, sim) => Crossing::Same {
                        bytes: row.bytes(),
                        delivered_at_ms: row.delivered_at_ms.get(),
                    },
                    _ => Crossing::Other,
                };
            }
            Ok(_) => found = Crossing::Other,
            Err(why) => {
                failed = Some(EvidenceError::Entry {
                    partition,
                    offset: cause.offset,
                    why,
                });
            }
        }
        ControlFlow::Break(())
    })?;
    failed.map_or(Ok(found), Err)
}

fn is_the_one(row: &UsageRow, cause: &Cause, sim: SimId) -> bool {
    let record = &cause.record;
    row.sim() == sim
        && row.position() == cause.source_position
        && row.node().is_ok_and(|node| node.as_str() == record.node)
        && row.charging_id.get() == record.charging_id
        && row.record_sequence.get() == record.record_sequence
        && row.opened_at_ms.get() == record.opened_at_ms
        && row.rating_group.get() == record.rating_group
        && row.service_id.get() == record.service_id
        && row.container_sequence.get() == record.container_sequence
}

/// Equal in all but the numbers of the whole shard, which a replay of one SIM cannot know.
pub fn is_same(made: &Decision, decision: &Decision) -> bool {
    let record = |of: &Decision| {
        of.cause
            .as_ref()
            .map(|cause| (cause.source_position, cause.record.clone()))
    };
    made.class == decision.class
        && made.action == decision.action
        && made.reason == decision.reason
        && made.cycle == decision.cycle
        && made.allowance == decision.allowance
        && made.effective_at_ms == decision.effective_at_ms
        && made.apply_after_ms == decision.apply_after_ms
        && made.until_ms == decision.until_ms
        && record(made) == record(decision)
}

impl Evidence {
    /// Whether the log bears the decision out, as far as it is still there.
    pub fn bears_out(&self, decision: &Decision) -> bool {
        let total = self.added_again.as_ref();
        self.crossing != Some(Crossing::Other)
            && total
                .is_none_or(|sum| sum.same_decision && sum.bytes == decision.allowance.used_bytes)
    }

    /// What it says, in sentences.
    pub fn sentences(&self, decision: &Decision) -> Vec<String> {
        let mut said = Vec::new();
        match self.crossing {
            Some(Crossing::Same { bytes, .. }) => {
                said.push(format!(
                    "Read again, that entry holds this record, of {bytes} bytes."
                ));
            }
            Some(Crossing::Other) => {
                said.push("READ AGAIN, THAT ENTRY HOLDS ANOTHER RECORD.".into());
            }
            Some(Crossing::Gone) => {
                said.push("That entry is gone: retention has taken it.".into());
            }
            None => {}
        }
        match &self.added_again {
            None => said.push(format!(
                "The total cannot be added up again: the log begins at offset {}, retention has taken what was before.",
                self.log_first
            )),
            Some(again) => {
                let rows: Vec<String> = again
                    .rows
                    .iter()
                    .map(|(outcome, rows)| format!("{rows} {outcome}"))
                    .collect();
                let rows = if rows.is_empty() { "none".into() } else { rows.join(", ") };
                let verdict = match (again.same_decision, self.bears_out(decision)) {
                    (true, true) => "as the decision says",
                    (true, false) => "WHICH IS NOT WHAT THE DECISION SAYS",
                    (false, _) => "AND THE RULES DO NOT MAKE THIS DECISION AGAIN",
                };
                let entries = match again.entries {
                    1 => "1 entry".to_owned(),
                    many => format!("{many} entries"),
                };
                said.push(format!(
                    "Added up again from {entries} of the log (rows of this SIM: {rows}): {} bytes, {verdict}.",
                    again.bytes
                ));
            }
        }
        said
    }
}
