use hissa_core::alert::{AlertKind, Change};
use jiff::civil::date;

use super::LINK;
use crate::samples::{change, quota};
use crate::text::Texts;

/// The reset of the samples.
const RESET: i64 = 1_772_323_200_000;

#[test]
fn texts_about_a_quota_read_as_a_person_would_write_them() {
    use AlertKind::{SimExhausted, SimQuota80};
    use Change::{Fire, Resolve, Update};
    let texts = Texts::french().unwrap();
    let late = Some(date(2026, 2, 24));
    let full = 20_000_000_100;
    // Kind, change, state, date, time, granted and used bytes, tag.
    let table: [(_, _, _, _, _, _, _, &str); 14] = [
        (
            SimQuota80,
            Fire,
            "block",
            late,
            0,
            (0, 16_040_000_000),
            Some("T-0412"),
            "Tablette T-0412 : 16,0 Go sur 20 utilisés. À ce rythme, fin vers le 24 février 2026. Remise à zéro : 1 mars 2026. https://h.example/a",
        ),
        (
            SimQuota80,
            Update,
            "block",
            None,
            0,
            (2_500_000_000, 19_000_000_000),
            Some("T-0412"),
            "Tablette T-0412 : 19,0 Go sur 22,5 utilisés. À ce rythme, le quota suffit jusqu'à la remise à zéro : 1 mars 2026. https://h.example/a",
        ),
        (
            SimQuota80,
            Resolve,
            "block",
            None,
            RESET,
            (0, full),
            Some("T-0412"),
            "Tablette T-0412 : de nouveau sous le seuil du quota (remise à zéro du 1 mars 2026).",
        ),
        (
            SimQuota80,
            Resolve,
            "block",
            None,
            0,
            (0, 15_999_999_999),
            Some("T-0412"),
            "Tablette T-0412 : de nouveau sous le seuil du quota (quota relevé).",
        ),
        (
            SimQuota80,
            Resolve,
            "block",
            None,
            0,
            (0, 16_000_000_000),
            Some("T-0412"),
            "Tablette T-0412 : le quota ne s'applique plus.",
        ),
        (
            SimExhausted,
            Fire,
            "throttle",
            None,
            0,
            (0, full),
            Some("T-0412"),
            "Tablette T-0412 : 20 Go épuisés. Sites éducatifs ralentis jusqu'au 1 mars 2026. Prolongation : https://h.example/a",
        ),
        (
            SimExhausted,
            Fire,
            "block",
            None,
            0,
            (0, full),
            None,
            "Une tablette sans étiquette : 20 Go épuisés. Sites éducatifs bloqués jusqu'au 1 mars 2026. Prolongation : https://h.example/a",
        ),
        (
            SimExhausted,
            Fire,
            "allow",
            None,
            0,
            (0, full),
            Some("T-0412"),
            "Tablette T-0412 : 20 Go épuisés. Les sites éducatifs restent accessibles. Remise à zéro : 1 mars 2026. https://h.example/a",
        ),
        (
            SimExhausted,
            Resolve,
            "block",
            None,
            RESET,
            (0, full),
            Some("T-0412"),
            "Tablette T-0412 : accès rétabli (remise à zéro du 1 mars 2026).",
        ),
        (
            SimExhausted,
            Resolve,
            "throttle",
            None,
            0,
            (0, 16_040_000_000),
            None,
            "Une tablette sans étiquette : accès rétabli (quota relevé).",
        ),
        // A top-up restores, however much was leaked before.
        (
            SimExhausted,
            Resolve,
            "throttle",
            None,
            0,
            (1_000_000_000, 25_000_000_000),
            Some("T-0412"),
            "Tablette T-0412 : accès rétabli (quota relevé).",
        ),
        // It was retired with nothing left.
        (
            SimExhausted,
            Resolve,
            "throttle",
            None,
            0,
            (0, full),
            Some("T-0412"),
            "Tablette T-0412 : le quota ne s'applique plus.",
        ),
        (
            SimExhausted,
            Resolve,
            "allow",
            None,
            RESET,
            (0, full),
            Some("T-0412"),
            "Tablette T-0412 : quota de nouveau disponible (remise à zéro du 1 mars 2026).",
        ),
        (
            SimExhausted,
            Resolve,
            "allow",
            None,
            0,
            (0, 1),
            Some("T-0412"),
            "Tablette T-0412 : quota de nouveau disponible (quota relevé).",
        ),
    ];
    for (kind, what, state, runs_out_on, at_ms, (granted, used), tag, expected) in table {
        let mut said = change(kind, what);
        said.at_ms = at_ms;
        let quota = quota(&mut said);
        quota.state = state.into();
        quota.runs_out_on = runs_out_on;
        (quota.granted_bytes, quota.used_bytes) = (granted, used);
        assert_eq!(texts.say(&said, tag, LINK), expected);
    }
}

#[test]
fn a_cycle_without_a_known_end_promises_no_reset() {
    let texts = Texts::french().unwrap();
    for (kind, state, runs_out_on, expected) in [
        (
            AlertKind::SimQuota80,
            "block",
            Some(date(2026, 2, 24)),
            "Tablette T-0412 : 16,0 Go sur 20 utilisés. À ce rythme, fin vers le 24 février 2026. https://h.example/a",
        ),
        (
            AlertKind::SimQuota80,
            "block",
            None,
            "Tablette T-0412 : 16,0 Go sur 20 utilisés. À ce rythme, le quota suffit. https://h.example/a",
        ),
        (
            AlertKind::SimExhausted,
            "block",
            None,
            "Tablette T-0412 : 20 Go épuisés. Sites éducatifs bloqués. Prolongation : https://h.example/a",
        ),
        (
            AlertKind::SimExhausted,
            "allow",
            None,
            "Tablette T-0412 : 20 Go épuisés. Les sites éducatifs restent accessibles. https://h.example/a",
        ),
    ] {
        let mut said = change(kind, Change::Fire);
        let quota = quota(&mut said);
        quota.state = state.into();
        quota.runs_out_on = runs_out_on;
        (quota.resets_at_ms, quota.resets_on) = (None, None);
        assert_eq!(texts.say(&said, Some("T-0412"), LINK), expected);
    }
}
