//! A SIM's view of its partition: the same rules applied again to the log, with every row of this SIM added up by
//! hand.
//!
//! Rows of other SIMs only move the clock; so the replay is light, and its decisions about this SIM are those of the
//! whole shard. (The bound on held SIMs is the one rule in which SIMs meet; nobody reaches it unless a feed is wrong.)

use std::collections::BTreeMap;

use hissa_core::decision::Decision;
use hissa_core::outcome::Outcome;
use hissa_core::registry::{Class, Command, Programme};
use hissa_core::shard::{Effects, Halt, Shard, ShardConfig};
use hissa_core::sim::SimId;
use hissa_core::usage::UsageRow;
use hissa_core::wire::{Entry, Progress};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Facts that wait to be taken, which nobody wants here.
const FACTS_MAX: usize = 10_000;

/// The replay of one SIM.
pub struct Replay {
    sim: SimId,
    shard: Shard,
    effects: Effects,
    /// Steps of the replay: a frame takes several, so that they are not the offsets of the log.
    steps: u64,
    zone: TimeZone,
    charged_to: Option<Class>,
    /// Bytes that count into an allowance: by first day of the cycle and class charged.
    added: BTreeMap<(Date, Class), u64>,
    /// Rows of this SIM and what became of them.
    outcomes: BTreeMap<&'static str, u64>,
    held: Vec<HeldRow>,
    decisions: Vec<Decision>,
}

struct HeldRow {
    day: Date,
    class: Class,
    bytes: u64,
}

/// What the log says of an allowance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// All rows of the SIM up to there, by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Bytes of the rows that count into the allowance.
    pub bytes: u64,
}

impl Replay {
    /// Before the first entry of the SIM's partition.
    pub fn new(sim: SimId, generation: u32, partition: u16) -> Replay {
        Replay {
            sim,
            shard: Shard::new(ShardConfig::new(generation, partition)),
            effects: Effects::default(),
            steps: 0,
            zone: TimeZone::UTC,
            charged_to: None,
            added: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            held: Vec::new(),
            decisions: Vec::new(),
        }
    }

    /// Applies an entry of the log and returns the decisions about this SIM that it caused. In the last one's rows,
    /// nothing behind the row that caused it is applied when `until` says that it is the one that was looked for.
    ///
    /// # Errors
    /// The shard halts: the log does not begin where the replay began.
    pub fn apply(
        &mut self,
        entry: &Entry<'_>,
        until: impl Fn(&Decision) -> bool,
    ) -> Result<Option<Decision>, Halt> {
        self.decisions.clear();
        match entry {
            Entry::Rows(rows) => self.apply_rows(rows, &until)?,
            Entry::Block(block) => {
                for revision in &block.commands {
                    match &revision.entered.command {
                        Command::Programme(programme) => self.note_programme(programme),
                        Command::Enrol(enrolment) if enrolment.sim == self.sim => {
                            self.take_over(enrolment.valid_from);
                        }
                        _ => {}
                    }
                }
                self.step(entry)?;
            }
            Entry::Progress(progress) => self.move_clock(progress.as_of_ms)?,
        }
        if self.shard.facts_pending() > FACTS_MAX {
            self.shard.take_facts(usize::MAX);
        }
        Ok(self.decisions.iter().find(|found| until(found)).cloned())
    }

    /// What was added up for an allowance so far.
    pub fn sum(&self, cycle: Date, class: Class) -> Sum {
        Sum {
            outcomes: self.outcomes.clone(),
            bytes: self.added.get(&(cycle, class)).copied().unwrap_or(0),
        }
    }

    fn apply_rows(
        &mut self,
        rows: &[UsageRow],
        until: &impl Fn(&Decision) -> bool,
    ) -> Result<(), Halt> {
        let mut clock_ms: Option<i64> = None;
        for row in rows {
            if row.is_stub() || row.sim() != self.sim {
                clock_ms = clock_ms.max(Some(row.delivered_at_ms.get()));
                continue;
            }
            // Timers run before the row that moves the clock past them: what they decide knows nothing of its bytes.
            let delivered_at_ms = row.delivered_at_ms.get();
            self.move_clock(
                clock_ms
                    .take()
                    .map_or(delivered_at_ms, |at| at.max(delivered_at_ms)),
            )?;
            if self.decisions.iter().any(until) {
                return Ok(());
            }
            self.step(&Entry::Rows(std::slice::from_ref(row)))?;
            self.add_up(row);
            if self.decisions.iter().any(until) {
                return Ok(());
            }
        }
        clock_ms.map_or(Ok(()), |clock_ms| self.move_clock(clock_ms))
    }

    /// Moves the clock as an entry does that says nothing of this SIM.
    fn move_clock(&mut self, as_of_ms: i64) -> Result<(), Halt> {
        self.step(&Entry::Progress(Progress {
            sources: Vec::new(),
            as_of_ms,
        }))
    }

    fn step(&mut self, entry: &Entry<'_>) -> Result<(), Halt> {
        self.effects.clear();
        self.shard.apply(entry, self.steps, &mut self.effects)?;
        self.steps += 1;
        let sim = self.sim;
        let about = self.effects.decisions.iter().filter(|d| d.sim == sim);
        self.decisions.extend(about.cloned());
        Ok(())
    }

    /// Adds a row that was just applied alone: its outcome and class are those of that step.
    fn add_up(&mut self, row: &UsageRow) {
        let Some(tally) = self.effects.tallies.iter().next() else {
            // Published again by ingest: no outcome, no bytes.
            *self.outcomes.entry("republished").or_default() += 1;
            return;
        };
        *self.outcomes.entry(tally.outcome.as_str()).or_default() += 1;
        let Some(class) = tally.class else { return };
        let day = self.local_day(row.usage_instant_ms());
        match tally.outcome {
            Outcome::Counted => self.add(day, class, row.bytes()),
            Outcome::Held => self.held.push(HeldRow {
                day,
                class,
                bytes: row.bytes(),
            }),
            _ => {}
        }
    }

    /// Enrolment takes over what was held since its date. Whether a month is closed by then does not matter here: no
    /// decision is made about a closed month.
    fn take_over(&mut self, valid_from: Date) {
        let (taken, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|row| row.day >= valid_from);
        self.held = kept;
        for row in taken {
            *self.outcomes.entry("taken over").or_default() += 1;
            self.add(row.day, row.class, row.bytes);
        }
    }

    fn add(&mut self, day: Date, class: Class, bytes: u64) {
        let charged = match (class, self.charged_to) {
            (Class::Unknown, Some(charged)) => charged,
            (class, _) => class,
        };
        *self
            .added
            .entry((day.first_of_month(), charged))
            .or_default() += bytes;
    }

    fn note_programme(&mut self, programme: &Programme) {
        self.charged_to = Some(programme.unknown_charged_to);
        let data = hex::decode(&programme.tzif_hex).unwrap_or_default();
        // The shard halts on a zone that cannot be read, in the step that follows.
        if let Ok(zone) = TimeZone::tzif(&programme.timezone, &data) {
            self.zone = zone;
        }
    }

    fn local_day(&self, at_ms: i64) -> Date {
        let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(at).date()
    }
}
