//! A SIM's view of its partition: the same rules applied again to the log, with every row of this SIM added up by
//! hand.
//!
//! Rows and commands of other SIMs only move the clock; so the replay is light, and its decisions about this SIM are
//! those of the whole shard, but for the two rules in which SIMs meet: the bound on held SIMs, which nobody reaches
//! unless a feed is wrong, and the breaker. That one is out of reach here: what the shard held and released later, the
//! replay decides at once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hissa_core::decision::{Action, Decision};
use hissa_core::outcome::Outcome;
use hissa_core::registry::{Block, BreakerAction, Class, Command, Programme, Revision};
use hissa_core::shard::{Effects, Halt, Shard, ShardConfig};
use hissa_core::sim::SimId;
use hissa_core::usage::UsageRow;
use hissa_core::wire::{Entry, Progress};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::accounts::Accounts;
use super::readings::Readings;

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
    accounts: Accounts,
    readings: Readings,
    /// Rows of this SIM and what became of them.
    outcomes: BTreeMap<&'static str, u64>,
    held: Vec<HeldRow>,
    /// Of the entry that was applied last.
    decisions: Vec<Decision>,
    /// The last one of each class.
    in_force: BTreeMap<Class, Action>,
    stop_at_release: Option<String>,
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
    /// Bytes of the rows that count into the allowance, with what the SIM brought along.
    pub bytes: u64,
}

impl Replay {
    /// Before the first entry of the SIM's partition.
    pub fn new(sim: SimId, config: ShardConfig) -> Replay {
        Replay {
            sim,
            shard: Shard::new(config),
            effects: Effects::default(),
            steps: 0,
            zone: TimeZone::UTC,
            accounts: Accounts::default(),
            readings: Readings::default(),
            outcomes: BTreeMap::new(),
            held: Vec::new(),
            decisions: Vec::new(),
            in_force: BTreeMap::new(),
            stop_at_release: None,
        }
    }

    /// Applies an entry of the log and returns the decision about this SIM that was looked for, if it caused it. In its
    /// rows, nothing behind the row that caused it is applied.
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
            Entry::Block(block) => self.apply_block(block, &until)?,
            // Books of sources stay out of it: rows of other SIMs are not applied.
            Entry::Progress(progress) => self.move_clock(progress.as_of_ms, &until)?,
        }
        if self.shard.facts_pending() > FACTS_MAX {
            self.shard.take_facts(usize::MAX);
        }
        Ok(self.decisions.iter().find(|found| until(found)).cloned())
    }

    /// In the entries that follow, nothing is applied behind the command that releases the breaker of that cohort. Its
    /// decisions are none of the replay's own.
    pub fn stop_at_release(&mut self, cohort: &str) {
        self.stop_at_release = Some(cohort.to_owned());
    }

    fn is_release(&self, command: &Command) -> bool {
        match command {
            Command::Breaker(order) => {
                order.action == BreakerAction::Release
                    && self.stop_at_release.as_ref() == Some(&order.cohort)
            }
            _ => false,
        }
    }

    /// What was added up for an allowance so far.
    pub fn sum(&self, cycle: Date, allowance: &str) -> Sum {
        Sum {
            outcomes: self.outcomes.clone(),
            bytes: self.accounts.used(allowance, cycle),
        }
    }

    /// What the replay says of a class now.
    pub fn in_force(&self, class: Class) -> Option<Action> {
        self.in_force.get(&class).copied()
    }

    /// Whether the entry that was applied last made a decision about a class.
    pub fn has_decided(&self, class: Class) -> bool {
        self.decisions.iter().any(|made| made.class == class)
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
            // What is due is decided before the row that moves the clock past it, and knows nothing of its bytes.
            let delivered_at_ms = row.delivered_at_ms.get();
            self.move_clock(
                clock_ms
                    .take()
                    .map_or(delivered_at_ms, |at| at.max(delivered_at_ms)),
                until,
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
        clock_ms.map_or(Ok(()), |clock_ms| self.move_clock(clock_ms, until))
    }

    /// Applies the commands that concern the SIM, one by one, as the shard does.
    fn apply_block(
        &mut self,
        block: &Block,
        until: &impl Fn(&Decision) -> bool,
    ) -> Result<(), Halt> {
        let mut from_rev = block.from_rev;
        for revision in &block.commands {
            let entered = &revision.entered;
            if entered.command.sim().is_some_and(|sim| sim != self.sim) {
                continue;
            }
            self.move_clock(entered.entered_at_ms, until)?;
            if self.decisions.iter().any(until) {
                return Ok(());
            }
            self.step(&Entry::Block(Block {
                from_rev,
                to_rev: revision.rev + 1,
                commands: vec![out_of_reach(revision)],
            }))?;
            from_rev = revision.rev + 1;
            self.note(&entered.command);
            if self.decisions.iter().any(until) || self.is_release(&entered.command) {
                return Ok(());
            }
        }
        if from_rev < block.to_rev {
            self.step(&Entry::Block(Block {
                from_rev,
                to_rev: block.to_rev,
                commands: Vec::new(),
            }))?;
        }
        // Commands of other SIMs move the clock too.
        let last_ms = block
            .commands
            .iter()
            .map(|revision| revision.entered.entered_at_ms);
        last_ms
            .max()
            .map_or(Ok(()), |at_ms| self.move_clock(at_ms, until))
    }

    /// Moves the clock as an entry does that says nothing of this SIM: midnight by midnight, so that what is added up is
    /// what it was at the midnight that decided.
    fn move_clock(
        &mut self,
        as_of_ms: i64,
        until: &impl Fn(&Decision) -> bool,
    ) -> Result<(), Halt> {
        while let Some(midnight_ms) = self.next_midnight_ms().filter(|at| *at < as_of_ms) {
            self.step_to(midnight_ms)?;
            if self.decisions.iter().any(until) {
                return Ok(());
            }
        }
        self.step_to(as_of_ms)
    }

    /// The first instant of the day after the clock's.
    fn next_midnight_ms(&self) -> Option<i64> {
        let clock_ms = self.shard.clock_ms()?;
        let tomorrow = self.local_day(clock_ms).tomorrow().ok()?;
        let begins = self
            .zone
            .to_timestamp(tomorrow.to_datetime(Time::midnight()))
            .ok()?;
        Some(begins.as_millisecond()).filter(|at| *at > clock_ms)
    }

    fn step_to(&mut self, as_of_ms: i64) -> Result<(), Halt> {
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
        for made in self.effects.decisions.iter().filter(|d| d.sim == sim) {
            self.in_force.insert(made.class, made.action);
            self.decisions.push(made.clone());
        }
        self.count_days();
        Ok(())
    }

    fn count_days(&mut self) {
        if let Some(clock_ms) = self.shard.clock_ms() {
            let today = self.local_day(clock_ms);
            self.accounts.day(today);
        }
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
        let bytes = self
            .readings
            .bytes(row, tally.feed, self.shard.clock_ms().unwrap_or(0));
        match tally.outcome {
            // Late for the month's report, and yet of a cycle that may be open, such as a term's.
            Outcome::Counted | Outcome::Late => self.accounts.add(day, class, bytes),
            Outcome::Held => self.held.push(HeldRow { day, class, bytes }),
            _ => {}
        }
    }

    /// Takes a command into the accounts, behind its step.
    fn note(&mut self, command: &Command) {
        match command {
            Command::Programme(programme) => {
                self.take_zone(programme);
                self.count_days();
                self.accounts.programme(programme);
            }
            Command::Calendar(calendar) => self.accounts.calendar(&calendar.entries),
            Command::Feed(feed) => self.readings.feed(feed),
            Command::Enrol(enrolment) => {
                self.accounts.enrol(enrolment);
                self.take_over();
            }
            Command::Retire(retirement) => self.accounts.retire(retirement),
            Command::Opening(opening) => self.accounts.opening(opening),
            Command::Catalogue(_)
            | Command::Grant(_)
            | Command::Void(_)
            | Command::Breaker(_)
            | Command::Logic(_) => {}
        }
    }

    /// Enrolment takes over what was held of the days on which the SIM is enrolled. Whether a cycle is closed by then
    /// does not matter here: no decision is made about a closed cycle.
    fn take_over(&mut self) {
        let (taken, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|row| self.accounts.is_enrolled(row.day));
        self.held = kept;
        for row in taken {
            *self.outcomes.entry("taken over").or_default() += 1;
            self.accounts.add(row.day, row.class, row.bytes);
        }
    }

    fn take_zone(&mut self, programme: &Programme) {
        let data = hex::decode(&programme.tzif_hex).unwrap_or_default();
        // The shard halts on a zone that cannot be read, in the step before.
        if let Ok(zone) = TimeZone::tzif(&programme.timezone, &data) {
            self.zone = zone;
        }
    }

    fn local_day(&self, at_ms: i64) -> Date {
        let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(at).date()
    }
}

/// The command with every breaker out of reach.
fn out_of_reach(revision: &Revision) -> Revision {
    let mut revision = Cow::Borrowed(revision);
    if matches!(revision.entered.command, Command::Programme(_))
        && let Command::Programme(programme) = &mut revision.to_mut().entered.command
    {
        for cohort in &mut programme.cohorts {
            cohort.breaker.at_least = u32::MAX;
        }
    }
    revision.into_owned()
}
