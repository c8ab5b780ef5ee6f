//! The state of a shard as bytes: versioned, checksummed, self-contained.
//!
//! A snapshot is: the mark, the format (u32), the length of the body (u64), the body, and the XXH3-128 of all before it;
//! numbers little-endian. The body (`postcard`) is the state, then what waits to be taken. The digest is the hash of
//! the state's bytes alone. What can be built anew (tables, compiled rules, the next deadline) is left out.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::booking::{self, Booking, Written};
use crate::breaker::Breakers;
use crate::calendar::{self, Calendar};
use crate::catalogue;
use crate::chunks::Chunks;
use crate::counters::Sessions;
use crate::cycle::{Account, Closed};
use crate::grants;
use crate::heard::Heard;
use crate::held::Held;
use crate::interned::Interned;
use crate::programme::{self, Programme};
use crate::registry::{self, Place};
use crate::roster::{Roster, Sim};
use crate::seen::Seen;
use crate::shard::{LOGIC, NEVER, Shard, ShardConfig};
use crate::sources::Sources;
use crate::usage::utc_day;
use crate::zone::Day;

const MARK: &[u8; 8] = b"HISSASNP";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = MARK.len() + size_of::<u32>() + size_of::<u64>();
const CHECKSUM_BYTES: usize = size_of::<u128>();

/// Why a snapshot is refused. The remedy is an older snapshot, or replay from the start of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error(
        "the snapshot is torn: {found} bytes where at least {expected} are needed; restore an older one"
    )]
    Torn { found: usize, expected: usize },
    #[error("these bytes are no snapshot of Hissa (they do not begin with its mark)")]
    NotASnapshot,
    #[error(
        "the snapshot has format {found}, and this binary reads format {known}; run the version that wrote it"
    )]
    Format { found: u32, known: u32 },
    #[error(
        "the snapshot's checksum does not match its bytes: it was damaged; restore an older one"
    )]
    Checksum,
    #[error(
        "the snapshot is of {what} {found}, and this shard has {expected}; restore the shard's own snapshot, or begin a new generation"
    )]
    Foreign {
        what: &'static str,
        found: u64,
        expected: u64,
    },
    #[error(
        "the snapshot passes its checksum, but does not hold together: {why}; report it, and restore an older one"
    )]
    Malformed { why: String },
}

/// The state in its canonical form, as it is written: equal states have equal bytes.
#[derive(Serialize)]
struct StateOut<'a> {
    identity: Identity,
    stand: Stand,
    /// As JSON, for the shape of commands is made for it.
    programme: Option<String>,
    calendar: Option<String>,
    catalogues: Vec<String>,
    /// With whether it is void.
    grants: Vec<(String, bool)>,
    accounts: &'a Interned<Account>,
    cohorts: &'a Interned<String>,
    places: &'a Interned<Place>,
    services: &'a Interned<String>,
    sims: &'a Chunks<Sim>,
    held: &'a Held,
    seen: &'a Seen,
    sessions: &'a Sessions,
    sources: &'a Sources,
    heard: &'a Heard,
    breakers: &'a Breakers,
    booking: &'a Booking,
}

/// The same, as it is read.
#[derive(Deserialize)]
struct StateIn {
    identity: Identity,
    stand: Stand,
    programme: Option<String>,
    calendar: Option<String>,
    catalogues: Vec<String>,
    grants: Vec<(String, bool)>,
    accounts: Interned<Account>,
    cohorts: Interned<String>,
    places: Interned<Place>,
    services: Interned<String>,
    sims: Chunks<Sim>,
    held: Held,
    seen: Seen,
    sessions: Sessions,
    sources: Sources,
    heard: Heard,
    breakers: Breakers,
    booking: Booking,
}

/// What the shard is: all of it must be the same where the state is to go on.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Identity {
    logic: u32,
    generation: u32,
    partition: u16,
    partitions: u16,
    held_sims_max: u32,
    horizon_days: u16,
}

/// Where the shard stands.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Stand {
    applied: Option<u64>,
    clock_ms: Option<i64>,
    closed: Closed,
    holding_from: Day,
    decisions: u64,
    revision: u64,
}

impl Identity {
    fn of(config: ShardConfig) -> Identity {
        Identity {
            logic: LOGIC,
            generation: config.generation,
            partition: config.partition,
            partitions: config.partitions,
            held_sims_max: config.held_sims_max,
            horizon_days: config.horizon_days,
        }
    }

    fn check(self, config: ShardConfig) -> Result<(), SnapshotError> {
        let own = Identity::of(config);
        let parts = [
            ("logic", self.logic, own.logic),
            ("generation", self.generation, own.generation),
            ("partition", self.partition.into(), own.partition.into()),
            (
                "number of partitions",
                self.partitions.into(),
                own.partitions.into(),
            ),
            ("bound of held SIMs", self.held_sims_max, own.held_sims_max),
            (
                "horizon in days",
                self.horizon_days.into(),
                own.horizon_days.into(),
            ),
        ];
        match parts.into_iter().find(|(_, found, own)| found != own) {
            None => Ok(()),
            Some((what, found, expected)) => Err(SnapshotError::Foreign {
                what,
                found: found.into(),
                expected: expected.into(),
            }),
        }
    }
}

/// The bytes of the state.
fn state_bytes(shard: &Shard) -> Vec<u8> {
    let state = StateOut {
        identity: Identity::of(shard.config),
        stand: Stand {
            applied: shard.applied,
            clock_ms: shard.clock_ms(),
            closed: shard.closed,
            holding_from: shard.holding_from,
            decisions: shard.decisions,
            revision: shard.revision,
        },
        programme: shard.programme.source().map(to_json),
        calendar: shard.calendar.source().map(to_json),
        catalogues: shard.catalogue.sources().map(to_json).collect(),
        grants: shard
            .grants
            .all()
            .iter()
            .map(|g| (to_json(&g.source), g.void))
            .collect(),
        accounts: &shard.accounts,
        cohorts: &shard.cohorts,
        places: &shard.places,
        services: &shard.services,
        sims: shard.roster.all(),
        held: &shard.held,
        seen: &shard.seen,
        sessions: &shard.sessions,
        sources: &shard.sources,
        heard: &shard.heard,
        breakers: &shard.breakers,
        booking: &shard.booking,
    };
    to_postcard(&state)
}

#[allow(
    clippy::expect_used,
    reason = "the state's own types have forms in JSON and postcard, and memory takes any number of bytes"
)]
fn to_json<T: Serialize>(command: &T) -> String {
    serde_json::to_string(command).expect("a command has a form in JSON")
}

#[allow(
    clippy::expect_used,
    reason = "the state's own types have forms in JSON and postcard, and memory takes any number of bytes"
)]
fn to_postcard<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("the state has a form in postcard")
}

/// The hash of the state's canonical form.
pub(crate) fn digest(shard: &Shard) -> u128 {
    xxh3_128(&state_bytes(shard))
}

/// The snapshot of a shard.
pub(crate) fn write(shard: &Shard) -> Vec<u8> {
    let state = state_bytes(shard);
    let waiting = to_postcard(&booking::write(&shard.booking, &shard.roster));
    let body = state.len() + waiting.len();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body + CHECKSUM_BYTES);
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&(body as u64).to_le_bytes());
    bytes.extend_from_slice(&state);
    bytes.extend_from_slice(&waiting);
    let checksum = xxh3_128(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The shard of a snapshot.
pub(crate) fn read(bytes: &[u8], config: ShardConfig) -> Result<Shard, SnapshotError> {
    let malformed = |why: &dyn ToString| SnapshotError::Malformed {
        why: why.to_string(),
    };
    let body = open(bytes)?;
    let (state, rest): (StateIn, _) =
        postcard::take_from_bytes(body).map_err(|error| malformed(&error))?;
    state.identity.check(config)?;
    let (waiting, rest): (Written, _) =
        postcard::take_from_bytes(rest).map_err(|error| malformed(&error))?;
    if !rest.is_empty() {
        return Err(malformed(&format!("{} bytes are left over", rest.len())));
    }
    build(state, waiting, config).map_err(|why| malformed(&why))
}

/// Checks the frame of a snapshot, and returns its body.
fn open(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    if !bytes.starts_with(MARK) {
        return Err(SnapshotError::NotASnapshot);
    }
    let torn = |expected| SnapshotError::Torn {
        found: bytes.len(),
        expected,
    };
    let least = HEADER_BYTES + CHECKSUM_BYTES;
    let (rest, checksum) = bytes.split_last_chunk().ok_or(torn(least))?;
    let (_, header) = rest.split_first_chunk::<8>().ok_or(torn(least))?;
    let (format, header) = header.split_first_chunk().ok_or(torn(least))?;
    let (length, body) = header.split_first_chunk().ok_or(torn(least))?;
    if u64::from_le_bytes(*length) != body.len() as u64 {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        return Err(torn(least.saturating_add(length)));
    }
    if u128::from_le_bytes(*checksum) != xxh3_128(rest) {
        return Err(SnapshotError::Checksum);
    }
    match u32::from_le_bytes(*format) {
        FORMAT => Ok(body),
        found => Err(SnapshotError::Format {
            found,
            known: FORMAT,
        }),
    }
}

/// Checks that every SIM speaks of cohorts, places and accounts that are there.
fn check_sims(state: &StateIn) -> Result<(), String> {
    for sim in state.sims.iter() {
        let mut cohorts = sim.assignments().map(|a| a.cohort).chain([sim.cohort]);
        let mut places = sim.assignments().map(|a| a.place).chain([sim.place]);
        let mut accounts = sim.balances.iter().map(|b| u32::from(b.account));
        if cohorts.any(|cohort| cohort >= state.cohorts.count())
            || places.any(|place| place >= state.places.count())
            || accounts.any(|account| account >= state.accounts.count())
        {
            return Err(format!("SIM {} speaks of what is not there", sim.id));
        }
    }
    Ok(())
}

/// Puts a shard together and builds what its snapshot leaves out.
fn build(state: StateIn, waiting: Written, config: ShardConfig) -> Result<Shard, String> {
    check_sims(&state)?;
    let mut shard = Shard::new(config);
    shard.applied = state.stand.applied;
    shard.clock_ms = state.stand.clock_ms.unwrap_or(NEVER);
    shard.closed = state.stand.closed;
    shard.holding_from = state.stand.holding_from;
    shard.accounts = state.accounts;
    shard.decisions = state.stand.decisions;
    shard.revision = state.stand.revision;
    shard.cohorts = state.cohorts;
    shard.places = state.places;
    for number in 0..shard.places.count() {
        let province = shard.places.value(number).province.clone();
        shard.province_of.push(shard.provinces.number(&province));
    }
    shard.services = state.services;
    shard.roster = Roster::from(state.sims);
    for (sim, number) in shard.roster.all().iter().zip(0..) {
        if shard.roster.number(&sim.id) != Some(number) {
            return Err(format!("SIM {} stands twice", sim.id));
        }
    }
    shard.held = state.held;
    shard.seen = state.seen;
    shard.sessions = state.sessions;
    shard.sources = state.sources;
    shard.heard = state.heard;
    shard.breakers = state.breakers;
    shard.sources.reindex();
    shard.booking = state.booking;
    shard.booking.reindex(&mut shard.roster, waiting)?;
    if let Some(json) = state.programme {
        let source: registry::Programme =
            serde_json::from_str(&json).map_err(|error| error.to_string())?;
        programme::check(&source).map_err(|error| error.to_string())?;
        shard.zone = programme::zone_of(&source).map_err(|error| error.to_string())?;
        let today = shard.booking.day;
        let (names, accounts) = (&mut shard.cohorts, &mut shard.accounts);
        // Every day up to today has begun what it begins.
        shard.programme = Programme::new(source, today, names, accounts);
    }
    if let Some(json) = state.calendar {
        let source: registry::CalendarEntries =
            serde_json::from_str(&json).map_err(|error| error.to_string())?;
        calendar::check(&source).map_err(|error| error.to_string())?;
        shard.calendar = Calendar::new(source, &mut shard.cohorts);
    }
    for (json, void) in state.grants {
        let source: registry::Grant =
            serde_json::from_str(&json).map_err(|error| error.to_string())?;
        grants::check(&source).map_err(|error| error.to_string())?;
        if shard.grants.number(&source.id).is_some() {
            return Err(format!("grant {:?} stands twice", source.id));
        }
        shard.grants.add(source, void, &mut shard.cohorts);
    }
    for json in state.catalogues {
        let source: registry::Catalogue =
            serde_json::from_str(&json).map_err(|error| error.to_string())?;
        catalogue::check(&source).map_err(|error| error.to_string())?;
        shard.catalogue.add(source, &mut shard.services);
    }
    if shard.clock_ms != NEVER {
        shard.zone.attend(shard.clock_ms);
        // Nothing is left to forget, but days that still fill take their form.
        shard
            .seen
            .forget(utc_day(shard.clock_ms), config.horizon_days);
        shard.find_next_due();
    }
    Ok(shard)
}
