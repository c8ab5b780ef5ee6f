//! The demo's programme and catalogue. Public: the pupils' 20 GB, Ramadan, the school breaks. All else is fictitious.

use super::{
    Allowance, Breaker, Catalogue, Class, Cohort, DayKind, Grant, OnExhausted, Programme, Rule,
};
use crate::demand::calendar_entries;
use crate::population::{DeviceKind, TABLET_MODELS, type_allocation_code};
use crate::zone::{Date, month_of, next_month, plus_days};

const GB: u64 = 1_000_000_000;
const MB: u64 = 1_000_000;

/// The five cohorts, in the order of [`demo_programme`].
pub const PILOT: usize = 0;
pub const TEACHERS: usize = 1;
pub const INSPECTORS: usize = 2;
pub const KHATWAT: usize = 3;
pub const SCHOOLS: usize = 4;

/// The gift is valid from this day of the window on, for so many days: in the demo from the first day of Ramadan
/// until the day of Eid.
const GIFT_BEGINS: i64 = 18;
const GIFT_DAYS: i64 = 30;

/// The demo's programme. The breaker stays out of reach: whether it trips depends on how SIMs fall on partitions, and
/// the truth must not.
pub fn demo_programme(from: Date, enforce_from: Date) -> Programme {
    let cohort =
        |id, education: (u64, OnExhausted), other: (u64, OnExhausted), thresholds| Cohort {
            id,
            enforce_from: Some(enforce_from),
            education: Some(allowance(education.0, education.1)),
            system: Some(allowance(2 * GB, OnExhausted::Block)),
            other: Some(allowance(other.0, other.1)),
            thresholds,
            restore_over_minutes: 30,
            breaker: Breaker {
                share_percent: 100,
                at_least: 100_000,
            },
        };
    let throttle = |kbit_s| OnExhausted::Throttle { kbit_s };
    let nothing = (0, OnExhausted::Block);
    let all: &[u32] = &[50, 80, 100];
    let mut pilot = cohort("pilote-rural", (20 * GB, throttle(512)), nothing, all);
    if let Some(education) = &mut pilot.education {
        education.rollover_max_bytes = 5 * GB;
    }
    let valid_to = plus_days(next_month(plus_days(month_of(from), 170)), -1);
    Programme {
        id: "tablettes-2026",
        policy_version: format!("{from}.1"),
        valid_from: from,
        valid_to,
        closes_after_days: 7,
        unknown_charged_to: Class::Education,
        tablet_tacs: (1..=TABLET_MODELS)
            .map(|model| type_allocation_code(DeviceKind::Tablet, model))
            .collect(),
        router_tacs: vec![type_allocation_code(DeviceKind::Router, 1)],
        cohorts: vec![
            pilot,
            cohort(
                "supercodeurs-enseignants",
                (10 * GB, throttle(1024)),
                nothing,
                all,
            ),
            // Inspectors are told, and go on; a little of everything else is theirs too.
            cohort(
                "supercodeurs-inspecteurs",
                (8 * GB, OnExhausted::Notify),
                (200 * MB, OnExhausted::Block),
                &[80, 100],
            ),
            // All that associations have is what they are given.
            cohort("khatwat-khir", nothing, nothing, all),
            cohort("ecole-numerique", (40 * GB, throttle(2048)), nothing, all),
        ],
        grants: vec![gift(from)],
        calendar: calendar_entries(from, valid_to),
    }
}

fn allowance(bytes: u64, on_exhausted: OnExhausted) -> Allowance {
    Allowance {
        bytes,
        rollover_max_bytes: 0,
        on_exhausted,
    }
}

fn gift(from: Date) -> Grant {
    let valid_from = plus_days(from, GIFT_BEGINS);
    let valid_until = plus_days(valid_from, GIFT_DAYS);
    let ramadan = calendar_entries(valid_from, valid_until)
        .into_iter()
        .find(|entry| entry.kind == DayKind::Ramadan && plus_days(entry.to, 1) == valid_until);
    Grant {
        id: match ramadan {
            Some(_) => "don-ramadan-1447".to_owned(),
            None => format!("don-{valid_from}"),
        },
        cohort: "khatwat-khir",
        bytes_per_sim: 10 * GB,
        valid_from,
        valid_until,
        until_eid: ramadan.is_some(),
        priority: 10,
        donor: "Khatwat Khir",
    }
}

/// The demo's catalogue; all rating groups are fictitious. One rule begins in the middle of the window, and one rule
/// without a service id stands beside one with it.
pub fn demo_catalogue(from: Date) -> Catalogue {
    let since = month_of(from);
    let rule = |service, class, rating_group, service_id, valid_from| Rule {
        service,
        class,
        rating_group,
        service_id,
        valid_from,
    };
    use Class::{Education, Other, System};
    Catalogue {
        version: format!("{from}.1"),
        rules: vec![
            rule("telmidtice", Education, 4101, Some(11), since),
            rule("taalim", Education, 4101, None, since),
            rule("codingprimaire", Education, 4102, None, since),
            rule("encyclopedie", Education, 4103, None, since),
            rule("bibliotheque", Education, 4105, None, plus_days(from, 14)),
            rule("os-mdm-updates", System, 4190, None, since),
            rule("dns-ntp", System, 4191, None, since),
            rule("internet", Other, 10, None, since),
            rule("video", Other, 20, None, since),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gift_lasts_from_ramadan_to_eid() {
        let from: Date = "2026-02-01".parse().unwrap();
        let programme = demo_programme(from, plus_days(from, 7));
        let gift = &programme.grants[0];
        assert_eq!(
            (gift.valid_from.to_string(), gift.valid_until.to_string()),
            ("2026-02-19".to_owned(), "2026-03-21".to_owned())
        );
        assert!(gift.until_eid);
        let later = demo_programme("2026-09-17".parse().unwrap(), from);
        assert!(!later.grants[0].until_eid);
        assert!(programme.is_break("2026-03-18".parse().unwrap()));
    }
}
