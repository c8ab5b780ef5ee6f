//! The rules of `docs/semantics.md` on small cases made by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use hissa_carrier::policy::{Action, Class, demo_catalogue, demo_programme};
use hissa_carrier::record::{Container, Record};
use hissa_carrier::truth::{
    Accounting, AlertKind, Change, Outcome, QuarantineReason, Reason, RejectReason, Truth,
};
use hissa_carrier::{Date, Imsi, Zone};

const GB: u64 = 1_000_000_000;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn zone() -> Zone {
    Zone::new(date("2025-12-01"), date("2026-05-31"))
}

/// A time of 2026 in UTC: `02-10 08:00`.
fn at(text: &str) -> i64 {
    let day = Zone::new(date("2026-12-01"), date("2026-12-31"));
    // December 2026 is at UTC: its civil arithmetic serves for any day of the year.
    let december = day.midnight(date("2026-12-01"));
    let civil = date(&format!("2026-{}", &text[..5]));
    let hours: i64 = text[6..8].parse().unwrap();
    let minutes: i64 = text[9..11].parse().unwrap();
    december + ((civil - date("2026-12-01")).num_days() * 1_440 + hours * 60 + minutes) * 60_000
}

fn sim(serial: u32) -> Imsi {
    Imsi::of_serial(serial)
}

/// One container of `bytes` of education that starts and ends then.
fn usage(imsi: Imsi, charging_id: u64, from: &str, to: &str, bytes: u64) -> Record {
    usage_of(imsi, charging_id, (from, to), (4101, 11), bytes)
}

fn usage_of(
    imsi: Imsi,
    charging_id: u64,
    span: (&str, &str),
    flow: (u32, u32),
    bytes: u64,
) -> Record {
    Record {
        node: 0,
        charging_id,
        record_sequence: 0,
        opened_ms: at(span.0),
        imsi,
        device: None,
        rat: "4G",
        serving_plmn: None,
        containers: vec![Container {
            rating_group: flow.0,
            service_id: flow.1,
            sequence: 1,
            first_ms: at(span.0),
            last_ms: at(span.1),
            uplink_bytes: bytes / 10,
            downlink_bytes: bytes - bytes / 10,
        }],
    }
}

/// The demo's programme (enforced from 8 February) with SIM 1 of `pilote-rural` (20 GB, throttle).
fn books() -> Accounting {
    let mut books = Accounting::new(zone());
    let entered = at("01-31 11:00");
    books.programme(
        entered,
        demo_programme(date("2026-02-01"), date("2026-02-08")),
    );
    books.catalogue(entered, demo_catalogue(date("2026-02-01")));
    books.enrol(
        entered,
        sim(1),
        "pilote-rural",
        "07.211",
        date("2026-02-01"),
    );
    books
}

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

fn balance(truth: &Truth, cycle: &str) -> u64 {
    let wanted = |b: &&hissa_carrier::truth::Balance| {
        b.cycle == date(cycle) && b.allowance == Class::Education && b.imsi == sim(1)
    };
    truth.balances.iter().find(wanted).unwrap().used_bytes
}

/// `class sequence action reason cycle cause`, one line for each decision.
fn decisions(truth: &Truth, imsi: Imsi) -> Vec<String> {
    let of_sim = truth.decisions.iter().filter(|d| d.imsi == imsi);
    let line = |d: &hissa_carrier::truth::Decision| {
        let action = match d.action {
            Action::Allow => "allow".to_owned(),
            Action::Throttle { kbit_s } => format!("throttle {kbit_s}"),
            Action::Block => "block".to_owned(),
        };
        let cause = d
            .cause
            .as_ref()
            .map_or("-".to_owned(), |c| c.charging_id.to_string());
        format!(
            "{} {} {action} {:?} {} {cause}",
            d.class.as_str(),
            d.sequence,
            d.reason,
            d.cycle
        )
    };
    of_sim.map(line).collect()
}

/// `kind revision change cycle`, one line for each change.
fn alerts(truth: &Truth) -> Vec<String> {
    truth
        .alerts
        .iter()
        .map(|a| format!("{:?} {} {:?} {}", a.kind, a.revision, a.change, a.cycle))
        .collect()
}

#[test]
fn a_sim_is_allowed_observed_enforced_exhausted_and_reset() {
    let mut books = books();
    books.record(
        at("02-10 12:00"),
        &usage(sim(1), 1, "02-10 10:00", "02-10 11:00", 16 * GB - 1),
    );
    books.record(
        at("02-11 12:00"),
        &usage_of(sim(1), 2, ("02-11 10:00", "02-11 11:00"), (4199, 0), 1),
    );
    books.record(
        at("02-12 12:00"),
        &usage(sim(1), 3, "02-12 10:00", "02-12 11:00", 4 * GB - 1),
    );
    books.record(
        at("02-13 12:00"),
        &usage(sim(1), 4, "02-13 10:00", "02-13 11:00", 1),
    );
    books.record(
        at("02-14 12:00"),
        &usage(sim(1), 5, "02-14 10:00", "02-14 11:00", GB),
    );
    books.quiet(at("03-01 00:00"));
    let truth = books.finish(None);
    assert_eq!(
        decisions(&truth, sim(1)),
        [
            "education 1 allow Enrolled 2026-01-01 -",
            "education 2 throttle 512 Exhausted 2026-02-01 4",
            "education 3 allow Reset 2026-03-01 -",
            "system 1 allow Enrolled 2026-01-01 -",
            "other 1 allow Enrolled 2026-01-01 -",
            "other 2 block EnforcementStarted 2026-02-01 -",
        ]
    );
    assert_eq!(
        alerts(&truth),
        [
            "SimQuota80 1 Fire 2026-02-01",
            "SimQuota80 2 Resolve 2026-02-01",
            "SimExhausted 1 Fire 2026-02-01",
            "SimExhausted 2 Resolve 2026-02-01",
        ],
        "80 % was reached by one unknown byte, which is charged to education"
    );
    let fired = truth
        .alerts
        .iter()
        .find(|a| a.kind == AlertKind::SimQuota80 && a.change == Change::Fire);
    assert_eq!(fired.map(|a| a.at_ms), Some(at("02-11 12:00")));
}

#[test]
fn a_row_that_reaches_both_thresholds_fires_the_higher_alone() {
    let mut books = books();
    books.record(
        at("02-10 12:00"),
        &usage(sim(1), 1, "02-10 10:00", "02-10 11:00", 20 * GB),
    );
    assert_eq!(
        alerts(&books.finish(None)),
        ["SimExhausted 1 Fire 2026-02-01"]
    );
}

#[test]
fn what_was_exhausted_before_enforcement_is_decided_at_its_midnight() {
    let mut books = books();
    books.record(
        at("02-05 12:00"),
        &usage(sim(1), 1, "02-05 10:00", "02-05 11:00", 21 * GB),
    );
    books.quiet(at("02-09 00:00"));
    let truth = books.finish(None);
    let throttled = truth
        .decisions
        .iter()
        .find(|d| d.class == Class::Education && d.sequence == 2)
        .unwrap();
    assert_eq!(throttled.reason, Reason::EnforcementStarted);
    // 8 February 00:00 in Morocco, still at UTC+1.
    assert_eq!(throttled.at_ms, at("02-07 23:00"));
    assert_eq!(alerts(&truth), ["SimExhausted 1 Fire 2026-02-01"]);
}

#[test]
fn enrolment_takes_over_what_was_held_since_valid_from() {
    let mut books = books();
    // khatwat-khir: 10 GB, block.
    books.record(
        at("02-27 12:00"),
        &usage(sim(9), 1, "02-27 10:00", "02-27 11:00", 3 * GB),
    );
    books.record(
        at("02-28 12:00"),
        &usage(sim(9), 2, "02-28 10:00", "02-28 11:00", 4 * GB),
    );
    books.record(
        at("03-01 12:00"),
        &usage(sim(9), 3, "03-01 10:00", "03-01 11:00", 10 * GB),
    );
    books.enrol(
        at("03-02 10:00"),
        sim(9),
        "khatwat-khir",
        "01.511",
        date("2026-02-28"),
    );
    books.record(
        at("03-02 12:00"),
        &usage(sim(9), 4, "02-27 12:00", "02-27 13:00", GB),
    );
    let truth = books.finish(None);
    assert_eq!((truth.rows_of("held"), truth.rows_of("counted")), (4, 0));
    assert_eq!(
        decisions(&truth, sim(9)),
        [
            "education 1 block Enrolled 2026-03-01 -",
            "system 1 allow Enrolled 2026-03-01 -",
            "other 1 block Enrolled 2026-03-01 -",
        ]
    );
    let used = |cycle: &str| {
        let mut found = truth
            .balances
            .iter()
            .filter(|b| b.imsi == sim(9) && b.allowance == Class::Education);
        found.find(|b| b.cycle == date(cycle)).map(|b| b.used_bytes)
    };
    assert_eq!(
        (used("2026-02-01"), used("2026-03-01")),
        (Some(4 * GB), Some(10 * GB))
    );
}

#[test]
fn a_month_that_is_closed_is_not_taken_over() {
    let mut books = books();
    books.record(
        at("02-27 12:00"),
        &usage(sim(9), 1, "02-27 10:00", "02-27 11:00", 3 * GB),
    );
    books.enrol(
        at("03-09 10:00"),
        sim(9),
        "khatwat-khir",
        "01.511",
        date("2026-02-25"),
    );
    let truth = books.finish(None);
    let used: u64 = truth
        .balances
        .iter()
        .filter(|b| b.imsi == sim(9))
        .map(|b| b.used_bytes)
        .sum();
    assert_eq!(used, 0);
}

#[test]
fn a_cycle_that_has_ended_decides_nothing() {
    let mut books = books();
    books.record(
        at("03-02 12:00"),
        &usage(sim(1), 1, "02-27 10:00", "02-27 11:00", 30 * GB),
    );
    let truth = books.finish(None);
    assert_eq!(balance(&truth, "2026-02-01"), 30 * GB);
    assert!(truth.alerts.is_empty());
    assert!(
        truth
            .decisions
            .iter()
            .all(|d| d.reason != Reason::Exhausted)
    );
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

#[test]
fn a_later_programme_changes_what_it_lifts_and_nothing_else() {
    let mut books = books();
    books.record(
        at("02-10 12:00"),
        &usage(sim(1), 1, "02-10 10:00", "02-10 11:00", 17 * GB),
    );
    books.record(
        at("02-11 12:00"),
        &usage(sim(1), 2, "02-11 10:00", "02-11 11:00", 4 * GB),
    );
    let mut richer = demo_programme(date("2026-02-01"), date("2026-02-08"));
    richer.cohorts[0].education.as_mut().unwrap().bytes = 40 * GB;
    books.programme(at("02-12 12:00"), richer);
    let truth = books.finish(None);
    let of_education: Vec<String> = decisions(&truth, sim(1))
        .into_iter()
        .filter(|line| line.starts_with("education"))
        .collect();
    assert_eq!(
        of_education[2],
        "education 3 allow PolicyChanged 2026-02-01 -"
    );
    assert_eq!(
        truth.decisions.len(),
        3 + 3,
        "three at enrolment, then other's block, the throttle, its end"
    );
    assert_eq!(
        alerts(&truth),
        [
            "SimQuota80 1 Fire 2026-02-01",
            "SimQuota80 2 Resolve 2026-02-01",
            "SimExhausted 1 Fire 2026-02-01",
            "SimExhausted 2 Resolve 2026-02-01",
        ]
    );
}
