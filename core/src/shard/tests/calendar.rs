//! The calendar: terms (Q2), days that open a class (X2), what is known of the next change (X7), the order of a midnight
//! (D4, D5).

use super::commands::*;
use super::story::*;
use crate::registry::{
    Allowance, CalendarEntry, CalendarKind, Class, Cohort, Command, OnExhausted, Period, Scope,
};

/// Terms from these days on, each of two weeks.
fn terms(firsts: &[&str]) -> Command {
    let term = |first: &&str| {
        let to = date(first).saturating_add(jiff::Span::new().days(13));
        CalendarEntry {
            to,
            ..days(CalendarKind::Term, first, "9999-12-31")
        }
    };
    calendar(firsts.iter().map(term).collect())
}

fn term_world(firsts: &[&str]) -> Story {
    let mut story = Story::new();
    story.command("2026-01-31T11:00", terms(firsts));
    let term = bytes_of(Scope::Education, 10, Period::Term, SLOW);
    world_of(story, programme(vec![cohort(vec![term])]), 1..=2)
}

#[test]
fn a_terms_cycle_lasts_until_the_day_before_the_next_term() {
    let mut story = term_world(&["2025-09-08", "2026-02-09"]);
    story.row(usage(1, "2026-02-05T08:00", 10));
    let cut = story.last();
    assert_eq!(
        cut.cycle,
        date("2025-09-08"),
        "the break belongs to the term"
    );
    assert_eq!(cut.until_ms, Some(at("2026-02-09T00:00")));
    story.hush();
    story.until("2026-02-09T00:00");
    let reset = story.last();
    assert_eq!(story.told(), ["1 education allow #3 reset"]);
    assert_eq!(reset.cycle, date("2026-02-09"));
    // The last term has no end that is known.
    story.row(usage(1, "2026-02-10T08:00", 10));
    assert_eq!(story.last().until_ms, None);
    let resets = story.alerts.last().map(|alert| quota(alert).resets_at_ms);
    assert_eq!(resets, Some(None));
}

#[test]
fn a_new_calendar_moves_the_end_of_a_term_and_its_balance_with_it() {
    let mut story = term_world(&["2025-09-08", "2026-02-09"]);
    story.row(usage(1, "2026-02-05T08:00", 9));
    story.command("2026-02-06T08:00", terms(&["2025-09-08", "2026-02-16"]));
    story.row(usage(1, "2026-02-10T08:00", 1));
    assert_eq!(story.used(1, "2025-09-08", "education"), Some(10));
    assert_eq!(story.last().until_ms, Some(at("2026-02-16T00:00")));
    story.hush();
    story.until("2026-02-16T00:00");
    assert_eq!(story.told(), ["1 education allow #3 reset"]);
}

#[test]
fn a_balance_whose_term_the_new_calendar_does_not_know_is_over_and_its_row_stays() {
    let mut story = term_world(&["2025-09-08", "2026-02-09"]);
    story.row(usage(1, "2026-02-10T08:00", 10));
    assert_eq!(
        story.told(),
        ["1 education throttle #2 exhausted by record 0"]
    );
    story.command("2026-02-14T08:00", terms(&["2025-09-08", "2026-02-12"]));
    assert_eq!(story.told(), ["1 education allow #3 policy_changed"]);
    // The cycle is current; its balance is opened by the first row, also one of a day before today.
    story.row(usage(1, "2026-02-13T08:00", 3).delivered("2026-02-14T09:00"));
    assert_eq!(story.used(1, "2026-02-12", "education"), Some(3));
    story.row(usage(1, "2026-02-14T09:00", 4));
    assert_eq!(story.used(1, "2026-02-12", "education"), Some(7));
    // The term before ends later now, and is open until the 19th.
    story.row(usage(1, "2026-02-10T09:00", 5).delivered("2026-02-14T09:10"));
    assert_eq!(story.used(1, "2026-02-09", "education"), Some(10));
    assert_eq!(story.used(1, "2025-09-08", "education"), Some(5));
}

#[test]
fn an_entry_opens_its_classes_for_its_cohorts_from_its_first_to_its_last_day() {
    let other = |cohorts: Option<&[&str]>| {
        let cohorts = cohorts.map(|ids| ids.iter().map(|id| id.to_string()).collect());
        CalendarEntry {
            cohorts,
            ..open_days("2026-02-10", "2026-02-12", &[Class::Other])
        }
    };
    let table = [
        (other(None), true),
        (other(Some(&["urban", "rural"])), true),
        (other(Some(&["urban"])), false),
        (
            open_days("2026-02-10", "2026-02-12", &[Class::Education]),
            false,
        ),
        (
            days(CalendarKind::Ramadan, "2026-02-10", "2026-02-12"),
            false,
        ),
    ];
    for (entry, opens) in table {
        let nothing = bytes_of(Scope::Other, 0, Period::Month, BLOCK);
        let mut story = world_with(vec![nothing]);
        story.command("2026-02-03T08:00", calendar(vec![entry.clone()]));
        assert_eq!(story.told(), [""; 0]);
        for (midnight, action, until) in [
            ("2026-02-10T00:00", "allow #3", Some("2026-02-13T00:00")),
            ("2026-02-13T00:00", "block #4", None),
        ] {
            story.until(midnight);
            if opens {
                let decision = story.last();
                assert_eq!(decision.effective_at_ms, at(midnight));
                assert_eq!(decision.until_ms, until.map(at));
            }
            let expected = [1, 2].map(|n| format!("{n} other {action} calendar"));
            let expected = if opens { &expected[..] } else { &[] };
            assert_eq!(story.told(), expected, "{entry:?}");
        }
    }
}

#[test]
fn a_calendar_replaces_all_entries_and_decides_at_once() {
    let mut story = world_with(vec![bytes_of(Scope::Other, 0, Period::Month, BLOCK)]);
    let open = || open_days("2026-02-10", "2026-02-12", &[Class::Other]);
    let table = [
        ("2026-02-11T08:00", vec![open()], "allow #3"),
        ("2026-02-11T09:00", vec![], "block #4"),
        ("2026-02-11T10:00", vec![open(), open()], "allow #5"),
    ];
    for (entered, entries, action) in table {
        story.command(entered, calendar(entries));
        assert_eq!(story.last().effective_at_ms, at(entered));
        let expected = [1, 2].map(|n| format!("{n} other {action} policy_changed"));
        assert_eq!(story.told(), expected);
    }
}

#[test]
fn until_of_a_cut_is_the_end_of_the_last_of_its_cycles_or_the_day_that_opens_the_class() {
    let edu = |bytes, every, action: OnExhausted| {
        bytes_of(Scope::Education, bytes, every, action).called(&format!("{every:?}"))
    };
    let week = || edu(10, Period::Week, SLOW);
    let day = || edu(10, Period::Day, SLOW);
    let open = |from, class| open_days(from, "2026-02-28", &[class]);
    let all = bytes_of(Scope::All, 10, Period::Month, BLOCK);
    let education = Class::Education;
    type Step<'a> = (Vec<Allowance>, Vec<CalendarEntry>, Option<&'a str>);
    let table: Vec<Step<'_>> = vec![
        (vec![week()], vec![], Some("2026-02-16")),
        (
            vec![week()],
            vec![open("2026-02-13", education)],
            Some("2026-02-13"),
        ),
        (
            vec![week()],
            vec![open("2026-02-20", education)],
            Some("2026-02-16"),
        ),
        (
            vec![week()],
            vec![open("2026-02-13", Class::Other)],
            Some("2026-02-16"),
        ),
        (vec![day(), week()], vec![], Some("2026-02-16")),
        (
            vec![day(), edu(10, Period::Week, OnExhausted::Notify)],
            vec![],
            Some("2026-02-11"),
        ),
        (
            vec![day(), edu(11, Period::Week, SLOW)],
            vec![],
            Some("2026-02-11"),
        ),
        (vec![day(), all], vec![], Some("2026-03-01")),
        (vec![day(), edu(0, Period::Week, SLOW)], vec![], None),
        (
            vec![day(), edu(0, Period::Week, SLOW)],
            vec![open("2026-02-20", education)],
            Some("2026-02-20"),
        ),
    ];
    for (allowances, entries, until) in table {
        let mut story = world_with(allowances.clone());
        story.command("2026-02-03T08:00", calendar(entries.clone()));
        // Held until SIM 3 is enrolled, so that every case is decided then.
        story.row(usage(3, "2026-02-10T08:00", 10));
        story.enrol("2026-02-10T09:00", 3, "rural", "2026-02-02");
        let decision = story
            .decisions
            .iter()
            .find(|d| d.class == education)
            .unwrap();
        let until = until.map(|day| at(&format!("{day}T00:00")));
        assert_eq!(decision.until_ms, until, "{allowances:?} {entries:?}");
    }
}

#[test]
fn until_of_a_shielded_class_is_the_end_of_its_last_shield_if_it_is_not_restored_before() {
    let open = |from, to| open_days(from, to, &[Class::Education]);
    let later = Some("2026-02-12");
    /// Enforced from, limit, entries; until when.
    type Case<'a> = (Option<&'a str>, u64, Vec<CalendarEntry>, Option<&'a str>);
    let table: Vec<Case> = vec![
        (
            Some("2026-02-01"),
            10,
            vec![open("2026-02-09", "2026-02-12")],
            Some("2026-02-13"),
        ),
        (
            Some("2026-02-01"),
            10,
            vec![
                open("2026-02-09", "2026-02-12"),
                open("2026-02-10", "2026-02-14"),
            ],
            Some("2026-02-15"),
        ),
        // The week is over on the 16th.
        (
            Some("2026-02-01"),
            10,
            vec![open("2026-02-09", "2026-02-15")],
            None,
        ),
        (
            Some("2026-02-01"),
            10,
            vec![open("2026-02-09", "2026-02-20")],
            None,
        ),
        // Without bytes it is never restored.
        (
            Some("2026-02-01"),
            0,
            vec![open("2026-02-09", "2026-02-20")],
            Some("2026-02-21"),
        ),
        (later, 10, vec![], Some("2026-02-12")),
        (
            later,
            10,
            vec![open("2026-02-09", "2026-02-14")],
            Some("2026-02-15"),
        ),
        (
            later,
            10,
            vec![open("2026-02-09", "2026-02-10")],
            Some("2026-02-12"),
        ),
        (None, 10, vec![open("2026-02-09", "2026-02-12")], None),
        (None, 10, vec![], None),
        (None, 11, vec![], None),
        (Some("2026-02-20"), 10, vec![], None),
    ];
    for (enforce_from, limit, entries, until) in table {
        let week = bytes_of(Scope::Education, limit, Period::Week, SLOW);
        let cohort = Cohort {
            enforce_from: enforce_from.map(date),
            ..cohort(vec![week])
        };
        let mut story = world(vec![cohort]);
        story.command("2026-02-03T08:00", calendar(entries.clone()));
        story.row(usage(3, "2026-02-10T08:00", 10));
        story.enrol("2026-02-10T09:00", 3, "rural", "2026-02-02");
        let mut education = story
            .decisions
            .iter()
            .filter(|d| d.class == Class::Education);
        let decision = education.find(|d| d.sim == sim(3)).unwrap();
        assert_eq!(decision.action, crate::decision::Action::Allow);
        let until = until.map(|day| at(&format!("{day}T00:00")));
        assert_eq!(
            decision.until_ms, until,
            "{enforce_from:?} {limit} {entries:?}"
        );
    }
}

#[test]
fn at_one_midnight_assignments_cycles_grants_calendar_and_enforcement_come_in_this_order() {
    let other = bytes_of(Scope::Other, 0, Period::Month, BLOCK);
    let week = bytes_of(Scope::Education, 10, Period::Week, SLOW);
    let mut story = world_with(vec![week.clone(), other.clone()]);
    let open = open_days("2026-02-17", "2026-02-20", &[Class::Other]);
    story.command("2026-02-03T08:00", calendar(vec![open]));
    let more = crate::registry::Grant {
        allowance: "other".to_owned(),
        ..grant("g", 50).to(2).days("2026-02-17", "2026-02-20")
    };
    story.command("2026-02-03T08:00", Command::Grant(more));
    let leaves = enrolling(3, "2026-02-02").until("2026-02-16").told();
    story.command("2026-02-03T08:00", leaves);
    story.row(usage(1, "2026-02-10T08:00", 10));
    story.hush();
    let table = [
        (
            "2026-02-16T00:00",
            ["3 education block #2 retired", "1 education allow #3 reset"],
        ),
        (
            "2026-02-17T00:00",
            ["2 other allow #3 granted", "1 other allow #3 calendar"],
        ),
    ];
    for (midnight, expected) in table {
        story.until(midnight);
        assert_eq!(story.told(), expected, "{midnight}");
    }
    // Still observed until step 7: the entry that ended the day before shields nothing, and says nothing.
    let later = Cohort {
        enforce_from: Some(date("2026-02-16")),
        ..cohort(vec![other])
    };
    let mut story = world(vec![later]);
    let before = open_days("2026-02-09", "2026-02-15", &[Class::Other]);
    story.command("2026-02-03T08:00", calendar(vec![before]));
    story.hush();
    story.until("2026-02-16T00:00");
    assert_eq!(
        story.told(),
        [1, 2].map(|n| format!("{n} other block #2 enforcement_started"))
    );
}
