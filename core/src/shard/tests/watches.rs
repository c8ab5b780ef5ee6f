//! Section 10: what is watched beside quotas and use (W1, W6 to W9).

use super::commands::*;
use super::idle::{days_pass, one_sim};
use super::story::*;
use crate::alert::{Change, Subject};
use crate::registry::{Command, Grant, Programme};

/// SIM 1 is enrolled with device 1 of type 111; 222 is a tablet, too, and 999 a router.
fn in_device() -> Story {
    let told = Programme {
        tablet_tacs: vec![222],
        router_tacs: vec![999],
        ..programme(vec![cohort(vec![monthly(100 * GB)])])
    };
    let mut story = world_of(Story::new(), told, 2..=2);
    story.command(
        "2026-02-02T08:00",
        enrolling(1, "2026-02-01").in_device(1, 111).told(),
    );
    story.hush();
    story
}

#[test]
fn the_second_record_in_a_device_that_is_no_tablet_fires() {
    // (device, type, source offset, day of February, what is told)
    let table: [(u8, u32, u64, u8, &[&str]); 18] = [
        (1, 111, 1, 9, &[]),
        (2, 111, 2, 9, &[]),
        (2, 222, 3, 9, &[]),
        (0, 0, 4, 9, &[]),
        (2, 333, 5, 9, &[]),
        (2, 333, 5, 9, &[]), // another row of one record
        (3, 333, 6, 10, &["fire SimMoved 1 2026-02-10 #1"]),
        (3, 333, 7, 10, &[]),
        (2, 444, 8, 10, &["update SimMoved 1 2026-02-10 #2"]),
        (2, 111, 9, 10, &[]),
        (1, 111, 10, 10, &["resolve SimMoved 1 2026-02-10 #3"]),
        (2, 444, 11, 11, &[]),
        (1, 111, 12, 11, &[]), // evidence is forgotten
        (2, 444, 13, 12, &[]),
        (2, 444, 14, 12, &["fire SimMoved 1 2026-02-12 #1"]),
        (1, 222, 15, 12, &["resolve SimMoved 1 2026-02-12 #2"]),
        (2, 444, 16, 12, &[]),
        (2, 444, 17, 12, &["fire SimMoved 1 2026-02-12 #3"]), // the id goes on
    ];
    let mut story = in_device();
    for (container, (device, tac, offset, day, told)) in (1..).zip(table) {
        let end = format!("2026-02-{day:02}T{:02}:00", 5 + container);
        let row = usage(1, &end, 1).device(device, tac);
        story.row(row.offset(offset).order(0, container));
        assert_eq!(
            story.alerted(),
            told,
            "{container}: device {device} of type {tac}"
        );
    }
}

#[test]
fn another_enrolled_device_resolves_and_forgets_and_an_unknown_one_accuses_nobody() {
    let mut story = in_device();
    let strange = |story: &mut Story, number, end| {
        story.row(usage(number, end, 1).device(3, 333));
        story.alerted()
    };
    assert_eq!(strange(&mut story, 1, "2026-02-10T08:00"), [""; 0]);
    assert_eq!(
        strange(&mut story, 1, "2026-02-10T09:00"),
        ["fire SimMoved 1 2026-02-10 #1"]
    );
    let again = |device, tac| enrolling(1, "2026-02-10").in_device(device, tac).told();
    story.command("2026-02-10T10:00", again(1, 111));
    assert_eq!(story.alerted(), [""; 0], "the same device");
    story.command("2026-02-10T10:00", again(5, 555));
    assert_eq!(story.alerted(), ["resolve SimMoved 1 2026-02-10 #2"]);
    assert_eq!(strange(&mut story, 1, "2026-02-11T09:00"), [""; 0]);
    // Nothing is known of the device of SIM 2, nor of one that is held.
    for end in ["2026-02-11T08:00", "2026-02-11T09:00", "2026-02-11T10:00"] {
        assert_eq!(strange(&mut story, 2, end), [""; 0]);
        assert_eq!(strange(&mut story, 9, end), [""; 0]);
    }
}

#[test]
fn much_traffic_in_a_day_that_is_mostly_not_education_may_be_sharing() {
    // (education, other, whether it fires): more than 2 GB, at least 80 % of them not education.
    let table = [
        (0, 2 * GB, false),
        (0, 2 * GB + 1, true),
        (GB / 2, 2 * GB, true),
        (GB / 2 + 1, 2 * GB, false),
        (100 * GB, 2 * GB, false),
    ];
    for (education, other, fires) in table {
        let mut story = in_device();
        story.row(usage(1, "2026-02-10T08:00", education));
        story.row(usage(1, "2026-02-10T09:00", other - GB).group(OTHER));
        story.row(usage(1, "2026-02-10T10:00", GB).group(SYSTEM));
        let sharing = story
            .alerts
            .iter()
            .filter(|a| matches!(a.subject, Subject::PossibleSharing(_)));
        assert_eq!(sharing.count() == 1, fires, "{education} {other}");
    }
    // A router shares by its nature.
    let mut story = in_device();
    story.command(
        "2026-02-03T08:00",
        enrolling(1, "2026-02-01").in_device(4, 999).told(),
    );
    story.row(usage(1, "2026-02-10T08:00", 3 * GB).group(OTHER));
    assert_eq!(story.alerted(), [""; 0]);
    // A row is of its usage day, and of today's and yesterday's alone.
    let table = [
        ("2026-02-10T23:00", "2026-02-11T08:00", true),
        ("2026-02-10T23:00", "2026-02-12T08:00", false),
    ];
    for (end, delivered, fires) in table {
        let mut story = in_device();
        story.row(
            usage(1, "2026-02-10T08:00", 2 * GB)
                .group(OTHER)
                .delivered("2026-02-10T08:00"),
        );
        story.row(usage(1, end, 1).group(OTHER).delivered(delivered));
        assert_eq!(story.alerted().len() == 1, fires, "{delivered}");
    }
}

#[test]
fn sharing_is_told_again_on_another_day_and_over_after_seven_days_without() {
    let mut story = in_device();
    let much = |story: &mut Story, end: &str| {
        story.row(usage(1, end, 3 * GB).group(OTHER));
        story.alerted()
    };
    assert_eq!(
        much(&mut story, "2026-02-10T08:00"),
        ["fire PossibleSharing 1 2026-02-10 #1"]
    );
    assert_eq!(much(&mut story, "2026-02-10T09:00"), [""; 0]);
    assert_eq!(
        much(&mut story, "2026-02-12T08:00"),
        ["update PossibleSharing 1 2026-02-10 #2"]
    );
    // 13 to 19 February.
    story.until("2026-02-19T23:59");
    assert_eq!(story.alerted(), [""; 0]);
    story.until("2026-02-20T00:00");
    let resolve = story.alerts[0].clone();
    let Subject::PossibleSharing(sharing) = &resolve.subject else {
        panic!("{resolve:?}");
    };
    assert_eq!(
        (sharing.usage_day, sharing.bytes),
        (date("2026-02-12"), 3 * GB)
    );
    assert_eq!(resolve.at_ms, at("2026-02-20T00:00"));
    assert_eq!(story.alerted(), ["resolve PossibleSharing 1 2026-02-10 #3"]);
    assert_eq!(
        much(&mut story, "2026-02-20T08:00"),
        ["fire PossibleSharing 1 2026-02-20 #1"]
    );
}

#[test]
fn conflicts_of_a_clock_hour_are_one_alert_and_their_number_is_told_at_its_end() {
    let mut story = one_sim();
    let conflict = |story: &mut Story, delivered: &str, down| {
        let row = usage(1, "2026-02-10T08:00", down)
            .charging_id(7)
            .delivered(delivered);
        story.row(row);
        story.alerted()
    };
    let id = |hour: &str| format!("RecordConflict pgw 3 {}", at(hour));
    assert_eq!(conflict(&mut story, "2026-02-10T09:10", 1), [""; 0]);
    let fire = conflict(&mut story, "2026-02-10T09:20", 2);
    assert_eq!(fire, [format!("fire {} #1", id("2026-02-10T09:00"))]);
    assert_eq!(conflict(&mut story, "2026-02-10T09:30", 3), [""; 0]);
    assert_eq!(conflict(&mut story, "2026-02-10T09:59:59.999", 4), [""; 0]);
    story.until("2026-02-10T12:00");
    let update = story.alerts[0].clone();
    let Subject::RecordConflict(conflicts) = &update.subject else {
        panic!("{update:?}");
    };
    assert_eq!((conflicts.records, update.cause.clone()), (3, None));
    assert_eq!(update.at_ms, at("2026-02-10T10:00"));
    assert_eq!(
        story.alerted(),
        [format!("update {} #2", id("2026-02-10T09:00"))]
    );
    // One in an hour is told once, and stays.
    let fire = conflict(&mut story, "2026-02-10T12:30", 5);
    assert_eq!(fire, [format!("fire {} #1", id("2026-02-10T12:00"))]);
    story.until("2026-02-12T00:00");
    assert_eq!(story.alerted(), [""; 0]);
}

#[test]
fn at_one_time_the_hour_with_conflicts_ends_before_the_day() {
    let mut story = world_with(vec![monthly(100)]);
    story.row(usage(1, "2026-02-20T08:00", 100));
    for down in 1..=3 {
        story.row(
            usage(1, "2026-02-28T22:00", down)
                .charging_id(7)
                .delivered("2026-02-28T23:30"),
        );
    }
    story.alerted();
    story.until("2026-03-01T08:00");
    let times: Vec<_> = story.alerts.iter().map(|alert| alert.at_ms).collect();
    assert_eq!(times, [at("2026-03-01T00:00"); 2]);
    let told = story.alerted();
    assert!(told[0].starts_with("update RecordConflict"), "{told:?}");
    assert_eq!(told[1..], ["resolve SimExhausted 1 2026-02-01 #2"]);
}

#[test]
fn a_grant_with_more_than_30_percent_left_is_told_seven_days_before_its_end() {
    let ends = |grant: Grant| grant.days("2026-02-01", "2026-02-20");
    // (bytes used, whether it fires on the 13th)
    for (used, fires) in [(0, true), (69, true), (70, false), (100, false)] {
        let mut story = world_with(vec![monthly(0)]);
        story.command(
            "2026-02-02T08:00",
            Command::Grant(ends(grant("g", 100).to(1))),
        );
        story.row(usage(1, "2026-02-05T08:00", used));
        story.alerts.clear();
        story.until("2026-02-12T23:59");
        assert_eq!(story.alerted(), [""; 0]);
        story.until("2026-02-13T00:00");
        let expected = ["fire GrantExpiring 1 g #1"];
        assert_eq!(
            story.alerted(),
            if fires { &expected[..] } else { &[] },
            "{used}"
        );
    }
    type Case = (&'static str, fn(&mut Story));
    let table: [Case; 5] = [
        ("a row", |story| {
            story.row(usage(1, "2026-02-14T08:00", 70));
        }),
        ("its end", |story| story.until("2026-02-20T00:00")),
        ("a void", |story| {
            story.command("2026-02-14T08:00", void("g"))
        }),
        ("leaving", |story| {
            story.command("2026-02-14T08:00", retirement(1, "2026-02-14"));
        }),
        ("another cohort", |story| {
            story.command(
                "2026-02-14T08:00",
                enrolling(1, "2026-02-14").of("urban").told(),
            );
        }),
    ];
    for (what, resolves) in table {
        let mut story = world_with(vec![
            monthly(1),
            bytes_of(
                crate::registry::Scope::Other,
                100,
                crate::registry::Period::Month,
                BLOCK,
            ),
        ]);
        // SIM 2 has nothing of it left: it is not told.
        story.command("2026-02-02T08:00", Command::Grant(ends(grant("g", 100))));
        story.row(usage(2, "2026-02-05T08:00", 101));
        story.row(usage(1, "2026-02-05T08:00", 1));
        story.until("2026-02-13T00:00");
        story
            .alerts
            .retain(|alert| matches!(alert.subject, Subject::GrantExpiring(_)));
        assert_eq!(story.alerted(), ["fire GrantExpiring 1 g #1"]);
        resolves(&mut story);
        story
            .alerts
            .retain(|alert| matches!(alert.subject, Subject::GrantExpiring(_)));
        assert_eq!(story.alerted(), ["resolve GrantExpiring 1 g #2"], "{what}");
    }
}

#[test]
fn what_fires_about_a_sim_that_leaves_resolves_in_the_order_of_the_page() {
    let told = Programme {
        closes_after_days: 7,
        ..programme(vec![cohort(vec![monthly(100)])])
    };
    let mut story = world_of(Story::new(), told, 2..=2);
    story.command(
        "2026-02-02T00:10",
        enrolling(1, "2026-02-01").in_device(1, 111).told(),
    );
    story.row(usage(2, "2026-02-02T00:30", 1));
    let more = grant("g", 1000).to(1).days("2026-02-01", "2026-02-20");
    story.command("2026-02-12T08:00", retirement(2, "2026-02-12"));
    // Of an allowance that the SIM has not, so that all of it is left.
    let idle = Grant {
        id: "h".to_owned(),
        allowance: "video".to_owned(),
        ..more.clone()
    };
    story.command("2026-02-12T08:00", Command::Grant(idle));
    days_pass(&mut story, "2026-02-12", "2026-02-13", &[]);
    story.command("2026-02-12T08:00", Command::Grant(more));
    story.hush();
    // Enough of each kind; the rows are no use of a day that counts.
    let row = usage(1, "2026-02-13T08:00", 3 * GB)
        .group(OTHER)
        .device(3, 333);
    story.row(row);
    story.row(usage(1, "2026-02-13T08:10", 2000).device(3, 333));
    story.hush();
    story.command("2026-02-13T10:00", retirement(1, "2026-02-13"));
    assert!(
        story
            .alerts
            .iter()
            .all(|alert| alert.change == Change::Resolve)
    );
    assert_eq!(
        story.alerted(),
        [
            "resolve SimExhausted 1 2026-02-01 #2",
            "resolve SimMoved 1 2026-02-13 #2",
            "resolve PossibleSharing 1 2026-02-13 #2",
            "resolve GrantExpiring 1 h #2",
        ]
    );
    // Rows of one that has left are not watched.
    story.row(
        usage(1, "2026-02-12T08:00", 3 * GB)
            .group(OTHER)
            .device(3, 333)
            .delivered("2026-02-13T11:00"),
    );
    story.row(
        usage(1, "2026-02-12T08:10", 3 * GB)
            .group(OTHER)
            .device(3, 333)
            .delivered("2026-02-13T11:00"),
    );
    assert_eq!(story.alerted(), [""; 0]);
}
