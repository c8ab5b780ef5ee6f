//! The nodes' numbers, as they travel with the positions.

use hissa_core::sim::NodeId;
use proptest::prelude::*;

use super::*;
use crate::node_sequence::Numbered;

/// Records of one partition from this offset on, with these numbers of the node `pgw-1`, delivered an hour apart.
fn records(partition: u32, first: u64, numbers: &[u64]) -> Batch {
    let at_ms = |offset: u64| i64::try_from(offset).unwrap() * 3_600_000;
    let offsets = first..first + numbers.len() as u64;
    let numbered = offsets
        .clone()
        .zip(numbers)
        .map(|(offset, number)| Numbered {
            source: source(partition),
            offset,
            delivered_at_ms: at_ms(offset),
            node: NodeId::parse("pgw-1").unwrap(),
            number: *number,
        });
    Batch {
        numbered: numbered.collect(),
        rows: offsets
            .clone()
            .map(|offset| row(partition, offset, at_ms(offset), 0))
            .collect(),
        reached: vec![reached(
            partition,
            offsets.end,
            numbers.len() as u64,
            Some(at_ms(offsets.end - 1)),
        )],
        ..Batch::default()
    }
}

fn published(publisher: &mut Publisher, batch: Batch) -> Vec<(Source, Stored)> {
    let commands = step(publisher, Event::Batch(batch));
    acknowledge(publisher, &commands)
}

fn told(publisher: &Publisher) -> (u64, u64, usize) {
    let (found, holes) = publisher.node_sequences(source(0).feed);
    (found.missing, found.repeated, holes)
}

fn two(stored: &BTreeMap<Source, Stored>) -> Publisher {
    let known = (0..2).map(|partition| {
        let known = stored.get(&source(partition)).cloned();
        (source(partition), known.unwrap_or_default())
    });
    let mut publisher = Publisher::new(SMALL, false, known, 0);
    step(&mut publisher, whole(vec![]));
    publisher
}

#[test]
fn a_node_may_write_into_all_partitions_of_its_feed_and_a_restart_goes_on_where_it_was() {
    let mut stored = BTreeMap::new();
    let mut publisher = two(&stored);
    stored.extend(published(&mut publisher, records(0, 0, &[10, 12, 16])));
    stored.extend(published(&mut publisher, records(1, 0, &[11, 13, 13])));
    assert_eq!(told(&publisher), (0, 1, 1));

    // What was found is counted anew, as counters are; what is awaited is still awaited.
    let mut publisher = two(&stored);
    assert_eq!(told(&publisher), (0, 0, 1));
    stored.extend(published(&mut publisher, records(0, 3, &[15, 16])));
    assert_eq!(told(&publisher), (0, 1, 1));
    // Quiet seconds and commands store it again.
    let at_end = Event::AtEnd {
        sources: vec![source(1), source(0)],
        at_ms: 9_000_000,
    };
    for event in [whole(vec![general(0, 0)]), at_end] {
        let commands = step(&mut publisher, event);
        stored.extend(acknowledge(&mut publisher, &commands));
        let holding: Vec<_> = stored
            .values()
            .map(|s| s.node_sequences.is_some())
            .collect();
        assert_eq!(holding, [true, false], "the one that is written first");
        assert_eq!(told(&two(&stored)), (0, 0, 1));
    }
    let mut publisher = two(&stored);
    published(&mut publisher, records(1, 3, &[14]));
    assert_eq!(told(&publisher), (0, 0, 0));
}

#[test]
fn a_position_that_was_lost_makes_no_repeats_and_a_state_that_was_lost_no_gaps() {
    let mut before = BTreeMap::new();
    let mut publisher = two(&before);
    before.extend(published(&mut publisher, records(0, 0, &[1])));
    before.extend(published(&mut publisher, records(1, 0, &[2])));
    let mut both = records(0, 1, &[3]);
    let of_1 = records(1, 1, &[4]);
    both.rows.extend(of_1.rows);
    both.numbered.extend(of_1.numbered);
    both.reached.extend(of_1.reached);
    let after = published(&mut publisher, both);

    // The first of the two positions was written, the second was not.
    let mut stored = before.clone();
    stored.extend(after[..1].iter().cloned());
    let mut publisher = two(&stored);
    published(&mut publisher, records(1, 1, &[4, 5]));
    assert_eq!(told(&publisher), (0, 0, 0));

    // Positions alone, as another version may have stored them; and a state that is older than a position.
    let mut without: BTreeMap<_, _> = after.iter().cloned().collect();
    without
        .values_mut()
        .for_each(|stored| stored.node_sequences = None);
    let mut older = before.clone();
    older.get_mut(&source(1)).unwrap().position += 1;
    for (stored, first) in [(without, 2), (older, 2)] {
        let mut publisher = two(&stored);
        published(&mut publisher, records(1, first, &[900]));
        assert_eq!(told(&publisher), (0, 0, 0));
        published(&mut publisher, records(1, first + 1, &[902]));
        assert_eq!(told(&publisher), (0, 0, 1));
    }
}

#[test]
fn a_feed_without_numbers_stores_nothing_of_them() {
    let mut publisher = start(false, 0, 0);
    let stored = published(&mut publisher, batch(0..5));
    assert_eq!(stored[0].1.node_sequences, None);
}

proptest! {
    /// Ingest is killed anywhere: what is known of the numbers at the end is what one life would know.
    #[test]
    fn crashes_leave_no_trace_in_what_is_known(
        numbers in prop::collection::vec(1u64..40, 1..400),
        lives in prop::collection::vec((1usize..40, 0usize..300), 0..6),
    ) {
        // Numbers rise on the whole: by one each record.
        let numbers: Vec<u64> = (0..).zip(numbers).map(|(place, number)| place + number).collect();
        let mut alone = start(true, 0, 0);
        let expected = published(&mut alone, records(0, 0, &numbers)).pop().unwrap().1;
        let mut kept = Stored::default();
        for (records_a_batch, arriving) in lives.into_iter().chain([(7, usize::MAX)]) {
            let mut publisher = Publisher::new(SMALL, true, [(source(0), kept.clone())], 0);
            let mut written = Vec::new();
            let from = usize::try_from(kept.position).unwrap();
            for (place, part) in numbers[from..].chunks(records_a_batch).enumerate() {
                let first = (from + place * records_a_batch) as u64;
                publisher.step(Event::Batch(records(0, first, part)), &mut written);
            }
            written.truncate(arriving);
            for (_, stored) in acknowledge(&mut publisher, &written) {
                kept = stored;
            }
        }
        prop_assert_eq!(kept, expected);
    }
}
