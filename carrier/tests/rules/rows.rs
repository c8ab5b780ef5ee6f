//! Sections 3 to 5: outcomes, closing, class and service.

use hissa_carrier::policy::Class;
use hissa_carrier::truth::{Outcome, QuarantineReason, RejectReason};

use super::{at, balance, books, sim, usage, usage_of};

#[test]
fn a_row_has_the_first_outcome_that_applies() {
    let held = Outcome::Held;
    let quarantined = Outcome::Quarantined;
    let cases = [
        (
            "a first row",
            usage(sim(1), 1, "02-10 08:00", "02-10 08:10", 5),
            Outcome::Counted,
        ),
        (
            "the same again",
            usage(sim(1), 1, "02-10 08:00", "02-10 08:10", 5),
            Outcome::Duplicate,
        ),
        (
            "other bytes",
            usage(sim(1), 1, "02-10 08:00", "02-10 08:10", 6),
            quarantined(QuarantineReason::Conflict),
        ),
        (
            "another SIM",
            usage(sim(2), 1, "02-10 08:00", "02-10 08:10", 5),
            quarantined(QuarantineReason::Conflict),
        ),
        // 10 March less 45 days is 24 January.
        (
            "the last day",
            usage(sim(1), 2, "01-24 00:00", "02-26 00:00", 5),
            Outcome::Late,
        ),
        (
            "a day too old",
            usage(sim(1), 3, "01-23 23:59", "02-26 00:00", 5),
            quarantined(QuarantineReason::TooOld),
        ),
        (
            "5 minutes ahead",
            usage(sim(1), 4, "03-10 11:00", "03-10 12:05", 5),
            Outcome::Counted,
        ),
        (
            "6 minutes ahead",
            usage(sim(1), 5, "03-10 11:00", "03-10 12:06", 5),
            quarantined(QuarantineReason::Future),
        ),
        (
            "ahead, again",
            usage(sim(1), 5, "03-10 11:00", "03-10 12:06", 5),
            quarantined(QuarantineReason::Future),
        ),
        (
            "nobody's",
            usage(sim(3), 6, "02-10 08:00", "02-10 08:10", 5),
            held,
        ),
        (
            "nobody's again",
            usage(sim(3), 6, "02-10 08:00", "02-10 08:10", 5),
            Outcome::Duplicate,
        ),
        (
            "before valid_from",
            usage(sim(1), 7, "01-31 22:00", "01-31 23:00", 5),
            held,
        ),
        (
            "February, to the end",
            usage(sim(1), 8, "02-28 22:00", "03-01 00:00", 5),
            Outcome::Late,
        ),
        (
            "March, from the begin",
            usage(sim(1), 9, "03-01 00:00", "03-01 00:00", 5),
            Outcome::Counted,
        ),
    ];
    for (what, record, outcome) in &cases {
        let mut books = books();
        // The first case is what others repeat; before February closes, it is counted.
        books.record(at("02-10 08:15"), &cases[0].1);
        if record.charging_id == 6 && *outcome == Outcome::Duplicate {
            books.record(at("02-10 08:15"), record);
        }
        if record.charging_id == 5 {
            books.record(at("03-10 12:00"), record);
        }
        let before = books.rows_of(*outcome);
        let delivered = if *what == "a first row" {
            at("02-10 08:15")
        } else {
            at("03-10 12:00")
        };
        let mut record = record.clone();
        if *what == "a first row" {
            record.charging_id = 100;
        }
        books.record(delivered, &record);
        assert_eq!(books.rows_of(*outcome), before + 1, "{what}");
    }
}

#[test]
fn a_month_closes_seven_civil_days_after_its_end() {
    // 8 March 00:00 in Morocco is 00:00 UTC, in Ramadan.
    let mut books = books();
    books.record(
        at("03-07 23:59"),
        &usage(sim(1), 1, "02-28 10:00", "02-28 11:00", 5),
    );
    books.record(
        at("03-08 00:00"),
        &usage(sim(1), 2, "02-28 10:00", "02-28 11:00", 7),
    );
    let truth = books.finish(None);
    assert_eq!((truth.rows_of("counted"), truth.rows_of("late")), (1, 1));
    let february = balance(&truth, "2026-02-01");
    assert_eq!(february, 5, "late rows change no balance");
    let total: u64 = truth
        .sim_days
        .iter()
        .map(|cell| cell.uplink_bytes + cell.downlink_bytes)
        .sum();
    assert_eq!(total, 12, "and stand in the days' totals");
}

#[test]
fn the_catalogue_decides_by_service_id_and_date() {
    let cases = [
        ((4101, 11), "02-10 10:00", Class::Education, "telmidtice"),
        ((4101, 12), "02-10 10:00", Class::Education, "taalim"),
        (
            (4102, 77),
            "02-10 10:00",
            Class::Education,
            "codingprimaire",
        ),
        ((4105, 0), "02-14 10:00", Class::Unknown, ""),
        ((4105, 0), "02-16 10:00", Class::Education, "bibliotheque"),
        ((4190, 0), "02-10 10:00", Class::System, "os-mdm-updates"),
        ((20, 3), "02-10 10:00", Class::Other, "video"),
        ((4199, 0), "02-10 10:00", Class::Unknown, ""),
    ];
    for (flow, when, class, service) in cases {
        let mut books = books();
        books.record(
            at("02-17 12:00"),
            &usage_of(sim(1), 1, (when, when), flow, 10),
        );
        let truth = books.finish(None);
        let cell = truth.sim_days.iter().next().unwrap();
        assert_eq!(
            (cell.class, cell.service),
            (class, service),
            "{flow:?} on {when}"
        );
    }
}

#[test]
fn a_broken_message_is_one_row_without_bytes_each_time_it_comes() {
    let mut books = books();
    books.broken(at("02-10 12:00"), RejectReason::BadTime);
    books.broken(at("02-11 12:00"), RejectReason::BadTime);
    let truth = books.finish(None);
    assert_eq!(
        truth.outcomes(),
        [("rejected".to_owned(), "bad_time".to_owned(), 2, 0)]
    );
    assert_eq!((truth.messages, truth.received_rows), (2, 2));
}
