//! What halts a shard: nothing is skipped silently, and the shard is as it was before.

use super::story::*;
use crate::registry::{Block, Class, Cohort, Command, Entered, OnExhausted, Revision};
use crate::shard::Halt;
use crate::usage::UsageRow;
use crate::wire::Entry;

fn refuses(story: &mut Story, entry: &Entry<'_>) -> String {
    let digest = story.shard.digest();
    let halt = story.apply(entry).unwrap_err();
    assert_eq!(story.shard.digest(), digest, "{halt}");
    halt.to_string()
}

fn block(from_rev: u64, to_rev: u64, commands: &[(u64, Command)]) -> Entry<'static> {
    let commands = commands.iter().cloned().map(|(rev, command)| Revision {
        rev,
        entered: Entered {
            entered_at_ms: at("2026-02-10T08:00"),
            command,
        },
    });
    Entry::Block(Block {
        from_rev,
        to_rev,
        commands: commands.collect(),
    })
}

#[test]
fn a_gap_between_blocks_halts() {
    let mut story = Story::begun();
    assert_eq!(story.shard.registry_revision(), 4);
    let halt = story.apply(&block(5, 6, &[])).unwrap_err();
    assert!(matches!(halt, Halt::Gap { revision: 4, .. }), "{halt}");
    refuses(&mut story, &block(5, 6, &[]));
}

#[test]
fn of_overlapping_blocks_the_suffix_is_applied() {
    let mut story = Story::begun();
    let three = |number| enrolment(number, "rural", "2026-02-01");
    story.apply(&block(4, 6, &[(4, three(3))])).unwrap();
    story.told();
    story
        .apply(&block(3, 7, &[(3, three(8)), (4, three(9)), (6, three(4))]))
        .unwrap();
    let told = story.told();
    assert!(told.iter().all(|words| words.starts_with("4 ")), "{told:?}");
    assert_eq!(story.shard.registry_revision(), 7);
    story.apply(&block(0, 3, &[(1, three(9))])).unwrap();
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.shard.registry_revision(), 7);
    assert_eq!(story.shard.sims().enrolled, 4);
}

#[test]
fn a_command_that_no_shard_can_follow_halts() {
    let with = |change: &dyn Fn(&mut Cohort)| {
        let mut cohort = rural();
        change(&mut cohort);
        Command::Programme(programme(vec![cohort.clone()]))
    };
    let mut no_zone = programme(vec![]);
    no_zone.tzif_hex.truncate(20);
    let mut catalogue = catalogue();
    catalogue.rules.push(catalogue.rules[0].clone());
    let twice = allowance(Class::System, 2, OnExhausted::Block);
    let table = [
        (Command::Programme(no_zone), "cannot be read"),
        (with(&|c| c.thresholds = vec![80, 50]), "do not rise"),
        (
            with(&|c| c.allowances.push(twice.clone())),
            "two allowances \"system\"",
        ),
        (
            Command::Catalogue(catalogue),
            "two rules for rating group 4101",
        ),
    ];
    let mut story = Story::begun();
    for (command, expected) in table {
        let why = refuses(&mut story, &block(4, 5, &[(4, command)]));
        assert!(why.contains(expected), "{why}");
    }
    let three = || (5, enrolment(3, "rural", "2026-02-01"));
    let out_of_order = block(4, 6, &[three(), three()]);
    let why = refuses(&mut story, &out_of_order);
    assert!(why.contains("does not stand in its order"), "{why}");
}

#[test]
fn a_row_that_ingest_cannot_have_written_halts_before_the_frame_is_applied() {
    let good = usage(1, "2026-02-10T08:00", 1).row(0);
    let table: [(UsageRow, &str); 8] = [
        (UsageRow { kind: 2, ..good }, "kind"),
        (
            UsageRow {
                kind: 1,
                reject_reason: 99,
                ..good
            },
            "reject_reason",
        ),
        (
            UsageRow {
                feed: [0; 16],
                ..good
            },
            "feed",
        ),
        (
            UsageRow {
                node: [b' '; 20],
                ..good
            },
            "node",
        ),
        (
            UsageRow {
                ended_at_ms: 5.into(),
                ..good
            },
            "ends before",
        ),
        (
            UsageRow {
                started_at_ms: (-1).into(),
                ..good
            },
            "before 1970",
        ),
        (
            UsageRow {
                uplink_bytes: u64::MAX.into(),
                ..good
            },
            "bytes",
        ),
        (
            UsageRow {
                delivered_at_ms: i64::MAX.into(),
                ..good
            },
            "outside of the years",
        ),
    ];
    let mut story = Story::begun();
    for (row, expected) in table {
        let why = refuses(&mut story, &Entry::Rows(&[good, row]));
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(story.rows(&[good]), "counted education");
}

#[test]
fn an_entry_that_does_not_lie_behind_the_last_halts() {
    let mut story = Story::begun();
    story.offset -= 1;
    let why = refuses(&mut story, &block(4, 4, &[]));
    assert!(why.contains("out of order"), "{why}");
    // Offsets may have gaps: compaction and transactions leave them.
    story.offset += 100;
    story.apply(&block(4, 4, &[])).unwrap();
    assert_eq!(story.shard.applied_offset(), Some(103));
}
