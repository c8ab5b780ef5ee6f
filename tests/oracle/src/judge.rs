//! The oracle: all partitions, entry by entry.

use std::collections::BTreeMap;

use crate::findings::Findings;
use crate::input::{Input, Kind, RawFeed, Refused, Settings};
use crate::pseudonym::Pseudonyms;
use crate::registry::Message;
use crate::shard::{Shard, World};

/// Judges a log as it comes. Partitions do not speak to each other, so their entries may be mixed in any order.
pub struct Judge<'a> {
    world: World<'a>,
    /// The latest time along the registry so far.
    entered_at_ms: i64,
    shards: BTreeMap<u16, Shard>,
}

impl<'a> Judge<'a> {
    /// Begins before the first entry. `registry` are the messages by revision, and may reach further than the log does.
    pub fn new(settings: Settings, registry: &[Vec<u8>], feed: &'a dyn RawFeed) -> Judge<'a> {
        let pseudonyms = Pseudonyms::new(&settings.key);
        let mut judge = Judge {
            world: World {
                settings,
                registry: Vec::new(),
                feed,
                pseudonyms,
            },
            entered_at_ms: i64::MIN,
            shards: BTreeMap::new(),
        };
        judge.extend_registry(registry);
        judge
    }

    /// Adds messages that came to the registry since.
    pub fn extend_registry(&mut self, messages: &[Vec<u8>]) {
        for message in messages {
            let read = serde_json::from_slice::<Message>(message);
            let in_order = read.map(|message| {
                // Times never fall along the registry (T3).
                self.entered_at_ms = self.entered_at_ms.max(message.entered_at_ms);
                Message {
                    entered_at_ms: self.entered_at_ms,
                    ..message
                }
            });
            let read = in_order.map_err(|error| error.to_string());
            self.world.registry.push(read);
        }
    }

    /// Applies the next entry of a partition. After a refusal the partition stands where it stood before the entry, if a
    /// shard must halt; if the log is wrong, findings are of no use.
    pub fn entry(
        &mut self,
        partition: u16,
        offset: u64,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(), Refused> {
        let shard = self
            .shards
            .entry(partition)
            .or_insert_with(|| Shard::new(partition, &self.world.settings));
        shard
            .entry(&self.world, offset, kind, payload)
            .map_err(|why| Refused {
                partition,
                offset,
                why,
            })
    }

    /// All that was found so far.
    pub fn findings(&self) -> Findings {
        join(self.shards.values().map(Shard::findings).cloned())
    }

    /// All that was found, at the end.
    pub fn into_findings(self) -> Findings {
        join(self.shards.into_values().map(Shard::into_findings))
    }
}

fn join(shards: impl Iterator<Item = Findings>) -> Findings {
    let mut all = Findings::default();
    for one in shards {
        all.sim_day.extend(one.sim_day);
        all.outcome_day.extend(one.outcome_day);
        all.flag_day.extend(one.flag_day);
        all.place_hour.extend(one.place_hour);
        all.sim_cycle.extend(one.sim_cycle);
        all.assignments.extend(one.assignments);
        all.decisions.extend(one.decisions);
        all.alerts.extend(one.alerts);
        all.discrepancies.extend(one.discrepancies);
    }
    all
}

/// Judges a whole log.
pub fn judge(input: &Input<'_>) -> Result<Findings, Refused> {
    let mut judge = Judge::new(input.settings.clone(), input.registry, input.feed);
    for entry in input.entries {
        judge.entry(entry.partition, entry.offset, entry.kind, &entry.payload)?;
    }
    Ok(judge.into_findings())
}
