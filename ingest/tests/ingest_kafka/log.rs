//! `hissa.usage` as the shards read it.

use std::collections::BTreeSet;

use hissa_core::registry::Block;
use hissa_core::usage::UsageRow;
use hissa_core::wire::{self, Entry, HEADER_ENTRY, HEADER_VERSION, Progress};
use hissa_ingest::position::Book;
use hissa_links::{topics, whole};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use crate::carrier::Carrier;

/// An entry, owned.
#[derive(Debug)]
pub enum Owned {
    Rows(Vec<UsageRow>),
    Block(Block),
    Progress(Progress),
}

/// All entries, by partition.
pub fn read(carrier: &Carrier) -> Vec<Vec<Owned>> {
    let mut partitions: Vec<Vec<Owned>> = (0..16).map(|_| Vec::new()).collect();
    whole::read(&carrier.link, "test", topics::USAGE, |message| {
        let entry = match entry(message) {
            Entry::Rows(rows) => Owned::Rows(rows.to_vec()),
            Entry::Block(block) => Owned::Block(block),
            Entry::Progress(progress) => Owned::Progress(progress),
        };
        partitions[usize::try_from(message.partition()).unwrap()].push(entry);
    })
    .unwrap();
    partitions
}

fn entry<'a>(message: &'a BorrowedMessage<'_>) -> Entry<'a> {
    let headers = message.headers().unwrap();
    let value = |name: &str| {
        headers
            .iter()
            .find(|header| header.key == name)
            .unwrap()
            .value
            .unwrap()
    };
    wire::decode(
        value(HEADER_ENTRY),
        value(HEADER_VERSION),
        message.payload().unwrap(),
    )
    .unwrap()
}

/// Goes through a partition as a shard does: every row counts when its position is new and stands behind the hour in
/// which it was delivered, blocks join without a gap, Progress agrees with what was counted. Returns the rows that counted.
pub fn apply(entries: &[Owned]) -> Vec<UsageRow> {
    let mut counted: Vec<UsageRow> = Vec::new();
    let mut revision = 0;
    let mut through = 0;
    let mut book = Book::default();
    let mut heard = BTreeSet::new();
    for entry in entries {
        match entry {
            Owned::Rows(rows) => {
                for row in rows {
                    let hour = row.delivered_at_ms.get() / 3_600_000;
                    assert!(heard.contains(&hour), "a row before its hour was told");
                    if row.source_offset.get() >= through {
                        through = row.source_offset.get() + 1;
                        book.rows += 1;
                        book.bytes += row.bytes();
                        counted.push(*row);
                    }
                }
            }
            Owned::Block(block) => {
                assert!(block.from_rev <= revision, "a gap in the registry");
                revision = revision.max(block.to_rev);
            }
            Owned::Progress(progress) => {
                let said = &progress.sources[0];
                heard.extend(said.heard.iter().copied());
                if said.through >= through {
                    assert_eq!((said.rows, said.bytes), (book.rows, book.bytes));
                    through = said.through;
                }
            }
        }
    }
    counted
}
