//! One change of each kind, for tests.

use hissa_core::alert::{
    AlertChange, AlertKind, Change, Conflict, Expiring, Idle, Moved, OrdersHeld, Quota, Sharing,
    Subject, Tablet,
};
use hissa_core::decision::{Cause, RecordIdentity};
use hissa_core::registry::Class;
use hissa_core::sim::{FeedId, SimId};
use hissa_core::usage::{Position, Source};
use jiff::civil::date;

pub(crate) const KINDS: [AlertKind; 8] = crate::metrics::KINDS;

/// A change of February, of a SIM whose pseudonym is all 0xab.
pub(crate) fn change(kind: AlertKind, change: Change) -> AlertChange {
    let sim = SimId([0xab; 16]);
    AlertChange {
        generation: 1,
        partition: 10,
        id: format!("{}/{sim}/2026-02-01", kind.as_str()),
        revision: if change == Change::Fire { 1 } else { 2 },
        change,
        at_ms: 1_771_000_000_000,
        on: date(2026, 2, 13),
        offset: 88_231,
        policy_version: "p1".into(),
        catalogue_version: "c1".into(),
        rule: String::new(),
        cause: None,
        subject: subject(kind),
    }
}

fn subject(kind: AlertKind) -> Subject {
    let tablet = Tablet {
        sim: SimId([0xab; 16]),
        cohort: "pilote-rural".into(),
        school: "06.211.99.01".into(),
    };
    let quota = || Quota {
        tablet: tablet.clone(),
        allowance: "education".into(),
        cycle: date(2026, 2, 1),
        limit_bytes: 20_000_000_000,
        granted_bytes: 0,
        used_bytes: 16_040_000_000,
        resets_at_ms: Some(1_772_323_200_000),
        resets_on: Some(date(2026, 3, 1)),
        runs_out_on: Some(date(2026, 2, 24)),
        state: "throttle".into(),
    };
    match kind {
        AlertKind::SimQuota80 => Subject::SimQuota80(quota()),
        AlertKind::SimExhausted => Subject::SimExhausted(quota()),
        AlertKind::TabletIdle => Subject::TabletIdle(Idle {
            tablet,
            last_used_on: None,
            school_days: 10,
        }),
        AlertKind::SimMoved => Subject::SimMoved(Moved {
            tablet,
            since: date(2026, 2, 11),
            device_tac: 35_209_900,
        }),
        AlertKind::PossibleSharing => Subject::PossibleSharing(Sharing {
            tablet,
            usage_day: date(2026, 2, 12),
            bytes: 2_560_000_000,
            education_bytes: 100_000_000,
        }),
        AlertKind::RecordConflict => Subject::RecordConflict(Conflict {
            feed: FeedId::parse("pgw-1").unwrap(),
            hour_at_ms: 1_771_000_000_000,
            records: 3,
        }),
        AlertKind::GrantExpiring => Subject::GrantExpiring(Expiring {
            tablet,
            grant: "don-examens".into(),
            donor: "fondation".into(),
            given_bytes: 5_000_000_000,
            left_bytes: 4_290_000_000,
            valid_until: date(2026, 2, 20),
        }),
        AlertKind::OrdersHeld => Subject::OrdersHeld(OrdersHeld {
            cohort: "pilote-rural".into(),
            class: Class::Education,
            held: 412,
        }),
    }
}

/// The figures of an alert about a quota.
pub(crate) fn quota(change: &mut AlertChange) -> &mut Quota {
    match &mut change.subject {
        Subject::SimQuota80(quota) | Subject::SimExhausted(quota) => quota,
        _ => panic!("an alert about no quota"),
    }
}

/// A row that caused a change.
pub(crate) fn cause() -> Cause {
    Cause {
        offset: 88_231,
        row: 0,
        source: Source {
            feed: FeedId::parse("pgw-1").unwrap(),
            epoch: 1,
            partition: 0,
        },
        source_position: Position { offset: 1, row: 0 },
        record: RecordIdentity {
            node: "pgw-1".into(),
            charging_id: 1,
            record_sequence: 1,
            opened_at_ms: 1_771_000_000_000,
            rating_group: 4101,
            service_id: 11,
            container_sequence: 1,
        },
    }
}
