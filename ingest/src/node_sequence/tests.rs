use std::collections::{BTreeMap, BTreeSet};

use hissa_core::sim::FeedId;
use proptest::prelude::*;

use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

fn numbered(node: &str, offset: u64, delivered_at_ms: i64, number: u64) -> Numbered {
    let source = Source {
        feed: FeedId::parse("pgw").unwrap(),
        epoch: 0,
        partition: 0,
    };
    Numbered {
        source,
        offset,
        delivered_at_ms,
        node: NodeId::parse(node).unwrap(),
        number,
    }
}

/// A feed of one partition, by hand.
#[derive(Default)]
struct Play {
    state: NodeSequences,
    found: Found,
    offset: u64,
}

impl Play {
    fn note(&mut self, node: &str, at_ms: i64, number: u64) {
        self.note_within(node, at_ms, number, BOUNDS);
    }

    fn note_within(&mut self, node: &str, at_ms: i64, number: u64, bounds: Bounds) {
        let record = numbered(node, self.offset, at_ms, number);
        self.offset += 1;
        self.state.note_within(&record, &mut self.found, bounds);
    }

    fn told(&self) -> (u64, u64, usize) {
        let Found { missing, repeated } = self.found;
        (missing, repeated, self.state.open_holes())
    }
}

#[test]
fn holes_open_close_and_are_given_up_and_what_comes_twice_is_a_repeat() {
    let week = PATIENCE_MS;
    // Numbers with their delivery times; then what is missing, repeated, and the holes that are open.
    type Case = (&'static str, Vec<(i64, u64)>, (u64, u64, usize));
    let cases: [Case; 14] = [
        ("in order", vec![(0, 7), (1, 8), (2, 9)], (0, 0, 0)),
        ("the first number is no gap", vec![(0, 500_000)], (0, 0, 0)),
        ("a hole", vec![(0, 1), (0, 3)], (0, 0, 1)),
        ("one hole of many numbers", vec![(0, 1), (0, 90)], (0, 0, 1)),
        ("filled", vec![(0, 1), (0, 3), (0, 2)], (0, 0, 0)),
        (
            "filled in its middle",
            vec![(0, 1), (0, 5), (0, 3)],
            (0, 0, 2),
        ),
        (
            "filled from both ends",
            vec![(0, 1), (0, 5), (0, 2), (0, 4), (0, 3)],
            (0, 0, 0),
        ),
        (
            "repeats",
            vec![(0, 1), (0, 2), (0, 2), (0, 1), (0, 2)],
            (0, 3, 0),
        ),
        (
            "filled twice",
            vec![(0, 1), (0, 3), (0, 2), (0, 2)],
            (0, 1, 0),
        ),
        (
            "below the first is not judged",
            vec![(0, 5), (0, 4), (0, 4)],
            (0, 0, 0),
        ),
        (
            "a week is borne",
            vec![(0, 1), (0, 4), (week, 5)],
            (0, 0, 1),
        ),
        (
            "more is not",
            vec![(0, 1), (0, 4), (week + 1, 5)],
            (2, 0, 0),
        ),
        (
            "given up is given up",
            vec![(0, 1), (0, 4), (week + 1, 2), (week + 1, 1)],
            (2, 0, 0),
        ),
        (
            "what lies above is still known",
            vec![(0, 1), (0, 4), (week + 1, 4)],
            (2, 1, 0),
        ),
    ];
    for (what, numbers, expected) in cases {
        let mut play = Play::default();
        for (at_ms, number) in numbers {
            play.note("pgw-1", at_ms, number);
        }
        assert_eq!(play.told(), expected, "{what}");
    }
}

#[test]
fn each_node_has_numbers_of_its_own_and_the_feeds_time_ends_their_holes() {
    let mut play = Play::default();
    for number in [1, 3] {
        play.note("a", 0, number);
        play.note("b", DAY_MS, number + 100);
    }
    assert_eq!(play.told(), (0, 0, 2));
    play.note("b", PATIENCE_MS + 1, 104);
    play.state.reach(0, play.offset, &mut play.found);
    assert_eq!(play.told(), (1, 0, 1));
}

#[test]
fn beyond_the_bounds_the_oldest_goes() {
    let mut play = Play::default();
    for number in 0..=1_024 {
        play.note("a", 0, number * 2);
    }
    assert_eq!(play.told(), (0, 0, 1_024));
    play.note("a", 0, 2_050);
    assert_eq!(play.told(), (1, 0, 1_024));
    // The number that was given up is not judged any more; the next is awaited.
    play.note("a", 0, 1);
    assert_eq!(play.told(), (1, 0, 1_024));
    play.note("a", 0, 3);
    assert_eq!(play.told(), (1, 0, 1_023));

    // Of all nodes together.
    let mut play = Play::default();
    for number in 0..=1_024u32 {
        for (place, node) in ["a", "b", "c", "d"].into_iter().enumerate() {
            let at_ms = i64::from(number) * 4 + i64::try_from(place).unwrap();
            play.note(node, at_ms, u64::from(number) * 2);
        }
    }
    assert_eq!(play.told(), (0, 0, 4_096));
    play.note("e", 9_000, 0);
    play.note("e", 9_000, 2);
    assert_eq!(play.told(), (1, 0, 4_096));
    assert_eq!(
        play.state.nodes[&NodeId::parse("a").unwrap()].holes.len(),
        1_023
    );
    let stored = serde_json::to_string(&play.state).unwrap();
    assert!(stored.len() < 300_000, "{}", stored.len());

    // Of nodes: the one that was silent for longest.
    let mut play = Play::default();
    play.note("silent", 0, 0);
    play.note("silent", 0, 11);
    for node in 0..256 {
        play.note(&format!("n{node}"), 1, 0);
    }
    assert_eq!(play.told(), (10, 0, 0));
    assert_eq!(play.state.nodes.len(), 256);
}

#[test]
fn a_number_from_far_away_is_nothing_and_a_hundred_are_a_new_beginning() {
    for (begun, anew) in [(5_000_000_000, 0), (0, 5_000_000_000), (0, 1 << 62)] {
        let mut play = Play::default();
        play.note("a", 0, begun);
        play.note("a", 0, begun + 2);
        play.note("a", 0, anew);
        play.note("a", 0, begun + 3);
        assert_eq!(play.told(), (0, 0, 1), "one error");
        for number in anew..anew + 100 {
            play.note("a", 0, number);
        }
        // What was open is given up; from here on the new numbers count.
        assert_eq!(play.told(), (1, 0, 0));
        play.note("a", 0, anew + 101);
        play.note("a", 0, anew + 99);
        assert_eq!(play.told(), (1, 1, 1));
    }
    let mut play = Play::default();
    play.note("a", 0, 0);
    play.note("a", 0, 1_000_000);
    assert_eq!(play.told(), (0, 0, 1), "not far");
}

#[test]
fn records_read_again_are_not_judged_again() {
    let mut play = Play::default();
    for number in [1, 2, 5, 2] {
        play.note("a", 0, number);
    }
    play.state.reach(0, 4, &mut play.found);
    let text = serde_json::to_string(&play.state).unwrap();
    assert_eq!(
        text,
        r#"{"through":{"0":4},"clock_ms":0,"nodes":{"a":{"floor":1,"top":5,"holes":[[3,4,0]],"last_ms":0,"far":0}}}"#
    );
    let mut again = Play {
        state: serde_json::from_str(&text).unwrap(),
        offset: 2,
        ..Play::default()
    };
    for number in [5, 2, 6, 3] {
        again.note("a", 0, number);
    }
    assert_eq!(again.told(), (0, 0, 1));
    again.note("a", 0, 6);
    assert_eq!(again.told(), (0, 1, 1));
}

/// One node, number by number.
#[derive(Default)]
struct Model {
    seen: BTreeSet<u64>,
    awaited: BTreeMap<u64, i64>,
    floor: u64,
    clock_ms: i64,
    found: Found,
}

impl Model {
    fn note(&mut self, at_ms: i64, number: u64, holes_max: usize) {
        self.clock_ms = self.clock_ms.max(at_ms);
        let Some(top) = self.seen.last().copied() else {
            self.floor = number;
            self.seen.insert(number);
            return;
        };
        while let Some((first, since_ms)) = self.awaited.first_key_value()
            && self.clock_ms - since_ms > PATIENCE_MS
        {
            self.floor = first + 1;
            self.awaited.pop_first();
            self.found.missing += 1;
        }
        for number in top + 1..number {
            self.awaited.insert(number, at_ms);
        }
        if number >= self.floor {
            self.awaited.remove(&number);
            self.found.repeated += u64::from(!self.seen.insert(number));
        }
        while self.holes() > holes_max {
            let Some((mut next, _)) = self.awaited.pop_first() else {
                return;
            };
            self.found.missing += 1;
            while self.awaited.remove(&(next + 1)).is_some() {
                next += 1;
                self.found.missing += 1;
            }
            self.floor = next + 1;
        }
    }

    fn holes(&self) -> usize {
        let begins = |number: &&u64| !self.awaited.contains_key(&(*number - 1));
        self.awaited.keys().filter(begins).count()
    }
}

proptest! {
    /// Times go on by up to a day and may fall by an hour; numbers stay within 60 of where they began.
    #[test]
    fn the_intervals_know_what_a_set_knows(
        records in prop::collection::vec((1u64..60, -1i64..24), 1..200),
        holes_max in 1usize..6,
        batch in 1usize..20,
    ) {
        let bounds = Bounds { holes_a_node: holes_max, ..BOUNDS };
        let mut play = Play::default();
        let mut model = Model::default();
        let mut at_ms = 0;
        for (place, (number, hours)) in records.into_iter().enumerate() {
            // Numbers rise on the whole.
            let number = number + place as u64 / 2;
            at_ms = (at_ms + hours * 3_600_000 / 2).max(0);
            play.note_within("a", at_ms, number, bounds);
            model.note(at_ms, number, holes_max);
            if place % batch == 0 {
                // However the records are batched, and whether there is a restart.
                play.state.reach(0, play.offset, &mut play.found);
                let text = serde_json::to_string(&play.state).unwrap();
                play.state = serde_json::from_str(&text).unwrap();
            }
            prop_assert_eq!(play.found, model.found);
            prop_assert_eq!(play.state.open_holes(), model.holes());
        }
    }
}
