//! Grants and roll-over: Q7 to Q11.

use hissa_carrier::truth::{AlertKind, Change, Truth};

use super::{GB, alerts, at, books, decisions, enrol, sim, standing, usage};

/// SIM 9 of `khatwat-khir` (0 GB, block), with its gift of 10 GB from 19 February until 21 March; it uses so many
/// gigabytes at noon of these days, and the clock goes on to a time.
fn gift(uses: &[(&str, u64)], until: &str) -> Truth {
    let mut books = books();
    enrol(&mut books, "01-31 11:00", 9, "khatwat-khir", "2026-02-01");
    for (number, (day, gigabytes)) in (1..).zip(uses) {
        let (from, to) = (format!("{day} 12:00"), format!("{day} 12:10"));
        let record = usage(sim(9), number, &from, &to, gigabytes * GB);
        books.record(at(&format!("{day} 12:15")), &record);
    }
    books.quiet(at(until));
    books.finish(None)
}

#[test]
fn a_grant_restores_whatever_went_over_before_and_its_end_cuts_again() {
    let truth = gift(&[("02-10", 50), ("02-20", 4), ("03-05", 3)], "03-21 00:00");
    let education: Vec<String> = decisions(&truth, sim(9))
        .into_iter()
        .filter(|line| line.starts_with("education"))
        .collect();
    assert_eq!(
        education,
        [
            "education 1 allow Enrolled 2026-01-01 -",
            "education 2 block EnforcementStarted 2026-02-01 -",
            "education 3 allow Granted 2026-02-01 -",
            "education 4 block Exhausted 2026-03-01 -",
        ]
    );
    // The fifty went over; four came from the grant, which is all that February keeps of it.
    assert_eq!(standing(&truth, 9, "2026-02-01"), Some((0, 4, 54)));
    assert_eq!(standing(&truth, 9, "2026-03-01"), Some((0, 3, 3)));
    let gift = &truth.grants[0];
    assert_eq!((gift.sims, gift.used_bytes), (1, 7 * GB));
}

#[test]
fn a_grant_is_used_up_across_cycles() {
    let truth = gift(&[("02-20", 6), ("03-05", 4)], "03-06 00:00");
    let last = decisions(&truth, sim(9))
        .into_iter()
        .rfind(|l| l.starts_with("education"));
    assert_eq!(
        last.as_deref(),
        Some("education 4 block Exhausted 2026-03-01 2")
    );
    // Of the ten, four were left when March began, and 80 % of those is 3.2.
    assert_eq!(alerts(&truth), ["SimExhausted 1 Fire 2026-03-01"]);
}

#[test]
fn a_late_row_of_an_ended_cycle_may_use_up_the_grant_of_the_current_one() {
    let mut books = books();
    enrol(&mut books, "01-31 11:00", 9, "khatwat-khir", "2026-02-01");
    let late = usage(sim(9), 1, "02-27 12:00", "02-27 12:10", 10 * GB);
    books.record(at("03-03 12:00"), &late);
    let truth = books.finish(None);
    let last = decisions(&truth, sim(9))
        .into_iter()
        .rfind(|l| l.starts_with("education"));
    assert_eq!(
        last.as_deref(),
        Some("education 4 block Exhausted 2026-03-01 1")
    );
    assert_eq!(standing(&truth, 9, "2026-02-01"), Some((0, 10, 10)));
    assert_eq!(standing(&truth, 9, "2026-03-01"), Some((0, 0, 0)));
}

#[test]
fn a_grant_with_much_left_is_said_to_expire_a_week_before() {
    let of_sim = |uses: &[(&str, u64)], until| -> Vec<(Change, i64)> {
        let changes = gift(uses, until).alerts.into_iter();
        let expiring = changes.filter(|a| a.kind == AlertKind::GrantExpiring);
        expiring.map(|a| (a.change, a.at_ms)).collect()
    };
    // 14 March 00:00 in Ramadan is 00:00 UTC.
    let fired = (Change::Fire, at("03-14 00:00"));
    assert_eq!(of_sim(&[("02-20", 6)], "03-14 01:00"), [fired]);
    assert_eq!(
        of_sim(&[("02-20", 7)], "03-14 01:00"),
        [],
        "30 % are left, not more"
    );
    let used = (Change::Resolve, at("03-15 12:15"));
    assert_eq!(
        of_sim(&[("02-20", 6), ("03-15", 1)], "03-22 00:00"),
        [fired, used]
    );
    let ended = (Change::Resolve, at("03-21 00:00"));
    assert_eq!(of_sim(&[], "03-22 00:00"), [fired, ended]);
}

#[test]
fn what_is_left_of_a_month_goes_into_the_next_up_to_five_gigabytes() {
    for (used, limit) in [(2, 25), (18, 22), (30, 20)] {
        let mut books = books();
        let record = usage(sim(1), 1, "02-10 12:00", "02-10 12:10", used * GB);
        books.record(at("02-10 12:15"), &record);
        books.quiet(at("03-01 00:00"));
        // What comes late is not taken from March.
        let late = usage(sim(1), 2, "02-27 12:00", "02-27 12:10", 10 * GB);
        books.record(at("03-02 12:00"), &late);
        let truth = books.finish(None);
        assert_eq!(standing(&truth, 1, "2026-02-01"), Some((20, 0, used + 10)));
        assert_eq!(
            standing(&truth, 1, "2026-03-01"),
            Some((limit, 0, 0)),
            "{used}"
        );
    }
}
