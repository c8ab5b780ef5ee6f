//! Rows of facts: absolute values under a key, with a version.

use super::story::*;
use crate::facts::Fact;
use crate::registry::{Block, Command, Entered, Revision};
use crate::wire::Entry;

#[test]
fn taken_rows_are_of_what_changed_since() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-10T08:00", 5));
    assert!(story.shard.facts_pending() > 0);
    story.take();
    assert_eq!(story.shard.take_facts(10), []);
    let row = usage(1, "2026-02-10T09:00", 7).charging_id(77);
    let offset = story.offset;
    story.row(Usage { up: 2, ..row });
    assert_eq!(story.shard.facts_pending(), 4);
    let facts = [1, 1, 1, 1].map(|max| story.shard.take_facts(max).remove(0));
    assert_eq!(story.shard.facts_pending(), 0);
    for fact in &facts {
        assert_eq!(version(fact), offset);
        match fact {
            Fact::SimDay(row) => {
                assert_eq!(
                    (row.uplink_bytes, row.downlink_bytes, row.records),
                    (2, 12, 2)
                );
                assert_eq!(row.service, "telmidtice");
            }
            Fact::SimCycle(row) => assert_eq!((row.used_bytes, row.limit_bytes), (14, 20 * GB)),
            Fact::OutcomeDay(row) => assert_eq!((row.records, row.bytes), (2, 14)),
            Fact::PlaceHour(row) => assert_eq!((row.uplink_bytes, row.downlink_bytes), (2, 7)),
            other => panic!("{other:?}"),
        }
    }
    // A duplicate touches the books alone.
    story.row(Usage { up: 2, ..row });
    assert_eq!(story.shard.facts_pending(), 1);
}

#[test]
fn decisions_and_assignments_are_rows_too() {
    let mut story = Story::begun();
    let facts = story.take();
    let decisions = facts.values().filter_map(|fact| match fact {
        Fact::Decision(row) => Some((row.decision.number, row.booked_day, row.version)),
        _ => None,
    });
    let decisions: Vec<_> = decisions.collect();
    assert_eq!(decisions.len(), 6);
    assert_eq!(decisions[0], (1, date("2026-01-31"), 2));
    assert_eq!(decisions[5], (6, date("2026-01-31"), 3));
    let Some(Fact::Assignment(row)) =
        facts.get(&format!("assignment {} 2026-02-01 2026-01-31", sim(2)))
    else {
        panic!("no assignment");
    };
    assert_eq!(
        (row.cohort.as_str(), row.revision, row.version),
        ("rural", 3, 3)
    );
    assert_eq!(row.place.school, "school-2");
}

#[test]
fn a_timer_s_decision_is_booked_on_the_day_of_its_deadline() {
    let mut story = Story::begun();
    story.until("2026-02-20T08:00");
    let decision = story.take().values().find_map(|fact| match fact {
        Fact::Decision(row) if row.decision.number == 7 => Some(row.booked_day),
        _ => None,
    });
    assert_eq!(decision, Some(date("2026-02-08")));
}

#[test]
fn within_one_entry_a_key_has_one_row_the_last() {
    let mut story = Story::begun();
    story.take();
    let commands = [
        enrolment(1, "a", "2026-02-03"),
        enrolment(1, "b", "2026-02-04"),
        enrolment(1, "c", "2026-02-03"),
    ];
    let commands: Vec<Command> = commands.into();
    let commands = commands.into_iter().zip(story.revision..);
    let commands: Vec<_> = commands
        .map(|(command, rev)| Revision {
            rev,
            entered: Entered {
                entered_at_ms: at("2026-02-02T08:00"),
                command,
            },
        })
        .collect();
    let block = Block {
        from_rev: story.revision,
        to_rev: story.revision + 3,
        commands,
    };
    story.apply(&Entry::Block(block)).unwrap();
    let rows = story.take().values().filter_map(|fact| match fact {
        Fact::Assignment(row) if row.version == 4 => Some((row.valid_from, row.cohort.clone())),
        _ => None,
    });
    let rows: Vec<_> = rows.collect();
    let expected = [("2026-02-03", "c"), ("2026-02-04", "b")];
    assert_eq!(
        rows,
        expected.map(|(from, cohort)| (date(from), cohort.to_owned()))
    );
}

#[test]
fn two_accounts_of_one_id_and_first_day_have_one_row_in_an_entry() {
    let mut other = rural();
    other.id = "urban".into();
    other.allowances[0].every = crate::registry::Period::Day;
    other.allowances[0].bytes = 5 * GB;
    let mut story = Story::new();
    let told = [
        Command::Programme(programme(vec![rural(), other])),
        enrolment(1, "rural", "2026-02-01"),
        enrolment(1, "urban", "2026-02-01"),
    ];
    let commands = (0..).zip(told).map(|(rev, command)| Revision {
        rev,
        entered: Entered {
            entered_at_ms: at("2026-02-01T08:00"),
            command,
        },
    });
    let block = Block {
        from_rev: 0,
        to_rev: 3,
        commands: commands.collect(),
    };
    story.apply(&Entry::Block(block)).unwrap();
    let facts = story.shard.take_facts(usize::MAX);
    let limits = facts.iter().filter_map(|fact| match fact {
        Fact::SimCycle(row) if row.allowance == "education" => Some(row.limit_bytes),
        _ => None,
    });
    assert_eq!(limits.collect::<Vec<_>>(), [5 * GB]);
}
