//! What new rules would cut, as tables.

use hissa_core::registry::{CalendarEntries, Command, Entered, Grant, Void};

use super::*;
use crate::config::finding::{Findings, Source};
use crate::config::{calendar, programme};
use crate::import::{Plan, RegistryView};

const TODAY: Date = Date::constant(2026, 2, 20);
const GB: u64 = 1_000_000_000;

fn told(cohort: &str) -> Command {
    let text = format!(
        "schema = 1\npolicy_version = \"1\"\n[programme]\nid = \"p\"\ntimezone = \"Africa/Casablanca\"\n\
        valid = {{ from = 2026-02-01, to = 2026-07-31 }}\nunknown_charged_to = \"education\"\n\
        [[cohort]]\nid = \"a\"\n{cohort}\n"
    );
    let findings = Findings::default();
    let read = programme::read(&Source::new("programme.toml", text), &findings);
    assert_eq!(findings.into_sorted(), []);
    Command::Programme(read.file.unwrap().programme)
}

fn entries(text: &str) -> CalendarEntries {
    let findings = Findings::default();
    let read = calendar::read_file(&Source::new("calendar.toml", text), &findings);
    assert_eq!(findings.into_sorted(), []);
    read.entries()
}

fn grant(id: &str, from: &str, until: &str) -> Command {
    Command::Grant(Grant {
        id: id.into(),
        cohort: Some("a".into()),
        sim: None,
        allowance: "education".into(),
        bytes: 5 * GB,
        valid_from: from.parse().unwrap(),
        valid_until: until.parse().unwrap(),
        priority: 10,
        donor: String::new(),
    })
}

fn balance(allowance: &str, cycle: &str, limit: u64, granted: u64, used: u64) -> Balance {
    Balance {
        allowance: allowance.into(),
        cycle_start: cycle.parse().unwrap(),
        limit_bytes: limit * GB,
        granted_bytes: granted * GB,
        used_bytes: used * GB,
        exhausted: used >= limit + granted,
    }
}

/// What is cut of one SIM with these balances.
fn cuts(before: &[Command], after: &[Command], balances: &[Balance]) -> String {
    let mut view = RegistryView::default();
    for command in before {
        let entered = Entered {
            entered_at_ms: 0,
            command: command.clone(),
        };
        view.enter(entered, true);
    }
    let plan = Plan {
        commands: after.to_vec(),
        ..Plan::default()
    };
    let mut count = Count::new(Rules::registered(&view), Rules::after(&view, &plan), TODAY);
    count.add(None, "a", balances, 1);
    let words = |cut: Cut| {
        let on = cut.on.map_or(String::new(), |date| format!(" on {date}"));
        format!("{} {}{on}", cut.class, cut.action.as_str())
    };
    let all: Vec<String> = count.cuts().into_iter().map(words).collect();
    all.join(", ")
}

/// A cohort that is enforced since 1 February, with so many GB of education a month.
fn month(gigabytes: u64) -> String {
    format!(
        "enforce_from = 2026-02-01\nallowance.education = {{ bytes = \"{gigabytes} GB\", every = \"month\" }}"
    )
}

#[test]
fn a_lower_limit_cuts_who_has_used_as_much() {
    for (now, limit, granted, used, expected) in [
        (15, 20, 0, 15, "education block"),
        (15, 20, 0, 14, ""),
        // Cut already.
        (15, 20, 0, 20, ""),
        // What was rolled over stays.
        (15, 25, 0, 19, ""),
        (15, 25, 0, 20, "education block"),
        // Grants pay only behind the limit: nothing of this one is used yet.
        (15, 20, 5, 18, ""),
        // Two of its five gigabytes are used, and those three that are left still allow.
        (15, 20, 5, 22, ""),
        (15, 20, 5, 25, ""),
        (25, 20, 0, 20, ""),
    ] {
        let balances = [balance("education", "2026-02-01", limit, granted, used)];
        let found = cuts(&[told(&month(20))], &[told(&month(now))], &balances);
        assert_eq!(found, expected, "{now} {limit} {granted} {used}");
    }
}

#[test]
fn rules_that_stand_already_are_told_before_their_switch() {
    let coming = month(20).replace("enforce_from = 2026-02-01", "enforce_from = 2026-02-25");
    for (used, expected) in [(19, ""), (20, "education block on 2026-02-25")] {
        let balances = [balance("education", "2026-02-01", 20, 0, used)];
        assert_eq!(cuts(&[told(&coming)], &[], &balances), expected, "{used}");
    }
}

#[test]
fn an_account_of_another_period_or_another_cycle_begins_with_nothing_used() {
    let week =
        "enforce_from = 2026-02-01\nallowance.education = { bytes = \"5 GB\", every = \"week\" }";
    let balances = [balance("education", "2026-02-01", 20, 0, 19)];
    assert_eq!(cuts(&[told(&month(20))], &[told(week)], &balances), "");
    let january = [balance("education", "2026-01-01", 20, 0, 19)];
    assert_eq!(cuts(&[told(&month(20))], &[told(&month(1))], &january), "");
    assert_eq!(
        cuts(&[told(&month(20))], &[told(&month(0))], &january),
        "education block"
    );
}

#[test]
fn the_strictest_of_several_allowances_is_told() {
    let all = "enforce_from = 2026-02-01\n\
        allowance.education = { bytes = \"10 GB\", every = \"month\" }\n\
        allowance.total = { class = \"all\", bytes = \"0 GB\", every = \"day\" }\n\
        on_exhausted.education = { action = \"notify\" }\n\
        on_exhausted.total = { action = \"throttle\", kbit_s = 256 }";
    let balances = [balance("education", "2026-02-01", 20, 0, 12)];
    assert_eq!(
        cuts(&[told(&month(20))], &[told(all)], &balances),
        "education throttle, other throttle"
    );
    assert_eq!(
        cuts(&[], &[told(&month(0))], &[]),
        "education block",
        "before the first programme nothing is cut"
    );
}

#[test]
fn who_is_only_observed_is_told_with_the_day() {
    let later = |from: &str, gigabytes: u64| told(&month(gigabytes).replace("2026-02-01", from));
    let balances = [balance("education", "2026-02-01", 20, 0, 16)];
    for (from, gigabytes, expected) in [
        ("2026-02-25", 15, "education block on 2026-02-25"),
        ("2026-02-25", 17, ""),
        // By then another month has begun.
        ("2026-03-01", 15, ""),
        ("2026-03-01", 0, "education block on 2026-03-01"),
    ] {
        let found = cuts(&[later(from, 20)], &[later(from, gigabytes)], &balances);
        assert_eq!(found, expected, "{from} {gigabytes}");
    }
    let never = "allowance.education = { bytes = \"0 GB\", every = \"month\" }";
    assert_eq!(cuts(&[told(never)], &[told(never)], &balances), "");
}

#[test]
fn grants_and_the_calendar_have_a_part() {
    let used = [balance("education", "2026-02-01", 20, 0, 16)];
    let lower = told(&month(15));
    let valid = grant("g", "2026-02-19", "2026-03-21");
    let coming = grant("g", "2026-03-01", "2026-03-21");
    let before = [told(&month(20))];
    assert_eq!(cuts(&before, &[lower.clone(), valid.clone()], &used), "");
    assert_eq!(
        cuts(&before, &[lower.clone(), coming], &used),
        "education block"
    );
    // The end of a grant that still pays.
    let paid = [balance("education", "2026-02-01", 20, 5, 22)];
    let void = Command::Void(Void {
        grant: "g".into(),
        sim: None,
    });
    assert_eq!(
        cuts(&[told(&month(20)), valid], &[void], &paid),
        "education block"
    );
    let exam = entries(
        "[[calendar]]\nkind = \"exam\"\nfrom = 2026-02-20\nto = 2026-02-20\nopens = [\"education\"]\n",
    );
    let opened = [lower.clone(), Command::Calendar(exam.clone())];
    assert_eq!(cuts(&before, &opened, &used), "");
    let shut = Command::Calendar(CalendarEntries::default());
    let over = [balance("education", "2026-02-01", 15, 0, 16)];
    assert_eq!(
        cuts(&[lower, Command::Calendar(exam)], &[shut], &over),
        "education block"
    );
}

#[test]
fn the_counts_are_told_in_lines() {
    let cut = |class, action, on: Option<&str>, sims| Cut {
        cohort: "pilote-rural".into(),
        class,
        action,
        on: on.map(|date| date.parse().unwrap()),
        sims,
    };
    let cuts = [
        cut("education", Action::Throttle { kbit_s: 512 }, None, 214),
        cut("other", Action::Block, Some("2026-03-08"), 1),
    ];
    insta::assert_snapshot!(text(&cuts, 4640, "2026-02-20 10:00 (+01)"), @r"
    These rules would cut, of 4640 enrolled SIMs, by the balances as of 2026-02-20 10:00 (+01):
      pilote-rural: education throttled to 512 kbit/s for 214 SIMs at once
      pilote-rural: other blocked for 1 SIM on 2026-03-08, when the cohort is enforced
    ");
    insta::assert_snapshot!(text(&[], 4640, "2026-02-20 10:00 (+01)"), @"These rules would cut none of 4640 enrolled SIMs (balances as of 2026-02-20 10:00 (+01)).");
}
