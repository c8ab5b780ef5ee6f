//! The replay of one SIM against the whole shard, and the paragraph that is said. Entries are values here; no Kafka is
//! needed.

use std::collections::BTreeMap;

use hissa_core::decision::Decision;
use hissa_core::outcome::RejectReason;
use hissa_core::registry::{
    Allowance, Block, Breaker, Catalogue, Class, Cohort, Command, Enrolment, Entered, OnExhausted,
    Period, Place, Programme, Revision, Rule, Scope,
};
use hissa_core::shard::{Effects, Shard, ShardConfig};
use hissa_core::sim::{FeedId, NodeId, SimId};
use hissa_core::usage::{Source, UsageRow};
use hissa_core::wire::{Entry, Progress};
use jiff::tz::TimeZone;

use super::evidence::{AddedAgain, Crossing, Evidence};
use super::replay::Replay;
use super::sentence;

const OURS: SimId = SimId([0x71; 16]);
const OTHER: SimId = SimId([0x72; 16]);
/// 1 February 2026, 12:00 UTC.
const NOON_MS: i64 = 1_769_947_200_000;
const HOUR_MS: i64 = 3_600_000;
const GB: u64 = 1_000_000_000;

fn row(sim: SimId, number: u64, at_ms: i64, rating_group: u32, bytes: u64) -> UsageRow {
    let source = Source {
        feed: FeedId::parse("carrier-json").unwrap(),
        epoch: 1,
        partition: 0,
    };
    let mut row = UsageRow::stub(source, number, at_ms + 60_000, RejectReason::TooLarge);
    row.kind = 0;
    row.reject_reason = 0;
    row.sim = sim.0;
    row.node = NodeId::parse("pgw-1").unwrap().bytes();
    row.charging_id = number.into();
    row.opened_at_ms = (at_ms - HOUR_MS).into();
    row.rating_group = rating_group.into();
    row.container_sequence = 1.into();
    row.started_at_ms = (at_ms - HOUR_MS).into();
    row.ended_at_ms = at_ms.into();
    row.downlink_bytes = bytes.into();
    row
}

fn block(from_rev: u64, entered_at_ms: i64, commands: Vec<Command>) -> Entry<'static> {
    let commands: Vec<Revision> = (from_rev..)
        .zip(commands)
        .map(|(rev, command)| Revision {
            rev,
            entered: Entered {
                entered_at_ms,
                command,
            },
        })
        .collect();
    Entry::Block(Block {
        from_rev,
        to_rev: from_rev + commands.len() as u64,
        commands,
    })
}

fn programme() -> Command {
    let allowance = |scope: Scope, bytes| Allowance {
        id: scope.as_str().into(),
        scope,
        bytes,
        every: Period::Month,
        rollover_max_bytes: 0,
        on_exhausted: OnExhausted::Throttle { kbit_s: 512 },
    };
    let (timezone, tzif) = crate::config::programme::zone_data("Africa/Casablanca").unwrap();
    Command::Programme(Programme {
        id: "tablettes-2026".into(),
        policy_version: "2026-02-01.1".into(),
        timezone: timezone.into(),
        tzif_hex: hex::encode(tzif),
        closes_after_days: 7,
        unknown_charged_to: Class::Education,
        privacy_k: 10,
        tablet_tacs: Vec::new(),
        router_tacs: Vec::new(),
        cohorts: vec![Cohort {
            id: "pilote-rural".into(),
            enforce_from: Some("2026-02-01".parse().unwrap()),
            allowances: vec![
                allowance(Scope::Education, 20 * GB),
                allowance(Scope::Other, GB),
            ],
            thresholds: vec![80, 100],
            restore_over_ms: 0,
            breaker: Breaker::default(),
        }],
    })
}

fn catalogue() -> Command {
    let rule = |rating_group, class, service: &str| Rule {
        rating_group,
        service_id: None,
        class,
        service: service.into(),
        valid_from: None,
    };
    Command::Catalogue(Catalogue {
        version: "2026-02-01.1".into(),
        rules: vec![
            rule(4101, Class::Education, "taalim"),
            rule(10, Class::Other, "internet"),
        ],
    })
}

fn enrol(sim: SimId) -> Command {
    Command::Enrol(Enrolment {
        sim,
        device: None,
        device_tac: 0,
        cohort: "pilote-rural".into(),
        valid_from: "2026-02-01".parse().unwrap(),
        valid_until: None,
        place: Place::default(),
    })
}

/// The eighth of sixteen partitions.
fn config() -> ShardConfig {
    ShardConfig::new(1, 7, 16)
}

/// Runs entries through the whole shard; the decisions about our SIM.
fn by_the_shard(entries: &[Entry<'_>]) -> Vec<Decision> {
    let mut shard = Shard::new(config());
    let mut effects = Effects::default();
    for (offset, entry) in (0..).zip(entries) {
        shard.apply(entry, offset, &mut effects).unwrap();
    }
    effects.decisions.retain(|decision| decision.sim == OURS);
    effects.decisions
}

/// Runs entries through the replay until it makes the wanted decision.
fn by_replay(
    entries: &[Entry<'_>],
    wanted: &Decision,
) -> (Option<Decision>, u64, BTreeMap<&'static str, u64>) {
    let mut replay = Replay::new(OURS, config());
    let until = |made: &Decision| (made.class, made.sequence) == (wanted.class, wanted.sequence);
    let mut found = None;
    for entry in entries {
        found = replay.apply(entry, until).unwrap();
        if found.is_some() {
            break;
        }
    }
    let sum = replay.sum(wanted.cycle, &wanted.allowance.id);
    (found, sum.bytes, sum.outcomes)
}

/// Frames in which two SIMs take turns, with a repeat and traffic that no rule knows.
fn frames() -> [Vec<UsageRow>; 2] {
    let first = vec![
        row(OURS, 1, NOON_MS, 4101, 8 * GB),
        row(OTHER, 2, NOON_MS, 4101, 30 * GB),
        row(OURS, 1, NOON_MS, 4101, 8 * GB),
        row(OURS, 3, NOON_MS + HOUR_MS, 10, 2 * GB),
    ];
    // The repeat comes from a later offset of the carrier, so that it is a duplicate and no republication.
    let mut repeat = first[2];
    repeat.source_offset = 4.into();
    let second = vec![
        repeat,
        row(OTHER, 5, NOON_MS + HOUR_MS, 4101, GB),
        row(OURS, 6, NOON_MS + 2 * HOUR_MS, 777, 5 * GB),
        row(OURS, 7, NOON_MS + 2 * HOUR_MS, 4101, 7 * GB + 3),
        row(OURS, 8, NOON_MS + 2 * HOUR_MS, 4101, GB),
    ];
    [first, second]
}

#[test]
fn a_replay_of_one_sim_makes_the_decisions_of_the_whole_shard() {
    let [first, second] = frames();
    let entries = [
        block(
            0,
            NOON_MS - 24 * HOUR_MS,
            vec![programme(), catalogue(), enrol(OURS), enrol(OTHER)],
        ),
        Entry::Rows(&first),
        Entry::Progress(Progress {
            sources: Vec::new(),
            as_of_ms: NOON_MS + HOUR_MS,
        }),
        Entry::Rows(&second),
        // The next month begins.
        Entry::Progress(Progress {
            sources: Vec::new(),
            as_of_ms: NOON_MS + 40 * 24 * HOUR_MS,
        }),
    ];
    let decisions = by_the_shard(&entries);
    let made: Vec<String> = decisions
        .iter()
        .map(|d| {
            format!(
                "{} {} {}",
                d.class.as_str(),
                d.action.as_str(),
                d.reason.as_str()
            )
        })
        .collect();
    assert_eq!(
        made,
        [
            "education allow enrolled",
            "other allow enrolled",
            "system allow enrolled",
            "other throttle exhausted",
            "education throttle exhausted",
            "education allow reset",
            "other allow reset",
        ]
    );
    for decision in &decisions {
        let (again, bytes, outcomes) = by_replay(&entries, decision);
        let again = again.unwrap();
        assert_eq!(
            (
                again.action,
                again.reason,
                &again.allowance,
                again.effective_at_ms
            ),
            (
                decision.action,
                decision.reason,
                &decision.allowance,
                decision.effective_at_ms
            ),
        );
        assert_eq!(bytes, decision.allowance.used_bytes, "{decision:?}");
        if decision.class == Class::Education && decision.cause.is_some() {
            // 8 GB, 5 GB that no rule knows, 7 GB and 3 bytes; what came behind the crossing record is not in it.
            assert_eq!(bytes, 20 * GB + 3);
            assert_eq!(
                outcomes,
                BTreeMap::from([("counted", 4), ("duplicate", 1), ("republished", 1)])
            );
        }
    }
}

#[test]
fn bytes_that_were_held_before_enrolment_are_added_up_too() {
    let held = vec![
        // Local 31 January: before the enrolment's date, so they stay held.
        row(OURS, 1, NOON_MS - 24 * HOUR_MS, 4101, 9 * GB),
        row(OURS, 2, NOON_MS, 4101, 21 * GB),
    ];
    let entries = [
        block(0, NOON_MS - 48 * HOUR_MS, vec![programme(), catalogue()]),
        Entry::Rows(&held),
        block(2, NOON_MS + HOUR_MS, vec![enrol(OURS)]),
    ];
    let decisions = by_the_shard(&entries);
    let education = decisions
        .iter()
        .find(|d| d.class == Class::Education)
        .unwrap();
    assert_eq!(education.action.as_str(), "throttle");
    let (again, bytes, outcomes) = by_replay(&entries, education);
    assert!(again.is_some());
    assert_eq!((bytes, education.allowance.used_bytes), (21 * GB, 21 * GB));
    assert_eq!(outcomes, BTreeMap::from([("held", 2), ("taken over", 1)]));
}

fn evidence() -> Evidence {
    Evidence {
        log_first: 0,
        log_end: 900,
        crossing: Some(Crossing::Same {
            bytes: 7 * GB + 3,
            delivered_at_ms: NOON_MS,
        }),
        added_again: Some(AddedAgain {
            entries: 4,
            rows: BTreeMap::from([("counted".into(), 4), ("duplicate".into(), 1)]),
            bytes: 20 * GB + 3,
            same_decision: true,
        }),
    }
}

fn exhausted() -> Decision {
    let [first, second] = frames();
    let entries = [
        block(
            0,
            NOON_MS - 24 * HOUR_MS,
            vec![programme(), catalogue(), enrol(OURS)],
        ),
        Entry::Rows(&first),
        Entry::Rows(&second),
    ];
    let all = by_the_shard(&entries);
    all.into_iter()
        .find(|d| d.class == Class::Education && d.cause.is_some())
        .unwrap()
}

fn zone() -> TimeZone {
    let (name, tzif) = crate::config::programme::zone_data("Africa/Casablanca").unwrap();
    TimeZone::tzif(name, tzif).unwrap()
}

#[test]
fn an_exhausted_allowance_is_told_with_its_record_and_its_sum() {
    let text = sentence::text("T-0412", &exhausted(), &evidence(), &zone());
    insta::assert_snapshot!(text, @r"
    T-0412 education throttled to 512 kbit/s 2026-02-01 15:01 (+01). 20.00 of 20 GB, grants 0. The allowance of the cycle from 2026-02-01 was used up. Crossing record: hissa.usage/7 @2 row 3 (carrier-json partition 0 @7, pgw-1 CDR 7 sequence 0, rating group 4101, service id 0). Policy and catalogue 2026-02-01.1. Rule: cohort pilote-rural: 20 GB of education a month, then throttled to 512 kbit/s; rating group 4101 is taalim (education). Resets 2026-03-01 00:00.
    Read again, that entry holds this record, of 7000000003 bytes. Added up again from 4 entries of the log (rows of this SIM: 4 counted, 1 duplicate): 20000000003 bytes, as the decision says.
    ");
}

#[test]
fn what_retention_has_taken_is_told() {
    let gone = Evidence {
        log_first: 700,
        log_end: 900,
        crossing: Some(Crossing::Gone),
        added_again: None,
    };
    assert!(gone.bears_out(&exhausted()));
    insta::assert_snapshot!(gone.sentences(&exhausted()).join("\n"), @r"
    That entry is gone: retention has taken it.
    The total cannot be added up again: the log begins at offset 700, retention has taken what was before.
    ");
}

#[test]
fn a_log_that_says_otherwise_does_not_bear_the_decision_out() {
    let mut other_sum = evidence();
    other_sum.added_again.as_mut().unwrap().bytes = 19 * GB;
    let mut other_record = evidence();
    other_record.crossing = Some(Crossing::Other);
    let mut no_decision = evidence();
    no_decision.added_again.as_mut().unwrap().same_decision = false;
    assert!(evidence().bears_out(&exhausted()));
    for evidence in [other_sum, other_record, no_decision] {
        assert!(!evidence.bears_out(&exhausted()));
        let shouted = evidence.sentences(&exhausted()).join(" ");
        assert!(
            shouted.contains("READ AGAIN")
                || shouted.contains("WHICH IS NOT")
                || shouted.contains("RULES DO NOT"),
            "{shouted}"
        );
    }
}

#[test]
fn a_decision_without_a_record_is_explained_by_its_rule() {
    let entries = [block(
        0,
        NOON_MS,
        vec![programme(), catalogue(), enrol(OURS)],
    )];
    let decisions = by_the_shard(&entries);
    let nothing = Evidence {
        log_end: 1,
        added_again: Some(AddedAgain {
            entries: 1,
            rows: BTreeMap::new(),
            bytes: 0,
            same_decision: true,
        }),
        ..Evidence::default()
    };
    let texts: Vec<String> = decisions
        .iter()
        .map(|decision| sentence::text("T-0412", decision, &nothing, &zone()))
        .collect();
    insta::assert_snapshot!(texts.concat(), @r"
    T-0412 education allowed 2026-02-01 13:00 (+01). 0.00 of 20 GB, grants 0. Decided when the SIM was enrolled, as for every class then. Policy and catalogue 2026-02-01.1. Rule: cohort pilote-rural: 20 GB of education a month, then throttled to 512 kbit/s.
    Added up again from 1 entry of the log (rows of this SIM: none): 0 bytes, as the decision says.
    T-0412 other allowed 2026-02-01 13:00 (+01). 0.00 of 1 GB, grants 0. Decided when the SIM was enrolled, as for every class then. Policy and catalogue 2026-02-01.1. Rule: cohort pilote-rural: 1 GB of other a month, then throttled to 512 kbit/s.
    Added up again from 1 entry of the log (rows of this SIM: none): 0 bytes, as the decision says.
    T-0412 system allowed 2026-02-01 13:00 (+01). No allowance limits it. Decided when the SIM was enrolled, as for every class then. Policy and catalogue 2026-02-01.1. Rule: system is always allowed.
    Added up again from 1 entry of the log (rows of this SIM: none): 0 bytes, as the decision says.
    ");
}
