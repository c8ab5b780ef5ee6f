//! SIMs that leave and come, what they bring along, and counters: sections 6 and 7, Q13.

use hissa_carrier::policy::Class;
use hissa_carrier::record::{Counter, Record};
use hissa_carrier::truth::{Flag, Opening, Outcome, Truth};

use super::{GB, alerts, at, books, date, decisions, enrol, sim, standing, usage, usage_of};

/// SIM 1 has used so much when SIM 2 takes its place on 14 February; later it is said again.
fn replaced(before: u64, own: u64, again: u64) -> Truth {
    let mut books = books();
    let record = usage(sim(1), 1, "02-12 12:00", "02-12 12:10", before * GB);
    books.record(at("02-12 12:15"), &record);
    books.retire(at("02-14 09:00"), sim(1), date("2026-02-14"));
    enrol(&mut books, "02-14 09:00", 2, "pilote-rural", "2026-02-14");
    let opening = |gigabytes, revision| Opening {
        imsi: sim(2),
        allowance: Class::Education,
        used_bytes: gigabytes * GB,
        as_of: date("2026-02-14"),
        revision,
    };
    books.open(at("02-14 09:00"), &opening(before, 1));
    let record = usage(sim(2), 2, "02-16 12:00", "02-16 12:10", own * GB);
    books.record(at("02-16 12:15"), &record);
    books.open(at("02-20 09:00"), &opening(again, 2));
    books.open(at("02-21 09:00"), &opening(99, 2));
    books.quiet(at("03-01 00:00"));
    books.finish(None)
}

#[test]
fn a_sim_that_leaves_is_blocked_and_the_new_one_goes_on_where_it_was() {
    let truth = replaced(5, 3, 6);
    assert_eq!(
        decisions(&truth, sim(1))[..3],
        [
            "education 1 allow Enrolled 2026-01-01 -",
            "education 2 block Retired 2026-02-01 -",
            "system 1 allow Enrolled 2026-01-01 -",
        ]
    );
    assert_eq!(standing(&truth, 2, "2026-02-01"), Some((20, 0, 9)));
    assert_eq!(standing(&truth, 1, "2026-02-01"), Some((20, 0, 5)));
    assert_eq!(
        standing(&truth, 1, "2026-03-01"),
        None,
        "it is not enrolled in March"
    );
    // 11 GB were left, of which 5 roll over.
    assert_eq!(standing(&truth, 2, "2026-03-01"), Some((25, 0, 0)));
    assert_eq!(truth.parts.replaced, 1);
}

#[test]
fn an_opening_may_exhaust_and_alerts_end_when_a_sim_leaves() {
    let truth = replaced(17, 0, 21);
    let of_new: Vec<String> = decisions(&truth, sim(2));
    assert!(of_new.contains(&"education 2 throttle 512 PolicyChanged 2026-02-01 -".to_owned()));
    let of_old: Vec<_> = truth.alerts.iter().filter(|a| a.imsi == sim(1)).collect();
    assert_eq!(of_old.len(), 2, "80 % was reached");
    assert_eq!(of_old[1].at_ms, at("02-14 09:00"));
    assert_eq!(alerts(&truth).len(), 2 + 4);
}

#[test]
fn usage_of_a_sim_that_has_left_counts_up_to_its_last_day() {
    let mut books = books();
    books.retire(at("02-14 09:00"), sim(1), date("2026-02-14"));
    for (number, day, outcome) in [(1, "02-13", Outcome::Counted), (2, "02-14", Outcome::Held)] {
        let (from, to) = (format!("{day} 08:00"), format!("{day} 08:10"));
        let before = books.rows_of(outcome);
        books.record(at("02-14 10:00"), &usage(sim(1), number, &from, &to, 5));
        assert_eq!(books.rows_of(outcome), before + 1, "{day}");
    }
}

#[test]
fn a_counter_counts_its_rise_and_says_what_it_met() {
    let mut books = books();
    let reading = |sequence: u32, hour: u32, bytes: u64| Record {
        counter: Counter::Cumulative32,
        record_sequence: sequence,
        ..usage_of(
            sim(1),
            7,
            (
                &format!("02-10 {hour:02}:00"),
                &format!("02-10 {hour:02}:10"),
            ),
            (4101, 11),
            bytes,
        )
    };
    for (sequence, hour, bytes) in [(1, 8, 100), (3, 10, 700), (2, 9, 300), (4, 11, 50)] {
        books.record(
            at(&format!("02-10 {hour:02}:15")),
            &reading(sequence, hour, bytes),
        );
    }
    let truth = books.finish(None);
    let used: u64 = truth.balances.iter().map(|b| b.standing.used_bytes).sum();
    assert_eq!(used, 750, "700 up to the third, then it began anew");
    let flags: Vec<(Flag, u64)> = truth.flag_days.iter().map(|f| (f.flag, f.bytes)).collect();
    assert_eq!(flags, [(Flag::LateReading, 0), (Flag::Reset, 50)]);
    assert_eq!(
        truth.received_bytes, 1_150,
        "the books count what stands in the rows"
    );
}
