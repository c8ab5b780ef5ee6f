//! One partition: a shard's state, and how entries change it.

mod accounts;
mod alerts;
mod books;
mod breakers;
mod charge;
mod commands;
mod decide;
mod enrol;
mod midnight;
mod outcomes;
mod quota;
mod rows;
mod turns;
mod wanted;
mod watches;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use crate::check;
use crate::day::{Day, HOUR};
use crate::findings::Findings;
use crate::input::{Kind, RawFeed, Settings, Why};
use crate::names::{Class, Feed, Pseudonym};
use crate::period::Account;
use crate::pseudonym::{self, Pseudonyms};
use crate::registry::Message;
use crate::row::Source;
use crate::rules::Rules;
use crate::said::Cause;
use crate::seen::Seen;
use crate::sim::Sim;

use crate::counter::Sessions;
use books::Book;
use breakers::Breaker;

/// What all shards share.
pub(crate) struct World<'a> {
    pub(crate) settings: Settings,
    pub(crate) registry: Vec<Result<Message, String>>,
    pub(crate) feed: &'a dyn RawFeed,
    pub(crate) pseudonyms: Pseudonyms,
}

/// The day that each step of a midnight has come to (D4, D5). Between midnights all are today.
#[derive(Clone, Copy, Default)]
struct Steps {
    assignments: Day,
    cycles: Day,
    grants: Day,
    calendar: Day,
    enforcement: Day,
}

/// Who causes a decision, as far as the breaker asks (B1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Row,
    Other,
}

/// Why something is said, and when.
struct Because {
    reason: &'static str,
    /// The reason instead, where the new state is stricter than the last.
    if_stricter: Option<&'static str>,
    at: i64,
    offset: u64,
    cause: Option<Rc<Cause>>,
    by: By,
}

impl Because {
    fn new(reason: &'static str, at: i64, offset: u64) -> Because {
        Because {
            reason,
            if_stricter: None,
            at,
            offset,
            cause: None,
            by: By::Other,
        }
    }
}

/// Conflicts of a feed in a clock hour (W8).
struct Conflicts {
    hour: i64,
    records: u64,
}

/// One partition.
pub(crate) struct Shard {
    partition: u16,
    partitions: u16,
    generation: u32,
    horizon_days: i32,
    held_sims_max: usize,
    /// The next revision of the registry.
    revision: u64,
    clock: Option<i64>,
    today: Day,
    steps: Steps,
    rules: Rules,
    /// Cycles and months whose last day is before that day are closed (Q3).
    closed_before: Day,
    holding_day: Day,
    accounts: Vec<Account>,
    /// In the order of first enrolment.
    sims: Vec<Sim>,
    by_name: BTreeMap<Pseudonym, usize>,
    held: BTreeMap<Pseudonym, BTreeMap<(Day, Class), u64>>,
    seen: Seen,
    sessions: Sessions,
    books: BTreeMap<Source, Book>,
    breakers: BTreeMap<(String, Class), Breaker>,
    heard: BTreeSet<i64>,
    conflicts: BTreeMap<Feed, Conflicts>,
    number: u64,
    revisions: BTreeMap<String, u64>,
    findings: Findings,
}

#[derive(Deserialize)]
struct Block {
    from_rev: u64,
    to_rev: u64,
    commands: Vec<BlockCommand>,
}

#[derive(Deserialize)]
struct BlockCommand {
    rev: u64,
}

fn halt(rule: &'static str) -> impl Fn(String) -> Why {
    move |words| Why::Halt { rule, words }
}

impl Shard {
    pub(crate) fn new(partition: u16, settings: &Settings) -> Shard {
        Shard {
            partition,
            partitions: settings.partitions,
            generation: settings.generation,
            horizon_days: settings.horizon_days,
            held_sims_max: settings.held_sims_max,
            revision: 0,
            clock: None,
            today: Day(0),
            steps: Steps::default(),
            rules: Rules::new(),
            closed_before: Day(i32::MIN),
            holding_day: Day(i32::MIN),
            accounts: Vec::new(),
            sims: Vec::new(),
            by_name: BTreeMap::new(),
            held: BTreeMap::new(),
            seen: Seen::default(),
            sessions: Sessions::default(),
            books: BTreeMap::new(),
            breakers: BTreeMap::new(),
            heard: BTreeSet::new(),
            conflicts: BTreeMap::new(),
            number: 0,
            revisions: BTreeMap::new(),
            findings: Findings::default(),
        }
    }

    pub(crate) fn findings(&self) -> &Findings {
        &self.findings
    }

    pub(crate) fn into_findings(self) -> Findings {
        self.findings
    }

    /// Applies one entry.
    pub(crate) fn entry(
        &mut self,
        world: &World<'_>,
        offset: u64,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(), Why> {
        match kind {
            Kind::Rows => self.rows(world, offset, payload),
            Kind::Block => self.block(world, offset, payload),
            Kind::Progress => self.progress(offset, payload),
        }
    }

    /// A share of the registry (R1).
    fn block(&mut self, world: &World<'_>, offset: u64, payload: &[u8]) -> Result<(), Why> {
        let block: Block =
            serde_json::from_slice(payload).map_err(|error| Why::Log(error.to_string()))?;
        if block.from_rev > self.revision {
            let words = format!(
                "revisions {} to {} are missing",
                self.revision, block.from_rev
            );
            return Err(halt("R1")(words));
        }
        let mut mine = Vec::new();
        for revision in block.from_rev..block.to_rev {
            let message = usize::try_from(revision)
                .ok()
                .and_then(|place| world.registry.get(place));
            let message = message
                .ok_or_else(|| Why::Log(format!("revision {revision} is not in the registry")))?;
            let message = message
                .as_ref()
                .map_err(|error| Why::Log(format!("revision {revision}: {error}")))?;
            let sim = message.command.sim();
            if sim.is_none_or(|sim| pseudonym::partition(sim, self.partitions) == self.partition) {
                mine.push((revision, message));
            }
        }
        if !mine
            .iter()
            .map(|(revision, _)| *revision)
            .eq(block.commands.iter().map(|command| command.rev))
        {
            return Err(Why::Log(
                "the block holds other revisions than this partition's".to_owned(),
            ));
        }
        mine.retain(|(revision, _)| *revision >= self.revision);
        self.check(&mine)?;
        for (revision, message) in mine {
            self.command(revision, message, offset);
        }
        self.revision = self.revision.max(block.to_rev);
        Ok(())
    }

    /// Tries all commands on the rules alone, so that a shard that halts has changed nothing (T4).
    fn check(&self, commands: &[(u64, &Message)]) -> Result<(), Why> {
        let mut rules = self.rules.clone();
        for (revision, message) in commands {
            let rule = if matches!(message.command, crate::registry::Command::Logic { .. }) {
                "R2"
            } else {
                "T4"
            };
            check::command(message, &rules)
                .map_err(|why| halt(rule)(format!("revision {revision}: {why}")))?;
            rules.apply(&message.command);
        }
        Ok(())
    }

    /// The clock; asked for only where something has moved it before.
    fn now(&self) -> i64 {
        self.clock.unwrap_or(0)
    }

    /// Moves the clock, after everything that is due by then (T1, T2).
    fn advance(&mut self, to: i64, offset: u64) {
        let Some(from) = self.clock else {
            self.clock = Some(to);
            self.start(self.rules.zone.date(to));
            return;
        };
        if to <= from {
            return;
        }
        if to.div_euclid(HOUR) > from.div_euclid(HOUR) {
            self.leave_hour(offset);
        }
        self.pass_midnights(self.rules.zone.date(to), None, offset);
        self.clock = Some(to);
        if Day::of_utc(to) > Day::of_utc(from) {
            let day = Day::of_utc(to);
            // O11 and C6.
            self.seen.forget_before(day.plus(-(self.horizon_days + 7)));
            self.sessions
                .forget_before(day.plus(-(self.horizon_days + 7)));
        }
    }

    /// The first day that the shard lives through.
    fn start(&mut self, today: Day) {
        self.today = today;
        self.steps = Steps {
            assignments: today,
            cycles: today,
            grants: today,
            calendar: today,
            enforcement: today,
        };
        self.close(today);
    }
}
