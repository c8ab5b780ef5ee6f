//! Section 7: decisions.

use super::story::*;
use crate::decision::{Action, AllowanceState};
use crate::registry::{Class, Cohort, Command, OnExhausted};

fn begun_with(cohort: Cohort) -> Story {
    let mut story = Story::new();
    story.command("2026-01-31T12:00", Command::Catalogue(catalogue()));
    story.command(
        "2026-01-31T12:00",
        Command::Programme(programme(vec![cohort])),
    );
    story.enrol("2026-01-31T12:00", 1, "rural", "2026-02-01");
    story
}

#[test]
fn an_enrolment_decides_education_other_and_system_in_this_order() {
    let mut story = Story::begun();
    assert_eq!(
        story.told(),
        [
            "1 education allow #1 enrolled",
            "1 other allow #1 enrolled",
            "1 system allow #1 enrolled",
            "2 education allow #1 enrolled",
            "2 other allow #1 enrolled",
            "2 system allow #1 enrolled",
        ]
    );
    // Enforced by now: `other` is blocked before its first byte, also where the enrolment is still to come.
    story.until("2026-02-09T00:00");
    story.told();
    for (number, valid_from) in [(3, "2026-02-09"), (4, "2026-05-01")] {
        story.enrol("2026-02-09T08:00", number, "rural", valid_from);
        let expected = [
            "education allow #1 enrolled",
            "other block #1 enrolled",
            "system allow #1 enrolled",
        ];
        assert_eq!(
            story.told(),
            expected.map(|words| format!("{number} {words}"))
        );
    }
}

#[test]
fn enforcement_begins_at_its_midnight_and_decides_what_differs() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-05T08:00", 20 * GB));
    story.until("2026-02-07T23:59:59.999");
    story.decisions.clear();
    story.until("2026-02-08T11:00");
    let times: Vec<_> = story.decisions.iter().map(|d| d.effective_at_ms).collect();
    assert_eq!(times, [at("2026-02-08T00:00"); 3]);
    assert_eq!(
        story.told(),
        [
            "1 education throttle #2 enforcement_started",
            "1 other block #2 enforcement_started",
            "2 other block #2 enforcement_started",
        ]
    );
    // The state follows at the same midnight, and names when the bytes ran out.
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (20 * GB, "exhausted")
    );
    assert_eq!(
        story.cycle(2, "2026-02-01", Class::Education),
        (0, "within")
    );
}

#[test]
fn a_cohort_without_a_date_is_observed_only() {
    let mut story = begun_with(Cohort {
        enforce_from: None,
        ..rural()
    });
    story.told();
    story.row(usage(1, "2026-02-20T08:00", 30 * GB));
    story.until("2026-03-20T00:00");
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.alerted(), [""; 0]);
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (30 * GB, "observed")
    );
}

#[test]
fn the_cause_names_the_row_by_its_place_in_the_frame_however_long_that_is() {
    for place in [0, 1, 127, 128, 129, 300] {
        let mut story = Story::begun();
        story.until("2026-02-09T00:00");
        let row = |number: usize| {
            let bytes = if number == place { 20 * GB } else { 0 };
            usage(1, "2026-02-10T08:00", bytes).row(number as u64)
        };
        let frame: Vec<_> = (0..400).map(row).collect();
        story.rows(&frame);
        let cause = story.last().cause.unwrap();
        let told = (cause.row as usize, cause.source_position.offset as usize);
        assert_eq!(told, (place, place));
    }
}

#[test]
fn a_row_that_exhausts_is_the_cause_and_the_next_cycle_resets() {
    let mut story = Story::begun();
    story.until("2026-02-09T00:00");
    story.told();
    let table: [(u64, &[&str]); 4] = [
        (20 * GB - 1, &[]),
        (1, &["1 education throttle #2 exhausted by record 1"]),
        (5 * GB, &[]),
        (1, &[]),
    ];
    for (bytes, expected) in table {
        story.row(usage(1, "2026-02-10T08:00", bytes));
        let decision = story.decisions.last().cloned();
        assert_eq!(story.told(), expected);
        let Some(decision) = decision else { continue };
        let cause = decision.cause.unwrap();
        assert_eq!((cause.offset, cause.row), (story.offset - 1, 0));
        assert_eq!(cause.source_position.offset, 1);
        assert_eq!(cause.record.node, "pgw-1");
        assert_eq!(decision.action, Action::Throttle { kbit_s: 512 });
        assert_eq!(decision.effective_at_ms, at("2026-02-10T08:10"));
        assert_eq!(decision.until_ms, Some(at("2026-03-01T00:00")));
        assert_eq!(decision.cycle, date("2026-02-01"));
        let (limit_bytes, used_bytes) = (20 * GB, 20 * GB);
        assert_eq!(
            decision.allowance,
            AllowanceState {
                id: "education".to_owned(),
                limit_bytes,
                granted_bytes: 0,
                used_bytes
            }
        );
        assert_eq!(
            decision.rule,
            "cohort rural: 20 GB of education a month, then throttled to 512 kbit/s; \
             rating group 4101 is telmidtice (education)"
        );
        assert_eq!(decision.policy_version, "2026-02-01.1");
        assert_eq!(decision.catalogue_version, "c1");
    }
    story.until("2026-03-01T00:10");
    let reset = story.decisions.last().cloned().unwrap();
    assert_eq!(story.told(), ["1 education allow #3 reset"]);
    assert_eq!(reset.effective_at_ms, at("2026-03-01T00:00"));
    assert_eq!(reset.cycle, date("2026-03-01"));
    assert_eq!((reset.until_ms, reset.cause), (None, None));
}

#[test]
fn on_exhausted_says_what_is_wanted_and_system_is_always_allowed() {
    let table = [
        (Class::Education, OnExhausted::Block, Some("block")),
        (
            Class::Education,
            OnExhausted::Throttle { kbit_s: 64 },
            Some("throttle"),
        ),
        (Class::Education, OnExhausted::Notify, None),
        (Class::Other, OnExhausted::Block, Some("block")),
        (Class::System, OnExhausted::Block, None),
    ];
    for (class, on_exhausted, expected) in table {
        let cohort = Cohort {
            enforce_from: Some(date("2026-02-01")),
            allowances: vec![allowance(class, 100, on_exhausted)],
            ..rural()
        };
        let mut story = begun_with(cohort);
        story.until("2026-02-01T00:00");
        story.told();
        for group in [EDU, OTHER, SYSTEM] {
            story.row(usage(1, "2026-02-10T08:00", 100).group(group));
        }
        let told = story.told();
        let told: Vec<_> = told.iter().map(String::as_str).collect();
        let record = [(Class::Education, 0), (Class::Other, 1)];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|action| {
                let record = record.iter().find(|(c, _)| *c == class).unwrap().1;
                format!(
                    "1 {} {action} #2 exhausted by record {record}",
                    class.as_str()
                )
            })
            .collect();
        assert_eq!(told, expected, "{class:?} {on_exhausted:?}");
    }
}

#[test]
fn unknown_traffic_exhausts_the_class_that_it_is_charged_to() {
    let mut story = Story::begun();
    story.until("2026-02-09T00:00");
    story.told();
    story.row(usage(1, "2026-02-10T08:00", 19 * GB));
    story.row(usage(1, "2026-02-10T08:00", GB).group(STRANGE));
    let rule = story.decisions[0].rule.clone();
    assert_eq!(
        story.told(),
        ["1 education throttle #2 exhausted by record 1"]
    );
    assert!(
        rule.ends_with("no rule for rating group 99, service id 0: unknown"),
        "{rule}"
    );
}

#[test]
fn until_names_the_next_change_that_is_known() {
    let cohort = Cohort {
        enforce_from: Some(date("2026-02-20")),
        ..rural()
    };
    let mut story = begun_with(cohort);
    let until: Vec<_> = story.decisions.drain(..).map(|d| d.until_ms).collect();
    // `other` has no bytes at all and will be blocked; nothing else is known.
    let enforced = at("2026-02-20T00:00");
    assert_eq!(until, [None, Some(enforced), None]);
    story.until("2026-02-20T00:00");
    // Blocked without any bytes: no cycle brings it back.
    assert_eq!(story.decisions.drain(..).next().unwrap().until_ms, None);
    // Across midnights the numbers go on without a gap.
    story.row(usage(1, "2026-02-21T08:00", 20 * GB));
    story.until("2026-03-02T00:00");
    let numbers: Vec<_> = story.decisions.iter().map(|d| d.number).collect();
    assert_eq!(numbers, [5, 6]);
}

#[test]
fn numbers_have_no_gap_and_sequences_count_per_sim_and_class() {
    let mut story = Story::begun();
    for (day, number) in [(10, 1), (11, 2), (12, 1)] {
        let end = format!("2026-02-{day}T08:00");
        story.row(usage(number, &end, 20 * GB));
    }
    story.until("2026-03-02T00:00");
    story.row(usage(1, "2026-03-02T08:00", 20 * GB));
    story.until("2026-04-02T00:00");
    let mut sequences = std::collections::BTreeMap::new();
    for (decision, number) in story.decisions.iter().zip(1..) {
        assert_eq!(decision.number, number);
        assert_eq!((decision.generation, decision.partition), (1, 3));
        let sequence = sequences.entry((decision.sim, decision.class)).or_insert(0);
        *sequence += 1;
        assert_eq!(decision.sequence, *sequence);
    }
    assert_eq!(sequences[&(sim(1), Class::Education)], 5);
    assert_eq!(sequences[&(sim(2), Class::Education)], 3);
}

#[test]
fn timers_at_one_deadline_end_the_day_then_begin_cycles_close_months_and_enforce() {
    // January closes, February begins, and enforcement starts, all on 1 February.
    let mut story = Story::new();
    story.command("2026-01-20T12:00", Command::Catalogue(catalogue()));
    let cohort = Cohort {
        enforce_from: Some(date("2026-02-01")),
        ..rural()
    };
    let mut one = programme(vec![cohort]);
    one.closes_after_days = 0;
    story.command("2026-01-20T12:00", Command::Programme(one));
    story.enrol("2026-01-20T12:00", 1, "rural", "2026-01-01");
    story.row(usage(1, "2026-01-31T20:00", 30 * GB));
    story.told();
    story.take();
    story.until("2026-02-01T00:00");
    // The reset comes first, so that January's exhausted education is never cut off.
    let decision = story.decisions[0].clone();
    assert_eq!(story.told(), ["1 other block #2 enforcement_started"]);
    assert_eq!(decision.cycle, date("2026-02-01"));
    let facts = story.take();
    let booked = format!("cycle {} 2026-02-01 other 2026-02-01", sim(1));
    assert!(facts.contains_key(&booked));
    let late = usage(1, "2026-01-31T20:00", 1).delivered("2026-02-01T00:00");
    assert_eq!(story.row(late), "late education");
}

#[test]
fn a_reset_that_loosens_waits_by_what_the_sim_is_and_nothing_else_waits() {
    let cohort = Cohort {
        restore_over_ms: 1000,
        enforce_from: Some(date("2026-02-01")),
        ..rural()
    };
    let mut story = begun_with(cohort);
    story.enrol("2026-02-01T08:00", 2, "rural", "2026-02-01");
    for number in [1, 2] {
        story.row(usage(number, "2026-02-10T08:00", 20 * GB));
    }
    // What was counted before March began makes the reset stricter, which does not wait either.
    story.enrol("2026-02-20T08:00", 3, "rural", "2026-02-01");
    let early = usage(3, "2026-03-01T00:02", 20 * GB).delivered("2026-02-28T23:58");
    story.row(early);
    assert!(
        story
            .decisions
            .iter()
            .all(|d| d.apply_after_ms == d.effective_at_ms)
    );
    story.decisions.clear();
    story.until("2026-03-01T00:00");
    // The last 8 bytes of SIM 1 are the number 72,340,172,838,076,673, of SIM 2 twice that.
    let waits = story
        .decisions
        .iter()
        .map(|d| (d.sim.0[0], d.apply_after_ms - d.effective_at_ms));
    assert_eq!(waits.collect::<Vec<_>>(), [(1, 673), (2, 346), (3, 0)]);
    let actions: Vec<_> = story.decisions.iter().map(|d| d.action.as_str()).collect();
    assert_eq!(actions, ["allow", "allow", "throttle"]);
}
