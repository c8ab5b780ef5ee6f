//! Section 8: what grants pay, and what a cycle says of them.

use super::story::*;
use crate::facts::Fact;
use crate::registry::{Class, Command, Grant};

/// Limit, grants and use of education in a cycle, as the newest row says.
fn figures(story: &mut Story, cycle: &str) -> (u64, u64, u64) {
    let prefix = format!("cycle {} {cycle} education ", sim(1));
    let facts = story.take();
    let of = facts
        .range(prefix.clone()..)
        .take_while(|(key, _)| key.starts_with(&prefix));
    match of.last() {
        Some((_, Fact::SimCycle(row))) => (row.limit_bytes, row.granted_bytes, row.used_bytes),
        _ => panic!("no row of sim_cycle {prefix}"),
    }
}

#[test]
fn a_cycle_that_is_not_current_is_granted_what_grants_have_paid() {
    let mut cohort = rural();
    cohort.allowances[0].bytes = 100;
    let mut story = Story::begun();
    story.command(
        "2026-02-01T12:00",
        Command::Programme(programme(vec![cohort])),
    );
    story.command(
        "2026-02-01T12:00",
        Command::Grant(Grant {
            id: "gift".to_owned(),
            cohort: Some("rural".to_owned()),
            sim: None,
            allowance: Class::Education.as_str().to_owned(),
            bytes: 1_000,
            valid_from: date("2026-02-19"),
            valid_until: date("2026-03-21"),
            priority: 10,
            donor: "Khatwat Khir".to_owned(),
        }),
    );
    story.row(usage(1, "2026-02-10T10:00", 150));
    assert_eq!(
        figures(&mut story, "2026-02-01"),
        (100, 0, 150),
        "not yet valid"
    );
    story.row(usage(1, "2026-02-20T10:00", 200));
    assert_eq!(figures(&mut story, "2026-02-01"), (100, 1_000, 350));
    story.until("2026-03-01T00:00");
    assert_eq!(
        figures(&mut story, "2026-02-01"),
        (100, 200, 350),
        "the cycle has ended"
    );
    assert_eq!(figures(&mut story, "2026-03-01"), (100, 800, 0));
    story.row(usage(1, "2026-02-21T10:00", 30).delivered("2026-03-02T10:00"));
    assert_eq!(figures(&mut story, "2026-02-01"), (100, 230, 380));
    assert_eq!(figures(&mut story, "2026-03-01"), (100, 770, 0));
}
