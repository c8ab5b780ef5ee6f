//! Section 9 without the breaker.

use serde_json::{Value, json};

use crate::rig::*;

fn daily(action: Value) -> Value {
    let mut allowance = allowance("e", "education", 100, json!("day"));
    allowance["on_exhausted"] = action;
    json!([allowance])
}

fn log() -> Log {
    let mut log = begun(daily(json!({"action": "block"})));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log
}

fn opening_entry(from: &str, to: &str) -> Value {
    json!({"kind": "exam", "from": from, "to": to, "opens": ["education"]})
}

#[test]
fn enrolment_says_all_three_classes() {
    let decisions = log().decisions();
    let said: Vec<_> = decisions
        .iter()
        .map(|one| (one.class.to_string(), one.sequence, one.number))
        .collect();
    let class = |class: &str, number| (class.to_owned(), 1, number);
    assert_eq!(
        said,
        [class("education", 1), class("other", 2), class("system", 3)]
    );
    assert_eq!(decisions[0].allowance.id, "e");
    assert_eq!(
        (
            decisions[1].allowance.id.as_str(),
            decisions[1].cycle.to_string().as_str()
        ),
        ("", "2026-02-01")
    );
}

#[test]
fn a_row_exhausts_and_the_next_cycle_resets() {
    let mut log = log();
    let at = "2026-02-10T12:00:00Z";
    let offset = log.usage(at, 1, 100);
    log.usage("2026-02-11T12:00:00Z", 1, 1);
    let decided = [
        said("education", "block", "exhausted", at),
        said("education", "allow", "reset", "2026-02-11T00:00:00Z"),
    ];
    assert_eq!(log.decided(), decided);
    let block = &log.decisions()[3];
    let cause = block.cause.as_ref().unwrap();
    assert_eq!(
        (cause.source_position.offset, cause.record.charging_id),
        (offset, 1)
    );
    assert_eq!(block.until_ms, Some(ms("2026-02-11T00:00:00Z")));
    assert_eq!(
        (block.allowance.used_bytes, block.cycle.to_string().as_str()),
        (100, "2026-02-10")
    );
    // The midnight is decided by the entry that moved the clock past it.
    assert_eq!(log.decisions()[4].offset, block.offset + 1);
}

#[test]
fn a_looser_reset_waits_and_nothing_else_does() {
    let mut cohort = cohort(daily(json!({"action": "block"})));
    cohort["restore_over_ms"] = json!(3_600_000);
    let mut log = begun_with(programme("UTC", json!([cohort])));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log.usage("2026-02-10T12:00:00Z", 1, 100);
    log.usage("2026-02-11T12:00:00Z", 1, 1);
    let decisions = log.decisions();
    let tail = u64::from_str_radix(&sim(1)[16..], 16).unwrap() % 3_600_000;
    let reset = &decisions[4];
    assert_eq!(
        reset.apply_after_ms,
        reset.effective_at_ms + i64::try_from(tail).unwrap()
    );
    assert_eq!(decisions[3].apply_after_ms, decisions[3].effective_at_ms);
}

#[test]
fn the_strictest_of_the_exhausted_allowances_is_wanted() {
    let throttle = |id: &str, bytes: u64, kbit_s: u32| {
        let mut allowance = allowance(id, "all", bytes, json!("month"));
        allowance["on_exhausted"] = json!({"action": "throttle", "kbit_s": kbit_s});
        allowance
    };
    let mut log = begun(json!([
        throttle("a", 10, 512),
        throttle("b", 20, 64),
        throttle("c", 15, 1024)
    ]));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    for _ in 0..4 {
        log.usage("2026-02-10T12:00:00Z", 1, 5);
    }
    let decided: Vec<_> = log
        .decisions()
        .into_iter()
        .skip(3)
        .map(|one| {
            (
                one.class.to_string(),
                one.kbit_s,
                one.allowance.id,
                one.until_ms,
            )
        })
        .collect();
    let march = Some(ms("2026-03-01T00:00:00Z"));
    let class =
        |class: &str, kbit_s, id: &str| (class.to_owned(), Some(kbit_s), id.to_owned(), march);
    let all = [
        class("education", 512, "a"),
        class("other", 512, "a"),
        class("education", 64, "b"),
        class("other", 64, "b"),
    ];
    assert_eq!(decided, all);
}

#[test]
fn an_entry_that_opens_a_class_shields_it_and_is_the_next_change() {
    let mut log = begun(json!([allowance("e", "education", 100, json!("month"))]));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    let entries = json!([opening_entry("2026-02-12", "2026-02-13")]);
    log.command(
        "2026-02-01T00:00:00Z",
        json!({"command": "calendar", "entries": entries}),
    );
    log.usage("2026-02-10T12:00:00Z", 1, 100);
    log.progress("2026-02-20T00:00:00Z", &[], 1, 100);
    let decided = [
        said("education", "block", "exhausted", "2026-02-10T12:00:00Z"),
        said("education", "allow", "calendar", "2026-02-12T00:00:00Z"),
        said("education", "block", "calendar", "2026-02-14T00:00:00Z"),
    ];
    assert_eq!(log.decided(), decided);
    let until: Vec<_> = log
        .decisions()
        .iter()
        .skip(3)
        .map(|one| one.until_ms)
        .collect();
    let expected = [
        "2026-02-12T00:00:00Z",
        "2026-02-14T00:00:00Z",
        "2026-03-01T00:00:00Z",
    ];
    assert_eq!(until, expected.map(|at| Some(ms(at))));
}

#[test]
fn enforcement_begins_behind_the_reset_of_its_midnight() {
    let mut cohort = cohort(json!([allowance("o", "other", 0, json!("month"))]));
    cohort["enforce_from"] = json!("2026-03-01");
    let mut log = begun_with(programme("UTC", json!([cohort])));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log.progress("2026-03-01T00:00:00Z", &[], 0, 0);
    assert_eq!(
        log.decided(),
        [said(
            "other",
            "block",
            "enforcement_started",
            "2026-03-01T00:00:00Z"
        )]
    );
    // Observed until enforcement begins; and an allowance of 0 bytes never ends by itself.
    assert_eq!(
        log.decisions()[1].until_ms,
        Some(ms("2026-03-01T00:00:00Z"))
    );
    assert_eq!(log.decisions()[3].until_ms, None);
    let states: Vec<_> = log
        .judge()
        .sim_cycle
        .into_values()
        .flat_map(|days| days.into_values())
        .collect();
    assert_eq!(
        states
            .iter()
            .map(|row| row.state.as_str())
            .collect::<Vec<_>>(),
        ["observed", "exhausted", "exhausted"]
    );
}

#[test]
fn a_sim_that_leaves_is_blocked_and_one_enrolled_again_is_said_anew() {
    let mut log = log();
    log.command(
        "2026-02-05T12:00:00Z",
        json!({"command": "retire", "sim": sim(1), "at": "2026-02-07"}),
    );
    log.progress("2026-02-08T00:00:00Z", &[], 0, 0);
    let leaves = [
        said("education", "block", "retired", "2026-02-07T00:00:00Z"),
        said("other", "block", "retired", "2026-02-07T00:00:00Z"),
    ];
    assert_eq!(log.decided(), leaves);
    log.command("2026-02-09T12:00:00Z", enrol(1, "2026-02-09"));
    let again: Vec<_> = log
        .decisions()
        .into_iter()
        .skip(5)
        .map(|one| (one.action, one.sequence))
        .collect();
    let allow = |sequence| ("allow".to_owned(), sequence);
    assert_eq!(again, [allow(3), allow(3), allow(2)]);
    let assignments: Vec<_> = log
        .judge()
        .assignments
        .into_iter()
        .map(|(key, row)| {
            (
                key.valid_from.to_string(),
                key.booked_day.to_string(),
                row.valid_until.map(|day| day.to_string()),
            )
        })
        .collect();
    let row = |from: &str, booked: &str, until: Option<&str>| {
        (from.to_owned(), booked.to_owned(), until.map(str::to_owned))
    };
    let all = [
        row("2026-02-01", "2026-02-01", None),
        row("2026-02-01", "2026-02-05", Some("2026-02-07")),
        row("2026-02-09", "2026-02-09", None),
    ];
    assert_eq!(assignments, all);
}

#[test]
fn what_was_counted_into_a_cycle_before_it_began_is_decided_when_it_begins() {
    let mut log = log();
    log.usage_at(1, "2026-02-10T23:59:00Z", "2026-02-11T00:01:00Z", 1, 100);
    assert_eq!(log.decided(), []);
    log.progress("2026-02-11T00:00:00Z", &[], 1, 100);
    assert_eq!(
        log.decided(),
        [said("education", "block", "reset", "2026-02-11T00:00:00Z")]
    );
}
