//! Section 8: what a SIM brings along (Q13).

use super::commands::*;
use super::story::*;
use crate::registry::{Command, Grant, Opening};

#[test]
fn an_opening_is_added_to_the_sims_own_rows_and_a_higher_revision_replaces_it() {
    let mut story = world_with(vec![monthly(100)]);
    story.row(usage(1, "2026-02-10T08:00", 7));
    // (opening bytes, revision, used then)
    let table = [
        (40, 2, 47),
        (10, 1, 47),
        (10, 2, 47),
        (30, 3, 37),
        (0, 4, 7),
        (5, 9, 12),
    ];
    for (bytes, revision, used) in table {
        let command = Command::Opening(opening(1, bytes, "2026-02-03", revision));
        story.command("2026-02-10T09:00", command);
        let found = story.used(1, "2026-02-01", "education");
        assert_eq!(found, Some(used), "{bytes} in revision {revision}");
    }
    assert_eq!(story.used(2, "2026-02-01", "education"), Some(0));
}

#[test]
fn an_opening_without_a_balance_changes_nothing() {
    let mut story = world_with(vec![monthly(100)]);
    story.until("2026-03-08T00:00");
    let digest = |story: &Story| {
        let sims = [1, 2].map(|n| story.shard.roster.get(n - 1).balances.clone());
        format!("{sims:?}")
    };
    let before = digest(&story);
    let table = [
        opening(9, 50, "2026-03-08", 1),
        Opening {
            allowance: "another".to_owned(),
            ..opening(1, 50, "2026-03-08", 1)
        },
        opening(1, 50, "2026-02-28", 1),
        opening(1, 50, "2026-04-01", 1),
    ];
    for told in table {
        story.command("2026-03-08T09:00", Command::Opening(told.clone()));
        assert_eq!(digest(&story), before, "{told:?}");
    }
    // February was open until midnight.
    let mut story = world_with(vec![monthly(100)]);
    story.until("2026-03-07T23:59");
    let told = Command::Opening(opening(1, 50, "2026-02-28", 1));
    story.command("2026-03-07T23:59:30", told);
    assert_eq!(story.used(1, "2026-02-01", "education"), Some(50));
    assert_eq!(story.used(1, "2026-03-01", "education"), Some(0));
}

#[test]
fn an_opening_decides_and_alerts_at_once() {
    let mut story = world_with(vec![monthly(100)]);
    // (opening, revision, decisions, alerts)
    type Step<'a> = (u64, u32, &'a [&'a str], &'a [&'a str]);
    let table: [Step<'_>; 4] = [
        (80, 1, &[], &["fire SimQuota80 1 2026-02-01 #1"]),
        (
            100,
            2,
            &["1 education throttle #2 policy_changed"],
            &["fire SimExhausted 1 2026-02-01 #1"],
        ),
        (
            99,
            3,
            &["1 education allow #3 policy_changed"],
            &["resolve SimExhausted 1 2026-02-01 #2"],
        ),
        (79, 4, &[], &["resolve SimQuota80 1 2026-02-01 #2"]),
    ];
    for (bytes, revision, told, alerted) in table {
        let command = Command::Opening(opening(1, bytes, "2026-02-03", revision));
        story.command("2026-02-10T09:00", command);
        assert_eq!(story.told(), told, "{bytes}");
        assert_eq!(story.alerted(), alerted, "{bytes}");
    }
}

#[test]
fn an_opening_uses_the_limit_and_goes_over_and_never_uses_grants() {
    let mut story = world_with(vec![monthly(100)]);
    let grant: Grant = grant("g", 50);
    story.command("2026-02-03T08:00", Command::Grant(grant));
    let told = Command::Opening(opening(1, 130, "2026-02-03", 1));
    story.command("2026-02-03T09:00", told);
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 50, 130));
    assert_eq!(story.told(), [""; 0], "the grant is whole");
    // Its limit is used: rows are paid by the grant.
    story.row(usage(1, "2026-02-10T08:00", 49));
    assert_eq!(story.told(), [""; 0]);
    story.row(usage(1, "2026-02-10T08:00", 1));
    assert_eq!(
        story.told(),
        ["1 education throttle #2 exhausted by record 1"]
    );
}
