//! Which partition gets which commands of the registry.

use hissa_core::registry::{
    Breaker, BreakerAction, BreakerOrder, CalendarEntries, Catalogue, Class, Cohort, Grant, Logic,
    Opening, Programme, Retirement, Void,
};

use super::*;

/// Its pseudonym lies in partition 9.
const SIM: SimId = SimId([0x97; 16]);

fn grant(cohort: Option<&str>, sim: Option<SimId>) -> Entry {
    Entry::Grant(Grant {
        id: "g-1".into(),
        cohort: cohort.map(str::to_owned),
        sim,
        allowance: "education".into(),
        bytes: 1_000_000_000,
        valid_from: jiff::civil::date(2026, 3, 1),
        valid_until: jiff::civil::date(2026, 4, 1),
        priority: 1,
        donor: "d".into(),
    })
}

fn void(sim: Option<SimId>) -> Entry {
    Entry::Void(Void {
        grant: "g-1".into(),
        sim,
    })
}

fn programme() -> Entry {
    Entry::Programme(Programme {
        id: "p".into(),
        policy_version: "1".into(),
        timezone: "Africa/Casablanca".into(),
        tzif_hex: String::new(),
        closes_after_days: 7,
        unknown_charged_to: Class::Other,
        privacy_k: 5,
        tablet_tacs: vec![],
        router_tacs: vec![],
        cohorts: vec![Cohort {
            id: "c".into(),
            enforce_from: None,
            allowances: vec![],
            thresholds: vec![],
            restore_over_ms: 0,
            breaker: Breaker::default(),
        }],
    })
}

#[test]
fn general_commands_go_to_all_and_a_sims_to_its_own_partition_in_their_order() {
    let date = jiff::civil::date(2026, 3, 10);
    let opening = Opening {
        sim: SIM,
        allowance: "education".into(),
        used_bytes: 1,
        as_of: date,
        revision: 1,
    };
    let catalogue = Catalogue {
        version: "1".into(),
        rules: vec![],
    };
    let order = BreakerOrder {
        action: BreakerAction::Release,
        cohort: "c".into(),
    };
    let entries = [
        (Entry::Logic(Logic { version: 1 }), true),
        (programme(), true),
        (Entry::Calendar(CalendarEntries::default()), true),
        (Entry::Catalogue(catalogue), true),
        (general(0, 0).entered.command, true),
        (enrol(0, 0, 0x97, "s".into()).entered.command, false),
        (Entry::Opening(opening), false),
        (grant(Some("c"), None), true),
        (grant(None, Some(SIM)), false),
        (void(None), true),
        (void(Some(SIM)), false),
        (Entry::Breaker(order), true),
        (Entry::Retire(Retirement { sim: SIM, at: date }), false),
    ];
    let revisions = (0..).zip(&entries).map(|(rev, (command, _))| Revision {
        rev,
        entered: Entered {
            entered_at_ms: 0,
            command: command.clone(),
        },
    });
    let commands = step(&mut start(false, 0, 0), whole(revisions.collect()));
    for partition in SMALL.numbers() {
        let ours = |(_, (_, general)): &(usize, &(Entry, bool))| *general || partition == 9;
        let ours = entries.iter().enumerate().filter(ours);
        let ours: Vec<_> = ours.map(|(rev, _)| rev.to_string()).collect();
        let expected = format!("b0-13:{}", ours.join(","));
        assert_eq!(seen_by(partition, &commands), [expected], "{partition}");
    }
    // As they were entered, word for word.
    let carried = commands.iter().find_map(|command| match command {
        Command::Entry {
            partition: 9,
            payload,
            ..
        } => Some(serde_json::from_slice::<hissa_core::registry::Block>(payload.bytes()).unwrap()),
        _ => None,
    });
    let carried: Vec<_> = carried
        .unwrap()
        .commands
        .into_iter()
        .map(|c| c.entered.command)
        .collect();
    assert!(
        carried
            .iter()
            .eq(entries.iter().map(|(command, _)| command))
    );
}

#[test]
fn a_large_roster_comes_in_blocks_that_join_without_a_gap() {
    let mut publisher = start(false, 0, 0);
    let school = "s".repeat(2_000);
    let roster = (0..25_000)
        .map(|rev| enrol(rev, 0, 0, school.clone()))
        .collect();
    let commands = step(&mut publisher, whole(roster));
    let mut next = 0;
    let mut carried = 0;
    for command in &commands {
        let Command::Entry {
            partition: 0,
            payload,
            ..
        } = command
        else {
            continue;
        };
        assert!(payload.bytes().len() < 750_000);
        let block: hissa_core::registry::Block = serde_json::from_slice(payload.bytes()).unwrap();
        assert_eq!(block.from_rev, next);
        assert!(
            block
                .commands
                .iter()
                .all(|c| (block.from_rev..block.to_rev).contains(&c.rev))
        );
        next = block.to_rev;
        carried += block.commands.len();
    }
    assert_eq!((next, carried), (25_000, 25_000));
    assert_eq!(
        seen_by(9, &commands),
        ["b0-10000:", "b10000-20000:", "b20000-25000:"]
    );
}
