//! Ingest killed at any moment, again and again: what the shards then see.

use proptest::prelude::*;

use super::*;

/// A feed of 60 records, and the registry that goes with it.
fn registry() -> Vec<Revision> {
    (0..12)
        .map(|rev| match rev % 3 {
            0 => general(rev, i64::try_from(rev).unwrap() * 50),
            _ => enrol(
                rev,
                i64::try_from(rev).unwrap() * 50,
                u8::try_from(rev * 21).unwrap(),
                "s".into(),
            ),
        })
        .collect()
}

proptest! {
    /// Ingest is killed again and again, with some messages of each life lost, and starts from what it had stored.
    #[test]
    fn books_and_order_do_not_depend_on_batches_or_crashes(
        lives in prop::collection::vec((1u64..9, 0usize..200), 1..12),
    ) {
        const RECORDS: u64 = 60;
        let mut kept = Stored::default();
        let mut log: Vec<Command> = Vec::new();
        let last_life = [(7, usize::MAX)];
        for (batch_records, arriving) in lives.into_iter().chain(last_life) {
            let mut publisher = Publisher::new(SMALL, true, [(source(0), kept.clone())], kept.registry_revision);
            let unread = registry().split_off(usize::try_from(kept.registry_revision).unwrap());
            step(&mut publisher, whole(unread));
            let mut written = Vec::new();
            let mut next = kept.position;
            while next < RECORDS {
                let end = (next + batch_records).min(RECORDS);
                publisher.step(Event::Batch(batch(next..end)), &mut written);
                next = end;
            }
            // What arrives is a prefix: of all partitions together, which a prefix of each is in particular.
            written.truncate(arriving);
            for (_, stored) in acknowledge(&mut publisher, &written) {
                kept = stored;
            }
            log.extend(written);
        }
        prop_assert_eq!(kept.position, RECORDS);
        prop_assert_eq!(kept.registry_revision, 12);
        prop_assert_eq!(kept.received.records, RECORDS);
        for partition in SMALL.numbers() {
            let mut through = 0;
            let mut revision = 0;
            let mut book = Book::default();
            for command in &log {
                let Command::Entry { partition: target, kind, payload, .. } = command else { continue };
                if *target != partition {
                    continue;
                }
                match wire::decode(kind.as_str().as_bytes(), b"1", payload.bytes()).unwrap() {
                    wire::Entry::Rows(rows) => for row in rows {
                        // The commands that were entered by then are in force, as are no others at first sight.
                        if row.source_offset.get() >= through {
                            prop_assert_eq!(revision, (row.delivered_at_ms.get() / 50 + 1).clamp(0, 12));
                            through = row.source_offset.get() + 1;
                            book.rows += 1;
                            book.bytes += row.bytes();
                        }
                    },
                    wire::Entry::Block(block) => {
                        let from = i64::try_from(block.from_rev).unwrap();
                        prop_assert!(from <= revision, "gap: {} after {}", from, revision);
                        revision = revision.max(i64::try_from(block.to_rev).unwrap());
                    }
                    wire::Entry::Progress(progress) => {
                        let said = &progress.sources[0];
                        if said.through >= through {
                            prop_assert_eq!((said.rows, said.bytes), (book.rows, book.bytes));
                            through = said.through;
                        }
                    }
                }
            }
            prop_assert_eq!(kept.books[usize::from(partition)], book);
        }
    }
}
