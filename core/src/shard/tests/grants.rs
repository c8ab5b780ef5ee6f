//! Section 8: grants, which pay when the limit does not (Q7 to Q9).

use super::commands::*;
use super::story::*;
use crate::registry::{Command, Grant};

fn with(grants: &[Grant]) -> Story {
    let mut story = world_with(vec![monthly(100)]);
    for grant in grants {
        story.command("2026-02-02T08:00", Command::Grant(grant.clone()));
    }
    story.hush();
    story
}

#[test]
fn grants_pay_by_priority_then_soonest_end_then_earliest_entry() {
    let mut story = with(&[
        Grant {
            priority: 2,
            ..grant("last", 50).days("2026-02-01", "2026-02-11")
        },
        grant("third", 10),
        grant("first", 20).days("2026-02-01", "2026-02-20"),
        grant("second", 5).days("2026-02-01", "2026-02-20"),
    ]);
    story.row(usage(1, "2026-02-10T08:00", 122));
    // The limit gave 100, the first grant 20, the second 2. What is void is no longer left.
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 85, 122));
    for (id, granted) in [("first", 85), ("second", 82), ("third", 72)] {
        story.command("2026-02-10T09:00", void(id));
        let found = story.quota(1, "2026-02-01", "education");
        assert_eq!(found, (100, granted, 122), "without {id}");
    }
    assert_eq!(story.told(), [""; 0]);
    story.command("2026-02-10T09:00", void("last"));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 22, 122));
    assert_eq!(story.told(), ["1 education throttle #2 policy_changed"]);
}

#[test]
fn a_top_up_restores_however_much_went_over_before_and_pays_what_comes_after() {
    let mut story = with(&[]);
    story.row(usage(1, "2026-02-10T08:00", 130));
    assert_eq!(
        story.told(),
        ["1 education throttle #2 exhausted by record 0"]
    );
    story.command("2026-02-10T09:00", Command::Grant(grant("g", 50)));
    let granted = story.last();
    assert_eq!(story.told(), ["1 education allow #3 granted"]);
    assert_eq!(granted.effective_at_ms, at("2026-02-10T09:00"));
    assert_eq!(granted.allowance.granted_bytes, 50);
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 50, 130));
    // (more bytes, used then, what is told)
    let table: [(u64, u64, &[&str]); 3] = [
        (49, 179, &[]),
        (1, 180, &["1 education throttle #4 exhausted by record 2"]),
        (7, 187, &[]),
    ];
    for (bytes, used, told) in table {
        story.row(usage(1, "2026-02-10T10:00", bytes));
        assert_eq!(story.told(), told, "{used} used");
        assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 50, used));
    }
}

#[test]
fn thresholds_are_of_the_quota_and_forgotten_when_a_grant_raises_it() {
    let mut story = with(&[]);
    // (what comes, thresholds then)
    story.row(usage(1, "2026-02-10T08:00", 80));
    let reached = |story: &mut Story| {
        let row = story.account(1, "2026-02-01", "education").unwrap();
        row.thresholds
    };
    assert_eq!(reached(&mut story), [50, 80]);
    story.command("2026-02-10T09:00", Command::Grant(grant("g", 100)));
    assert_eq!(reached(&mut story), [0u16; 0], "80 of 200");
    story.row(usage(1, "2026-02-10T10:00", 20));
    assert_eq!(reached(&mut story), [50], "100 of 200");
    story.row(usage(1, "2026-02-10T10:00", 60));
    assert_eq!(reached(&mut story), [50, 80], "160 of 200");
    story.command("2026-02-10T11:00", void("g"));
    assert_eq!(reached(&mut story), [50, 80, 100], "160 of 160");
}

#[test]
fn a_grant_begins_and_ends_at_its_midnights() {
    let mut story = with(&[grant("g", 50).days("2026-02-10", "2026-02-12")]);
    story.row(usage(1, "2026-02-05T08:00", 110));
    story.told();
    let table = [
        ("2026-02-10T00:00", "1 education allow #3 granted"),
        ("2026-02-12T00:00", "1 education throttle #4 exhausted"),
    ];
    for (midnight, expected) in table {
        story.until(midnight.replace("T00", "T13").as_str());
        let decision = story.last();
        assert_eq!(story.told(), [expected]);
        assert_eq!(decision.effective_at_ms, at(midnight));
        assert_eq!(decision.cause, None);
    }
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 0, 110));
    assert_eq!(story.quota(2, "2026-02-01", "education"), (100, 0, 0));
}

#[test]
fn a_grant_is_of_its_sim_or_of_the_present_cohort_and_each_sim_has_its_own_bytes() {
    let urban = || {
        let mut urban = cohort(vec![monthly(100)]);
        urban.id = "urban".to_owned();
        urban
    };
    let mut story = world(vec![cohort(vec![monthly(100)]), urban()]);
    for grant in [
        grant("own", 30).to(1),
        grant("rural", 50),
        Grant {
            cohort: Some("urban".to_owned()),
            ..grant("urban", 70)
        },
        Grant {
            allowance: "another".to_owned(),
            ..grant("another", 900)
        },
    ] {
        story.command("2026-02-02T08:00", Command::Grant(grant));
    }
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 80, 0));
    assert_eq!(story.quota(2, "2026-02-01", "education"), (100, 50, 0));
    // 30 of its own and 30 of the cohort's 50.
    story.row(usage(1, "2026-02-10T08:00", 160));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 80, 160));
    assert_eq!(story.quota(2, "2026-02-01", "education"), (100, 50, 0));
    story.command(
        "2026-02-11T08:00",
        enrolling(1, "2026-02-11").of("urban").told(),
    );
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 130, 160));
    story.command("2026-02-12T08:00", enrolling(1, "2026-02-12").told());
    assert_eq!(
        story.quota(1, "2026-02-01", "education"),
        (100, 80, 160),
        "what is used of a grant stays used"
    );
}

#[test]
fn a_grant_pays_for_usage_days_within_its_validity_alone() {
    let mut story = with(&[
        grant("early", 50).days("2026-02-03", "2026-02-06"),
        grant("later", 50).days("2026-02-10", "2026-03-01"),
    ]);
    story.row(usage(1, "2026-02-02T09:00", 100));
    // (end, delivered, bytes, granted then: what was paid, and what is left of those that are valid today)
    let table = [
        ("2026-02-05T20:00", "2026-02-09T08:00", 7, 7),
        ("2026-02-06T20:00", "2026-02-09T08:00", 7, 7),
        ("2026-02-09T20:00", "2026-02-10T08:00", 7, 7 + 50),
        ("2026-02-05T20:00", "2026-02-10T08:00", 2, 9 + 50),
        ("2026-02-10T07:00", "2026-02-10T08:00", 7, 9 + 50),
    ];
    let mut used = 100;
    for (end, delivered, bytes, granted) in table {
        story.row(usage(1, end, bytes).delivered(delivered));
        used += bytes;
        let found = story.quota(1, "2026-02-01", "education");
        assert_eq!(found, (100, granted, used), "{end}");
    }
    story.command("2026-02-10T12:00", void("later"));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 16, used));
}

#[test]
fn a_cycle_that_ends_keeps_what_grants_paid_and_the_next_has_what_is_left() {
    let mut story = with(&[grant("g", 20).days("2026-02-20", "2026-03-10")]);
    story.row(usage(1, "2026-02-21T08:00", 105));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 20, 105));
    story.until("2026-03-01T00:00");
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 5, 105));
    assert_eq!(story.quota(1, "2026-03-01", "education"), (100, 15, 0));
    // What is used of it for February, late, is no longer left for March.
    story.row(usage(1, "2026-02-27T08:00", 4).delivered("2026-03-02T08:00"));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 9, 109));
    assert_eq!(story.quota(1, "2026-03-01", "education"), (100, 11, 0));
    story.until("2026-03-10T00:00");
    assert_eq!(story.quota(1, "2026-03-01", "education"), (100, 0, 0));
    assert_eq!(story.told(), [""; 0]);
}

#[test]
fn bytes_of_a_grant_used_for_an_ended_cycle_may_exhaust_the_current_one() {
    let mut story = with(&[grant("g", 20).days("2026-02-20", "2026-03-10")]);
    story.row(usage(1, "2026-02-21T08:00", 100));
    story.row(usage(1, "2026-03-02T08:00", 110));
    story.told();
    assert_eq!(story.quota(1, "2026-03-01", "education"), (100, 20, 110));
    story.row(usage(1, "2026-02-27T08:00", 10).delivered("2026-03-02T09:00"));
    assert_eq!(story.quota(1, "2026-03-01", "education"), (100, 10, 110));
    assert_eq!(
        story.told(),
        ["1 education throttle #2 exhausted by record 2"]
    );
}

#[test]
fn held_bytes_use_grants_as_rows_do() {
    let mut story = with(&[grant("g", 50).days("2026-02-05", "2026-03-01")]);
    story.row(usage(7, "2026-02-04T08:00", 110));
    story.row(usage(7, "2026-02-05T08:00", 20));
    story.enrol("2026-02-06T08:00", 7, "rural", "2026-02-01");
    // 10 went over on the 4th; the 20 of the 5th are paid.
    assert_eq!(story.quota(7, "2026-02-01", "education"), (100, 50, 130));
    assert_eq!(story.told()[0], "7 education allow #1 enrolled");
}
