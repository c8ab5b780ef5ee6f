//! Watches over SIMs and bytes behind a block: sections 9 and 10.

use hissa_carrier::population::{Device, DeviceKind};
use hissa_carrier::record::{ImeiForm, Record};
use hissa_carrier::truth::{Accounting, Flag};

use super::{GB, alerts, at, books, date, enrol, sim, tablet, usage, usage_of};

/// Something is delivered in every hour of the school's days, of nobody.
fn hear(books: &mut Accounting, days: &[&str]) {
    for day in days {
        for hour in 7..18 {
            let record = usage(
                sim(99),
                hour,
                &format!("{day} 01:00"),
                &format!("{day} 01:01"),
                1,
            );
            books.record(at(&format!("{day} {hour:02}:30")), &record);
        }
    }
}

const TEN_SCHOOL_DAYS: [&str; 10] = [
    "02-02", "02-03", "02-04", "02-05", "02-06", "02-07", "02-09", "02-10", "02-11", "02-12",
];

#[test]
fn ten_school_days_that_were_heard_without_use_are_idle() {
    let mut books = books();
    hear(&mut books, &TEN_SCHOOL_DAYS);
    books.quiet(at("02-12 23:30"));
    assert_eq!(
        alerts(&books.finish(None)),
        ["TabletIdle 1 Fire 2026-02-13"]
    );
}

#[test]
fn a_deaf_day_does_not_count_and_system_is_no_use() {
    let mut books = books();
    hear(&mut books, &TEN_SCHOOL_DAYS[..9]);
    let sign = usage_of(sim(1), 1, ("02-12 09:00", "02-12 09:01"), (4190, 0), 9);
    books.record(at("02-12 09:30"), &sign);
    books.quiet(at("02-12 23:30"));
    assert!(books.alerts().is_empty(), "the tenth was deaf");
    hear(&mut books, &["02-13"]);
    let used = usage(sim(1), 2, "02-14 09:00", "02-14 09:01", 9);
    books.record(at("02-14 09:30"), &used);
    assert_eq!(
        alerts(&books.finish(None)),
        [
            "TabletIdle 1 Fire 2026-02-14",
            "TabletIdle 2 Resolve 2026-02-14"
        ]
    );
}

fn in_device(number: u64, day: &str, device: Device) -> Record {
    Record {
        device: Some((device, ImeiForm::Imei)),
        ..usage(
            sim(1),
            number,
            &format!("{day} 09:00"),
            &format!("{day} 09:10"),
            9,
        )
    }
}

#[test]
fn a_sim_in_a_phone_has_moved_and_one_in_a_repaired_tablet_has_not() {
    let phone = Device {
        kind: DeviceKind::Phone,
        ..tablet(500_001)
    };
    for (device, lines) in [
        (tablet(500_001), vec![]),
        (
            phone,
            vec![
                "SimMoved 1 Fire 2026-02-11",
                "SimMoved 2 Resolve 2026-02-11",
                "SimMoved 1 Fire 2026-02-14",
            ],
        ),
    ] {
        let mut books = books();
        for (number, day, device) in [
            (1, "02-10", device),
            (2, "02-11", device),
            (3, "02-12", tablet(1)),
            (4, "02-13", device),
            (5, "02-14", device),
        ] {
            let record = in_device(number, day, device);
            books.record(at(&format!("{day} 09:15")), &record);
        }
        assert_eq!(alerts(&books.finish(None)), lines);
    }
}

#[test]
fn a_hotspot_is_seen_but_not_a_router() {
    let router = Device {
        kind: DeviceKind::Router,
        ..tablet(2)
    };
    for (device, lines) in [(tablet(2), 2), (router, 0)] {
        let mut books = books();
        books.enrol(
            at("01-31 11:00"),
            &hissa_carrier::truth::Enrolment {
                imsi: sim(2),
                cohort: "ecole-numerique",
                province: "07.211",
                device: Some(device),
                valid_from: date("2026-02-01"),
            },
        );
        let video = usage_of(sim(2), 1, ("02-03 22:00", "02-03 22:30"), (20, 0), 3 * GB);
        books.record(at("02-03 22:45"), &video);
        books.quiet(at("02-11 00:00"));
        assert_eq!(
            alerts(&books.finish(None)).len(),
            lines,
            "fired and, a week later, resolved"
        );
    }
}

#[test]
fn bytes_that_start_half_an_hour_behind_a_block_are_leaked() {
    let mut books = books();
    enrol(&mut books, "01-31 11:00", 9, "khatwat-khir", "2026-02-01");
    // Blocked at 23:00 UTC of 7 February; education is restored by the gift at midnight of 19 February.
    for (number, from, to, flow) in [
        (1, "02-07 23:29", "02-07 23:40", (4101, 11)),
        (2, "02-07 23:31", "02-07 23:40", (4101, 11)),
        (3, "02-07 23:31", "02-07 23:40", (10, 0)),
        (4, "02-07 23:31", "02-07 23:40", (4190, 0)),
        (5, "02-19 00:00", "02-19 00:10", (4101, 11)),
    ] {
        books.record(
            at(to) + 60_000,
            &usage_of(sim(9), number, (from, to), flow, 100),
        );
    }
    let truth = books.finish(None);
    let flags: Vec<_> = truth
        .flag_days
        .iter()
        .map(|f| (f.flag, f.rows, f.bytes))
        .collect();
    assert_eq!(
        flags,
        [(Flag::LeakedEducation, 1, 100), (Flag::LeakedOther, 1, 100)]
    );
    assert_eq!(truth.parts.leaking, 1);
}
