//! What halts a shard: nothing is skipped silently, and the shard is as it was before.

use super::commands::*;
use super::story::*;
use crate::registry::{
    Allowance, Block, Breaker, CalendarKind, Catalogue, Class, Cohort, Command, Entered, Grant,
    Logic, OnExhausted, Period, Programme, Revision, Rule,
};
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
    let table: [(UsageRow, &str); 9] = [
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
                node: [0; 20],
                ..good
            },
            "node",
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
        for frame in [&[good, row][..], &[row, good], &[row]] {
            let why = refuses(&mut story, &Entry::Rows(frame));
            assert!(why.contains(expected), "{why}");
        }
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

/// That each of these commands, entered on 10 February at 08:00, halts with these words.
fn all_refused(story: &mut Story, table: Vec<(Command, &str)>) {
    let rev = story.shard.registry_revision();
    for (command, expected) in table {
        let why = refuses(story, &block(rev, rev + 1, &[(rev, command)]));
        assert!(why.contains(expected), "{why}\nmust say: {expected}");
    }
}

#[test]
fn a_programme_that_contradicts_itself_halts() {
    let with = |change: &dyn Fn(&mut Cohort)| {
        let mut one = rural();
        change(&mut one);
        rules(vec![one])
    };
    let other = |change: &dyn Fn(&mut Programme)| {
        let mut one = programme(vec![rural()]);
        change(&mut one);
        Command::Programme(one)
    };
    let every = |every| {
        let one = Allowance {
            every,
            ..monthly(1)
        };
        rural_with(vec![one])
    };
    let slow = |kbit_s| {
        let on_exhausted = OnExhausted::Throttle { kbit_s };
        rural_with(vec![Allowance {
            on_exhausted,
            ..monthly(1)
        }])
    };
    let share = |share_permille| {
        with(&|c| {
            c.breaker = Breaker {
                share_permille,
                at_least: 0,
            }
        })
    };
    let mut story = Story::begun();
    let table = vec![
        (other(&|p| p.closes_after_days = 367), "close 367 days"),
        (
            other(&|p| p.unknown_charged_to = Class::Unknown),
            "charged to `unknown`",
        ),
        (rules(vec![rural(), rural()]), "two cohorts"),
        (with(&|c| c.thresholds = vec![0, 50]), "do not rise"),
        (with(&|c| c.thresholds = vec![50, 50]), "do not rise"),
        (with(&|c| c.thresholds = vec![50, 101]), "do not rise"),
        (every(Period::Days(0)), "every 0 days"),
        (every(Period::Days(367)), "every 367 days"),
        (slow(0), "0 kbit/s"),
        (share(1001), "1001 ‰"),
    ];
    all_refused(&mut story, table);
    // At the bounds it is followed.
    for command in [
        other(&|p| p.closes_after_days = 366),
        with(&|c| c.thresholds = vec![1, 100]),
        every(Period::Days(1)),
        every(Period::Days(366)),
        slow(1),
        share(1000),
    ] {
        story.command("2026-02-10T08:00", command);
    }
}

#[test]
fn calendars_grants_and_enrolments_that_contradict_themselves_halt() {
    let mut story = Story::begun();
    story.command("2026-02-09T08:00", Command::Grant(grant("known", 1)));
    let term = |from, to| days(CalendarKind::Term, from, to);
    let granted = |change: &dyn Fn(&mut Grant)| {
        let mut one = grant("g", 1);
        change(&mut one);
        Command::Grant(one)
    };
    let same = "2026-02-10";
    let table = vec![
        (
            calendar(vec![days(CalendarKind::Exam, same, "2026-02-09")]),
            "ends before it begins",
        ),
        (
            calendar(vec![term("2026-02-01", same), term(same, "2026-03-01")]),
            "overlap",
        ),
        (
            calendar(vec![term(same, "2026-03-01"), term("2026-02-01", same)]),
            "overlap",
        ),
        (
            calendar(vec![open_days(same, same, &[Class::System])]),
            "opens system",
        ),
        (granted(&|g| g.bytes = 0), "no bytes"),
        (granted(&|g| g.valid_until = g.valid_from), "ends before"),
        (granted(&|g| g.cohort = None), "for neither"),
        (granted(&|g| g.sim = Some(sim(1))), "a cohort and a SIM"),
        (granted(&|g| g.id = "known".to_owned()), "stands already"),
        (void("unknown"), "no grant"),
        (
            enrolling(3, same).until(same).told(),
            "ends before it begins",
        ),
        (
            enrolling(3, same).until("2026-02-09").told(),
            "ends before it begins",
        ),
        (Command::Logic(Logic { version: 2 }), "this binary knows 1"),
        (Command::Logic(Logic { version: 0 }), "this binary knows 1"),
    ];
    all_refused(&mut story, table);
    // What goes before in the same block counts; what comes of the block counts for nothing where it halts.
    let rev = story.shard.registry_revision();
    let of_two = |one, two| block(rev, rev + 2, &[(rev, one), (rev + 1, two)]);
    let twice = of_two(Command::Grant(grant("g", 1)), Command::Grant(grant("g", 1)));
    assert!(refuses(&mut story, &twice).contains("stands already"));
    let both = of_two(Command::Grant(grant("g", 1)), void("g"));
    story.apply(&both).unwrap();
    for command in [
        calendar(vec![
            term("2026-02-01", "2026-02-09"),
            term(same, "2026-03-01"),
        ]),
        calendar(vec![
            days(CalendarKind::Exam, same, same),
            days(CalendarKind::Break, same, same),
        ]),
        enrolling(3, same).until("2026-02-11").told(),
        Command::Logic(Logic { version: 1 }),
    ] {
        story.command("2026-02-10T08:00", command);
    }
}

#[test]
fn a_catalogue_that_changes_the_past_halts() {
    let rule = |group, class, service: &str, valid_from: Option<&str>| Rule {
        rating_group: group,
        service_id: None,
        class,
        service: service.to_owned(),
        valid_from: valid_from.map(date),
    };
    let later = |rules: Vec<Rule>| {
        Command::Catalogue(Catalogue {
            version: "c2".to_owned(),
            rules,
        })
    };
    let new = |valid_from| later(vec![rule(5, Class::Other, "new", valid_from)]);
    let known = |class, service, valid_from| later(vec![rule(EDU, class, service, valid_from)]);
    let mut story = Story::begun();
    let past = "changes the past";
    let words = |story: &mut Story, command| {
        let rev = story.shard.registry_revision();
        refuses(story, &block(rev, rev + 1, &[(rev, command)]))
    };
    // Entered on 10 February at 08:00.
    for command in [
        new(None),
        new(Some("2026-02-10")),
        new(Some("2026-01-01")),
        known(Class::Other, "telmidtice", None),
        known(Class::Education, "another", None),
        known(Class::Education, "telmidtice", Some("2026-02-10")),
    ] {
        let why = words(&mut story, command.clone());
        assert!(!why.is_empty(), "{past}: {command:?}");
    }
    let again = catalogue().rules;
    story.command("2026-02-10T08:00", later(again));
    story.command("2026-02-10T08:00", new(Some("2026-02-11")));
    // The midnight of 12 February lies 15 minutes behind 23:45.
    let rev = story.shard.registry_revision();
    let at_the_edge = |entered: &str| {
        Entry::Block(Block {
            from_rev: rev,
            to_rev: rev + 1,
            commands: vec![Revision {
                rev,
                entered: Entered {
                    entered_at_ms: at(entered),
                    command: later(vec![rule(6, Class::Other, "edge", Some("2026-02-12"))]),
                },
            }],
        })
    };
    refuses(&mut story, &at_the_edge("2026-02-11T23:45:00.001"));
    story.apply(&at_the_edge("2026-02-11T23:45")).unwrap();
    // What an earlier version says may stand again in the newest.
    let back = later(vec![rule(5, Class::Other, "new", Some("2026-02-11"))]);
    story.command("2026-03-10T08:00", back);
}

#[test]
fn instants_of_the_years_1970_to_8999_are_admitted() {
    let table = [
        (-1, false),
        (0, true),
        (221_845_391_999_999, true),
        (221_845_392_000_000, false),
    ];
    assert_eq!(at("8999-12-31T23:59:59.999Z"), 221_845_391_999_999);
    for (as_of_ms, admitted) in table {
        let progress = crate::wire::Progress {
            sources: vec![],
            as_of_ms,
        };
        let mut shard = crate::shard::Shard::new(crate::shard::ShardConfig::new(1, 3, 16));
        let applied = shard.apply(&Entry::Progress(progress), 0, &mut Default::default());
        assert_eq!(applied.is_ok(), admitted, "{as_of_ms}");
        let entered = Entry::Block(Block {
            from_rev: 0,
            to_rev: 1,
            commands: vec![Revision {
                rev: 0,
                entered: Entered {
                    entered_at_ms: as_of_ms,
                    command: Command::Logic(Logic { version: 1 }),
                },
            }],
        });
        let mut shard = crate::shard::Shard::new(crate::shard::ShardConfig::new(1, 3, 16));
        let applied = shard.apply(&entered, 0, &mut Default::default());
        assert_eq!(applied.is_ok(), admitted, "{as_of_ms}");
    }
}
