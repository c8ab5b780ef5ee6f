//! Section 9: the breaker, which holds new cuts where they are too many (B1 to B6, W10).

use super::commands::*;
use super::story::*;
use crate::alert::Subject;
use crate::registry::{Breaker, BreakerAction, Class, Cohort, Command, Grant, Period, Scope};
use crate::shard::ShardConfig;

fn bounds(share_permille: u16, at_least: u32) -> Breaker {
    Breaker {
        share_permille,
        at_least,
    }
}

/// SIMs of one cohort with 100 bytes of education and of other, in one of so many partitions.
fn of_sims(sims: u8, breaker: Breaker, partitions: u16) -> Story {
    let allowances = vec![
        monthly(100),
        bytes_of(Scope::Other, 100, Period::Month, BLOCK),
    ];
    let cohort = Cohort {
        breaker,
        // No quota alerts here.
        thresholds: vec![],
        ..cohort(allowances)
    };
    let story = Story::with(ShardConfig::new(1, 1, partitions));
    let mut urban = cohort.clone();
    urban.id = "urban".to_owned();
    world_of(story, programme(vec![cohort, urban]), 1..=sims)
}

/// Ten SIMs: the third new cut is more than 20 % of them, and more than 4 over two partitions.
fn ten() -> Story {
    of_sims(10, bounds(200, 4), 2)
}

impl Story {
    fn exhausts(&mut self, number: u8, end: &str) {
        self.row(usage(number, end, 100));
    }

    /// Changes of OrdersHeld since the last call, with the number that they tell.
    fn held_told(&mut self) -> Vec<String> {
        let held = self.alerts.iter().filter_map(|alert| match &alert.subject {
            Subject::OrdersHeld(held) => Some(held.held),
            _ => None,
        });
        let held: Vec<_> = held.collect();
        self.alerts
            .retain(|a| matches!(a.subject, Subject::OrdersHeld(_)));
        let words = self.alerted().into_iter().zip(held);
        words
            .map(|(words, held)| format!("{words}: {held}"))
            .collect()
    }

    /// Ten SIMs, of which 1 and 2 are cut, and 3 and 4 held.
    fn tripped() -> Story {
        let mut story = ten();
        for number in 1..=4 {
            story.exhausts(number, "2026-02-10T08:00");
        }
        story.hush();
        story
    }
}

#[test]
fn the_cut_that_would_be_too_many_trips_and_is_held_with_those_behind_it() {
    let mut story = ten();
    for number in [1, 2] {
        story.exhausts(number, "2026-02-10T08:00");
    }
    assert_eq!(
        story.told(),
        [
            "1 education throttle #2 exhausted by record 0",
            "2 education throttle #2 exhausted by record 1",
        ]
    );
    story.exhausts(3, "2026-02-10T08:00");
    assert_eq!(
        story.held_told(),
        ["fire OrdersHeld rural education 1 1 #1: 1"]
    );
    story.exhausts(4, "2026-02-10T08:00");
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.held_told(), [""; 0]);
    // Another class, and an hour later.
    story.row(usage(5, "2026-02-10T08:00", 100).group(OTHER));
    assert_eq!(story.told(), ["5 other block #2 exhausted by record 4"]);
    story.exhausts(5, "2026-02-10T10:00");
    assert_eq!(story.told(), [""; 0], "tripped until released");
    // The number is told again in step 1 of a midnight, where it has changed.
    story.until("2026-02-11T00:00");
    let update = story.alerts.last().unwrap();
    assert_eq!(update.at_ms, at("2026-02-11T00:00"));
    assert_eq!(
        story.held_told(),
        ["update OrdersHeld rural education 1 1 #2: 3"]
    );
    story.until("2026-02-12T00:00");
    assert_eq!(story.held_told(), [""; 0]);
    let number = story.shard.decisions;
    story.command("2026-02-12T08:00", breaker(BreakerAction::Release));
    assert_eq!(
        story.held_told(),
        ["resolve OrdersHeld rural education 1 1 #3: 0"]
    );
    let first = story.decisions[0].clone();
    assert_eq!(
        (first.number, first.cause),
        (number + 1, None),
        "no number was used up"
    );
    assert_eq!(first.effective_at_ms, at("2026-02-12T08:00"));
    assert_eq!(
        story.told(),
        [3, 4, 5].map(|n| format!("{n} education throttle #2 released"))
    );
    // Counts are 0 again; the next trip has an alert of its own.
    for number in 6..=8 {
        story.exhausts(number, "2026-02-12T08:01");
    }
    assert_eq!(story.told().len(), 2);
    assert_eq!(
        story.held_told(),
        ["fire OrdersHeld rural education 1 2 #1: 1"]
    );
}

#[test]
fn it_trips_beyond_both_bounds_counting_itself() {
    // (‰, at least, partitions, SIMs, the cut that trips)
    let table = [
        (200, 4, 2, 10, Some(3)),
        (200, 4, 1, 10, Some(5)),
        (300, 4, 2, 10, Some(4)),
        (0, 0, 2, 10, Some(1)),
        (1000, 0, 16, 10, None),
        (200, 10, 16, 5, Some(2)),
        (199, 0, 1, 5, Some(1)),
        (200, 20, 16, 10, Some(3)),
    ];
    for (share, at_least, partitions, sims, trips) in table {
        let mut story = of_sims(sims, bounds(share, at_least), partitions);
        let mut found = None;
        for number in 1..=sims {
            story.exhausts(number, "2026-02-10T08:00");
            if story.told().is_empty() {
                found = found.or(Some(number));
            }
        }
        assert_eq!(found, trips, "{share} ‰, {at_least}, {partitions}, {sims}");
    }
    let default: Cohort = serde_json::from_str(
        r#"{"id": "a", "enforce_from": null, "allowances": [], "thresholds": []}"#,
    )
    .unwrap();
    assert_eq!(default.breaker, bounds(200, 20));
}

#[test]
fn sims_that_have_left_or_are_of_another_cohort_are_none_of_the_share() {
    let mut story = of_sims(10, bounds(200, 0), 1);
    for number in 6..=8 {
        story.command("2026-02-05T08:00", retirement(number, "2026-02-05"));
    }
    for number in 9..=10 {
        let moves = enrolling(number, "2026-02-05").of("urban").told();
        story.command("2026-02-05T08:00", moves);
    }
    story.hush();
    // Two of five are more than 20 %.
    story.exhausts(1, "2026-02-10T08:00");
    story.exhausts(2, "2026-02-10T08:00");
    assert_eq!(story.told().len(), 1);
    // And the cohort to which they went has a breaker of its own: one of two.
    story.exhausts(9, "2026-02-10T08:00");
    assert_eq!(story.told().len(), 0);
    assert_eq!(
        story.held_told(),
        [
            "fire OrdersHeld rural education 1 1 #1: 1",
            "fire OrdersHeld urban education 1 1 #1: 1",
        ]
    );
}

#[test]
fn new_cuts_are_counted_within_a_clock_hour() {
    let mut story = ten();
    // (delivered, emitted): whole hours of UTC, by the clock.
    let table = [
        (1, "2026-02-10T08:00", true),
        (2, "2026-02-10T08:59:59.999", true),
        (3, "2026-02-10T09:00", true),
        (4, "2026-02-10T09:30", true),
        (5, "2026-02-10T09:59:59.999", false),
    ];
    for (number, delivered, emitted) in table {
        story.row(usage(number, "2026-02-10T07:00", 100).delivered(delivered));
        assert_eq!(story.told().len() == 1, emitted, "{number}");
    }
}

#[test]
fn of_a_command_all_new_cuts_are_counted_before_one_is_emitted() {
    let closed = |bytes| {
        let cohort = Cohort {
            breaker: bounds(200, 4),
            thresholds: vec![],
            ..cohort(vec![monthly(bytes)])
        };
        rules(vec![cohort])
    };
    for (sims, emitted) in [(2, 2), (3, 0), (10, 0)] {
        let mut story = ten();
        for number in 1..=sims {
            story.row(usage(number, "2026-02-10T08:00", 60));
        }
        story.command("2026-02-10T08:30", closed(60));
        assert_eq!(story.told().len(), emitted, "{sims} SIMs");
        assert_eq!(story.held_told().is_empty(), emitted > 0);
    }
    // A command's cuts are none of the rows' count of its hour.
    let mut story = ten();
    for number in 1..=2 {
        story.row(usage(number, "2026-02-10T08:00", 60));
    }
    story.command("2026-02-10T08:10", closed(60));
    for number in 3..=5 {
        story.exhausts(number, "2026-02-10T08:00");
    }
    assert_eq!(story.told().len(), 2 + 2);
}

#[test]
fn calendars_and_voids_of_a_cohort_are_commands_about_more_than_one_sim() {
    let education = [Class::Education];
    let open = open_days("2026-02-09", "2026-02-20", &education);
    let all = grant("g", 50);
    let table = [
        (calendar(vec![open]), calendar(vec![]), 3, 0),
        (Command::Grant(all.clone()), void("g"), 3, 0),
        (Command::Grant(all), void("g"), 2, 2),
    ];
    for (shield, lifts, sims, emitted) in table {
        let mut story = ten();
        story.command("2026-02-09T08:00", shield);
        for number in 1..=sims {
            story.row(usage(number, "2026-02-10T08:00", 100));
        }
        assert_eq!(story.told(), [""; 0]);
        story.command("2026-02-10T09:00", lifts.clone());
        assert_eq!(story.told().len(), emitted, "{lifts:?}");
        assert_eq!(story.held_told().is_empty(), emitted > 0);
    }
}

#[test]
fn enrolments_commands_about_one_sim_and_midnights_do_not_count_and_go_out_all_the_same() {
    let mut story = ten();
    for number in 1..=4 {
        let used = Command::Opening(opening(number, 100, "2026-02-03", 1));
        story.command("2026-02-03T08:00", used);
    }
    assert_eq!(story.told().len(), 4);
    let one = |n: u8| Grant {
        id: format!("g{n}"),
        ..grant("", 50).to(n).days("2026-02-03", "2026-02-11")
    };
    for number in 5..=8 {
        story.command("2026-02-03T09:00", Command::Grant(one(number)));
        story.exhausts(number, "2026-02-05T08:00");
    }
    assert_eq!(story.told(), [""; 0]);
    for number in 11..=13 {
        story.row(usage(number, "2026-02-10T08:00", 100));
        story.enrol("2026-02-10T09:00", number, "rural", "2026-02-02");
    }
    assert_eq!(story.told().len(), 9, "enrolled exhausted");
    assert_eq!(story.held_told(), [""; 0]);
    story.until("2026-02-11T00:00");
    assert_eq!(
        story.told(),
        [5, 6, 7, 8].map(|n| format!("{n} education throttle #2 exhausted"))
    );
    // Also while the breaker is tripped.
    let mut tripped = Story::tripped();
    tripped.command("2026-02-10T09:00", Command::Grant(one(5)));
    tripped.exhausts(5, "2026-02-10T12:00");
    assert_eq!(tripped.told(), [""; 0]);
    tripped.until("2026-02-11T00:00");
    assert_eq!(tripped.told(), ["5 education throttle #2 exhausted"]);
    let used = Command::Opening(opening(7, 100, "2026-02-03", 1));
    tripped.command("2026-02-11T09:00", used);
    assert_eq!(tripped.told(), ["7 education throttle #2 policy_changed"]);
}

#[test]
fn a_held_class_stays_held_until_its_wanted_state_is_no_longer_stricter() {
    let mut story = Story::tripped();
    // SIM 3 is decided anew, and wants the same.
    let used = Command::Opening(opening(3, 5, "2026-02-03", 1));
    story.command("2026-02-10T09:00", used);
    assert_eq!(story.told(), [""; 0]);
    // A top-up: nothing was said, nothing is to be taken back.
    story.command("2026-02-10T09:10", Command::Grant(grant("g", 50).to(3)));
    assert_eq!(story.told(), [""; 0]);
    story.until("2026-02-11T00:00");
    // Fired with 1, then 3 and 4 were held, then 4 alone.
    assert_eq!(story.held_told(), [""; 0]);
    story.command("2026-02-11T08:00", breaker(BreakerAction::Release));
    assert_eq!(story.told(), ["4 education throttle #2 released"]);
}

#[test]
fn what_is_held_ends_with_the_sims_leaving_or_its_cohort() {
    let mut story = Story::tripped();
    story.command("2026-02-10T09:00", retirement(3, "2026-02-10"));
    assert_eq!(
        story.told(),
        ["3 education block #2 retired", "3 other block #2 retired"]
    );
    let moves = enrolling(4, "2026-02-10").of("urban").told();
    story.command("2026-02-10T09:00", moves);
    assert_eq!(story.told(), ["4 education throttle #2 policy_changed"]);
    story.until("2026-02-11T00:00");
    assert_eq!(
        story.held_told(),
        ["update OrdersHeld rural education 1 1 #2: 0"]
    );
    story.command("2026-02-11T08:00", breaker(BreakerAction::Release));
    assert_eq!(story.told(), [""; 0]);
}

#[test]
fn what_was_dropped_stays_unsaid_until_it_is_no_longer_wanted() {
    let mut story = Story::tripped();
    story.command("2026-02-10T09:00", breaker(BreakerAction::Drop));
    assert_eq!(
        story.held_told(),
        ["resolve OrdersHeld rural education 1 1 #2: 0"]
    );
    story.row(usage(3, "2026-02-10T10:00", 100));
    let again = Command::Opening(opening(3, 5, "2026-02-03", 1));
    story.command("2026-02-10T11:00", again);
    story.command("2026-02-10T11:00", breaker(BreakerAction::Release));
    assert_eq!(story.told(), [""; 0]);
    // The breaker is closed: others are cut.
    story.exhausts(5, "2026-02-10T12:00");
    assert_eq!(
        story.told(),
        ["5 education throttle #2 exhausted by record 5"]
    );
    story.until("2026-03-02T00:00");
    story.told();
    story.exhausts(3, "2026-03-02T08:00");
    assert_eq!(
        story.told(),
        ["3 education throttle #2 exhausted by record 6"]
    );
}

#[test]
fn a_sim_that_is_enrolled_again_is_decided_whatever_was_held() {
    let mut story = Story::tripped();
    story.command("2026-02-10T09:00", retirement(3, "2026-02-10"));
    story.told();
    story.enrol("2026-02-10T10:00", 3, "rural", "2026-02-10");
    assert_eq!(
        story.told(),
        [
            "3 education throttle #3 enrolled",
            "3 other allow #3 enrolled",
            "3 system allow #2 enrolled",
        ]
    );
}

#[test]
fn a_release_of_a_closed_breaker_sets_its_count_to_0_and_says_nothing() {
    let mut story = ten();
    story.exhausts(1, "2026-02-10T08:00");
    story.exhausts(2, "2026-02-10T08:00");
    story.command("2026-02-10T08:20", breaker(BreakerAction::Release));
    assert_eq!(story.held_told(), [""; 0]);
    story.exhausts(3, "2026-02-10T08:20");
    story.exhausts(4, "2026-02-10T08:20");
    assert_eq!(story.told().len(), 4);
    story.exhausts(5, "2026-02-10T08:20");
    assert_eq!(story.told().len(), 0);
}
