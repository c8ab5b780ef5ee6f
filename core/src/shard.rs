//! One partition of `hissa.usage`: a pure function of its entries.
//!
//! [`Shard::apply`] takes the entries in the order of the log and returns what they cause as [`Effects`]; rows of facts
//! wait in the shard until [`Shard::take_facts`] takes them, between entries.

mod ahead;
mod apply;
mod check;
mod commands;
mod credit;
mod decide;
mod effects;
mod enrol;
mod grants;
mod hold;
mod midnight;
mod quota;
mod rows;
mod take;
#[cfg(test)]
mod tests;
mod until;
mod watch;
mod words;

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::booking::Booking;
use crate::breaker::Breakers;
use crate::calendar::Calendar;
use crate::catalogue::Catalogue;
use crate::counters::Sessions;
use crate::cycle::{Account, CLOSES_AFTER_DAYS, Closed};
use crate::facts::Fact;
use crate::grants::Grants;
use crate::heard::Heard;
use crate::held::Held;
use crate::interned::Interned;
use crate::outcome::Outcome;
use crate::programme::Programme;
use crate::registry::Place;
use crate::roster::Roster;
use crate::seen::{Seen, SeenSize};
use crate::sim::{FeedId, SimId};
use crate::snapshot::{self, SnapshotError};
use crate::sources::Sources;
use crate::wire::Entry;
use crate::zone::{Day, Zone};

pub use crate::sources::Discrepancy;
pub use effects::{Effects, Tallies, Tally};

/// The version of the rules. A shard's state and its decisions are a function of the log and of this number.
pub const LOGIC: u32 = 1;

/// What a shard must know of itself. All of it is part of what the log means: another value is another generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardConfig {
    pub generation: u32,
    pub partition: u16,
    /// How many partitions there are.
    pub partitions: u16,
    /// SIMs that are not enrolled and whose bytes are held, at the most.
    pub held_sims_max: u32,
    /// How many days an opening day may lie behind the clock's day.
    pub horizon_days: u16,
}

impl ShardConfig {
    /// With 20,000 held SIMs and a horizon of 45 days.
    pub fn new(generation: u32, partition: u16, partitions: u16) -> ShardConfig {
        ShardConfig {
            generation,
            partition,
            partitions,
            held_sims_max: 20_000,
            horizon_days: 45,
        }
    }
}

/// How many SIMs a shard knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimCounts {
    pub enrolled: usize,
    /// SIMs with bytes held: not enrolled, or not yet at the instant of the usage.
    pub held: usize,
}

/// Why a shard stops. The shard is as it was before the entry; nothing is skipped silently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    #[error(
        "entry at offset {offset} does not lie behind the last one applied ({applied}): the log was read out of order; restore the shard and read on from there"
    )]
    OutOfOrder { offset: u64, applied: u64 },
    #[error(
        "registry block {from_rev}..{to_rev} at offset {offset} leaves a gap: the shard has the revisions below {revision}; ingest must publish the missing block"
    )]
    Gap {
        offset: u64,
        from_rev: u64,
        to_rev: u64,
        revision: u64,
    },
    #[error("row {row} at offset {offset} was not written by ingest: {why}")]
    Row {
        offset: u64,
        row: usize,
        why: &'static str,
    },
    #[error("revision {rev} of the registry at offset {offset} cannot be applied: {why}")]
    Command { offset: u64, rev: u64, why: String },
    #[error(
        "the entry at offset {offset} names the instant {at_ms} ms, outside of the years 1970 to 8999"
    )]
    Instant { offset: u64, at_ms: i64 },
}

/// One shard.
#[derive(Clone, Debug)]
pub struct Shard {
    pub(crate) config: ShardConfig,
    pub(crate) applied: Option<u64>,
    /// The largest delivery time seen; [`NEVER`] before the first.
    pub(crate) clock_ms: i64,
    /// The next deadline: a function of what follows, at hand for every row.
    pub(crate) next_due_ms: i64,
    pub(crate) zone: Zone,
    pub(crate) calendar: Calendar,
    pub(crate) programme: Programme,
    pub(crate) catalogue: Catalogue,
    pub(crate) grants: Grants,
    pub(crate) closed: Closed,
    /// The first usage day whose held bytes are kept.
    pub(crate) holding_from: Day,
    pub(crate) accounts: Interned<Account>,
    pub(crate) cohorts: Interned<String>,
    pub(crate) places: Interned<Place>,
    pub(crate) provinces: Interned<String>,
    /// By the number of the place.
    pub(crate) province_of: Vec<u32>,
    pub(crate) services: Interned<String>,
    pub(crate) roster: Roster,
    pub(crate) held: Held,
    pub(crate) seen: Seen,
    pub(crate) sessions: Sessions,
    pub(crate) sources: Sources,
    pub(crate) heard: Heard,
    pub(crate) breakers: Breakers,
    pub(crate) booking: Booking,
    /// Where the assignments of the entry that is being applied stand among the finished rows.
    assigned: BTreeMap<(SimId, Day, Day), usize>,
    /// Rows of `sim_cycle` of this entry whose balances go: the last row of a key stands at the entry's end.
    leaving: Vec<take::Leaving>,
    /// The number of the last decision.
    pub(crate) decisions: u64,
    /// The first revision of the registry not seen.
    pub(crate) revision: u64,
}

/// The clock before the first entry: earlier than every instant that a shard admits.
pub(crate) const NEVER: i64 = i64::MIN;

/// The entry that is being applied, and the time that its effects carry: the clock, or a midnight.
#[derive(Clone, Copy, Debug)]
struct Now {
    at_ms: i64,
    offset: u64,
}

impl Shard {
    /// A shard before the first entry of its partition.
    pub fn new(config: ShardConfig) -> Shard {
        let mut services = Interned::default();
        // The empty service has the number that traffic of no rule carries.
        let empty = services.number(&String::new());
        assert_eq!(empty, crate::catalogue::NO_SERVICE);
        Shard {
            config,
            applied: None,
            clock_ms: NEVER,
            next_due_ms: i64::MAX,
            zone: Zone::utc(),
            calendar: Calendar::default(),
            programme: Programme::default(),
            catalogue: Catalogue::default(),
            grants: Grants::default(),
            closed: Closed::as_of(Day::FIRST, CLOSES_AFTER_DAYS),
            holding_from: Day::FIRST,
            accounts: Interned::default(),
            cohorts: Interned::default(),
            places: Interned::default(),
            provinces: Interned::default(),
            province_of: Vec::new(),
            services,
            roster: Roster::default(),
            held: Held::default(),
            seen: Seen::default(),
            sessions: Sessions::default(),
            sources: Sources::default(),
            heard: Heard::default(),
            breakers: Breakers::default(),
            booking: Booking::new(Day::FIRST),
            assigned: BTreeMap::new(),
            leaving: Vec::new(),
            decisions: 0,
            revision: 0,
        }
    }

    /// Applies the entry at `offset`, which lies above [`applied_offset`](Shard::applied_offset), and adds what it
    /// causes to `effects`.
    ///
    /// # Errors
    /// [`Halt`]: the entry cannot be applied, and the shard is as it was before.
    pub fn apply(
        &mut self,
        entry: &Entry<'_>,
        offset: u64,
        effects: &mut Effects,
    ) -> Result<(), Halt> {
        self.check(entry, offset)?;
        match entry {
            Entry::Rows(rows) => self.apply_rows(rows, offset, effects),
            Entry::Block(block) => self.apply_block(block, offset, effects),
            Entry::Progress(progress) => self.apply_progress(progress, offset, effects),
        }
        self.finish_leaving();
        self.applied = Some(offset);
        Ok(())
    }

    /// The offset of the last entry applied.
    pub fn applied_offset(&self) -> Option<u64> {
        self.applied
    }

    /// The largest delivery time seen (UTC milliseconds).
    pub fn clock_ms(&self) -> Option<i64> {
        (self.clock_ms != NEVER).then_some(self.clock_ms)
    }

    /// The booked day that is open.
    pub fn booked_day(&self) -> Option<Date> {
        (self.clock_ms != NEVER).then(|| self.booking.day.date())
    }

    /// The first revision of the registry that the shard has not seen.
    pub fn registry_revision(&self) -> u64 {
        self.revision
    }

    /// The local day of the clock, which is the open booked day.
    pub(crate) fn today(&self) -> Day {
        self.booking.day
    }

    /// How many rows of facts wait to be taken.
    pub fn facts_pending(&self) -> usize {
        self.booking.waiting()
    }

    /// Takes up to `max` rows of facts that changed since they were last taken: absolute values, whose version is the
    /// offset of the last entry that touched them. To be called between entries.
    pub fn take_facts(&mut self, max: usize) -> Vec<Fact> {
        self.take(max)
    }

    /// A hash of the state, without what waits to be taken: equal for all owners of the partition at one offset.
    pub fn digest(&self) -> u128 {
        snapshot::digest(self)
    }

    /// The whole state as bytes. To be stored only when all that was caused at or before the applied offset is
    /// acknowledged.
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::write(self)
    }

    /// The shard that [`snapshot`](Shard::snapshot) was called on.
    ///
    /// # Errors
    /// The bytes are torn, damaged, of another format, or of a shard with another configuration.
    pub fn restore(bytes: &[u8], config: ShardConfig) -> Result<Shard, SnapshotError> {
        snapshot::read(bytes, config)
    }

    /// How many SIMs the shard knows, by state.
    pub fn sims(&self) -> SimCounts {
        SimCounts {
            // A shard holds fewer than 2³² SIMs.
            enrolled: self.roster.enrolled() as usize,
            held: self.held.sims(),
        }
    }

    /// How many identities are kept, and in how many bytes.
    pub fn seen_size(&self) -> SeenSize {
        self.seen.size()
    }

    /// The programme's id, once the registry has told it.
    pub fn programme(&self) -> Option<&str> {
        self.programme.source().map(|source| source.id.as_str())
    }

    /// Rows and bytes per feed and outcome since offset 0. They are part of the state and survive a restore.
    pub fn outcome_totals(&self) -> impl Iterator<Item = ((FeedId, Outcome), u64, u64)> + '_ {
        let totals = self.booking.totals();
        totals.map(|(feed, outcome, records, bytes)| {
            ((self.sources.feed_id(feed), outcome), records, bytes)
        })
    }
}
