//! One quiet reading of a partition: no crash, no sink, every entry once. What owners did must be the same.

use std::collections::{BTreeMap, HashMap};

use crate::quick::Quick;

use hissa_core::alert::AlertChange;
use hissa_core::decision::Decision;
use hissa_core::facts::Fact;
use hissa_core::outcome::Outcome;
use hissa_core::shard::{Discrepancy, Effects, Halt, Shard};
use hissa_core::sim::FeedId;
use hissa_core::wire::Entry;
use jiff::civil::Date;

use super::Differences;
use super::marks::{self, Marks};
use crate::scenario::Scenario;
use crate::world::Ran;
use crate::world::clickhouse::{Key, booked_day, key, version};

/// What a partition says, read once.
pub struct Quiet {
    pub partition: u16,
    pub decisions: Vec<Decision>,
    pub alerts: Vec<AlertChange>,
    /// The newest version of each row.
    pub facts: HashMap<Key, Fact, Quick>,
    /// With the offsets of the Progress that found them. There must be none, unless the broker lost something.
    pub discrepancies: Vec<(u64, Discrepancy)>,
    /// Rows and bytes by feed and outcome.
    pub outcomes: BTreeMap<(FeedId, Outcome), (u64, u64)>,
    /// Entries by kind: rows, blocks, Progress.
    pub entries: [u64; 3],
    pub clock_ms: Option<i64>,
    /// Rows that stood in the log before, maybe in other messages.
    pub again: u64,
    /// Rows delivered before others that came earlier in the log.
    pub behind: u64,
}

/// Reads a partition; checks snapshots, freshness and booked days on the way.
pub fn read(
    scenario: &Scenario,
    ran: &Ran,
    partition: u16,
    differences: &mut Differences,
) -> Option<Quiet> {
    let mut marks = Marks::new(ran, partition);
    let mut reading = Reading::new(scenario, partition);
    for (offset, entry) in (0..).zip(&ran.log.usage[usize::from(partition)]) {
        let decoded = match entry.read() {
            Ok(decoded) => decoded,
            Err(why) => {
                differences.add(|| format!("entry {offset} of partition {partition}: {why}"));
                return None;
            }
        };
        reading.quiet.entries[entry.kind as usize] += 1;
        let clock = reading.shard.clock_ms();
        if let Err(halt) = reading.apply(&decoded, offset) {
            differences.add(|| format!("partition {partition} read once: {halt}"));
            return None;
        }
        if reading.shard.clock_ms() < clock {
            differences
                .add(|| format!("the clock of partition {partition} went back at offset {offset}"));
        }
        for found in reading.effects.discrepancies.iter().filter(|_| !ran.lost()) {
            differences.add(|| {
                format!("partition {partition} read once: the books do not balance: {found:?}")
            });
        }
        while marks.is_at(offset) {
            reading
                .take(|key, fact| marks.changed(ran, partition, key, version(fact), differences));
            marks.check_state(&reading.shard, ran, partition, differences);
        }
    }
    marks.check_end(ran, partition, differences);
    let (quiet, days) = reading.finish();
    marks::check_acknowledged(ran, &quiet, differences);
    check_closed(&quiet, ran, &days, differences);
    Some(quiet)
}

/// A shard that is read to, and what it said so far.
pub struct Reading {
    pub shard: Shard,
    pub effects: Effects,
    quiet: Quiet,
    /// Where a booked day began.
    days: Vec<(u64, Date)>,
}

impl Reading {
    pub fn new(scenario: &Scenario, partition: u16) -> Reading {
        Reading {
            shard: Shard::new(scenario.shape.shard(partition)),
            effects: Effects::default(),
            quiet: Quiet {
                partition,
                decisions: Vec::new(),
                alerts: Vec::new(),
                facts: HashMap::default(),
                discrepancies: Vec::new(),
                outcomes: BTreeMap::new(),
                entries: [0; 3],
                clock_ms: None,
                again: 0,
                behind: 0,
            },
            days: Vec::new(),
        }
    }

    /// # Errors
    /// The shard halts.
    pub fn apply(&mut self, entry: &Entry<'_>, offset: u64) -> Result<(), Halt> {
        self.effects.clear();
        self.shard.apply(entry, offset, &mut self.effects)?;
        let day = self.shard.booked_day();
        if let Some(day) = day.filter(|day| self.days.last().is_none_or(|(_, last)| last != day)) {
            self.days.push((offset, day));
        }
        let found = self.effects.discrepancies.iter();
        self.quiet
            .discrepancies
            .extend(found.map(|found| (offset, found.clone())));
        self.quiet.decisions.append(&mut self.effects.decisions);
        self.quiet.alerts.append(&mut self.effects.alerts);
        Ok(())
    }

    /// Takes the rows that wait, having shown each.
    fn take(&mut self, mut show: impl FnMut(&Key, &Fact)) {
        for fact in self.shard.take_facts(usize::MAX) {
            let key = key(self.quiet.partition, &fact);
            show(&key, &fact);
            self.quiet.facts.insert(key, fact);
        }
    }

    /// All that was said, and where booked days began.
    pub fn finish(mut self) -> (Quiet, Vec<(u64, Date)>) {
        self.take(|_, _| {});
        self.quiet.clock_ms = self.shard.clock_ms();
        let outcomes = self.shard.outcome_totals();
        self.quiet.outcomes = outcomes
            .map(|(name, records, bytes)| (name, (records, bytes)))
            .collect();
        (self.quiet, self.days)
    }
}

/// No row of a booked day has a version behind the entry that ended the day.
fn check_closed(quiet: &Quiet, ran: &Ran, days: &[(u64, Date)], differences: &mut Differences) {
    let ours = ran
        .clickhouse
        .rows
        .iter()
        .filter(|((partition, _), _)| *partition == quiet.partition);
    for newest in ours.filter_map(|(_, versions)| versions.last()) {
        let day = booked_day(&newest.fact);
        let ended = days.get(days.partition_point(|(_, began)| *began <= day));
        if let Some((offset, _)) = ended
            && newest.version > *offset
        {
            differences.add(|| {
                format!(
                    "booked day {day} ended at offset {offset}, and has a newer row: {:?}",
                    newest.fact
                )
            });
        }
    }
}
