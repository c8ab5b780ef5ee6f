//! How far each source has got, its time, and its books.

use std::collections::BTreeMap;

use hissa_core::sim::Partitions;
use hissa_core::usage::{Source, UsageRow};
use hissa_core::wire::SourceProgress;

use crate::position::{Book, Stored};
use crate::source::batch::{Quiet, Reached};

/// All sources, as of what was published last.
pub(super) struct Sources {
    partitions: Partitions,
    states: BTreeMap<Source, State>,
}

#[derive(Default)]
struct State {
    now: Stored,
    /// The records behind the position that was stored last.
    records_stored: u64,
}

impl Sources {
    pub(super) fn new(
        partitions: Partitions,
        known: impl IntoIterator<Item = (Source, Stored)>,
    ) -> Sources {
        let mut sources = Sources {
            partitions,
            states: BTreeMap::new(),
        };
        for (source, stored) in known {
            let state = sources.state(source);
            state.records_stored = stored.received.records;
            state.now = stored;
        }
        sources
    }

    fn state(&mut self, source: Source) -> &mut State {
        self.states.entry(source).or_default()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Source> {
        self.states.keys().copied()
    }

    /// Enters rows into the books.
    pub(super) fn count(&mut self, rows: &[UsageRow]) {
        let partitions = self.partitions;
        for (source, run) in runs(rows) {
            let now = &mut self.state(source).now;
            now.books
                .resize(usize::from(partitions.count()), Book::default());
            for row in run {
                let book = &mut now.books[usize::from(target(row, partitions))];
                book.rows += 1;
                book.bytes += row.bytes();
                now.received.rows += 1;
                now.received.rejected += u64::from(row.is_stub());
            }
        }
    }

    /// Moves a source on.
    pub(super) fn reach(&mut self, reached: Reached) {
        let now = &mut self.state(reached.source).now;
        assert!(
            reached.position >= now.position,
            "a source was read backwards: {} after {}",
            reached.position,
            now.position
        );
        now.position = reached.position;
        now.sha256 = Some(hex::encode(reached.sha256));
        now.received.records += reached.records;
        now.clock_ms = now.clock_ms.max(reached.delivered_at_ms);
        now.finished = false;
    }

    /// Notes a quiet message, the last of its batch.
    pub(super) fn quiet(&mut self, quiet: Quiet) {
        let now = &mut self.state(quiet.source).now;
        now.clock_ms = now.clock_ms.max(Some(quiet.until_ms));
        now.finished = true;
    }

    /// Notes that a live source had nothing more at this time.
    pub(super) fn at_end(&mut self, source: Source, at_ms: i64) {
        let now = &mut self.state(source).now;
        now.clock_ms = now.clock_ms.max(Some(at_ms));
    }

    /// The time up to which this source's feed is known: the least of its sources that have a time at all.
    pub(super) fn as_of_ms(&self, source: &Source) -> Option<i64> {
        let of_feed = |(other, _): &(&Source, &State)| {
            (other.feed, other.epoch) == (source.feed, source.epoch)
        };
        let states = self.states.iter().filter(of_feed);
        states.filter_map(|(_, state)| state.now.clock_ms).min()
    }

    /// What Progress says of these sources to one partition, with the hours that are to be told.
    pub(super) fn progress<'a>(
        &self,
        of: impl Iterator<Item = (&'a Source, &'a [i64])>,
        partition: u16,
    ) -> Vec<SourceProgress> {
        let progress = |(source, heard): (&Source, &[i64])| {
            let now = &self.states.get(source)?.now;
            let book = now
                .books
                .get(usize::from(partition))
                .copied()
                .unwrap_or_default();
            Some(SourceProgress {
                source: *source,
                through: now.position,
                rows: book.rows,
                bytes: book.bytes,
                heard: heard.to_vec(),
            })
        };
        of.filter_map(progress).collect()
    }

    /// What would be stored of a source now.
    pub(super) fn stored(&self, source: &Source, registry_revision: u64) -> Stored {
        let now = self.states.get(source).map(|state| state.now.clone());
        let mut stored = now.unwrap_or_default();
        stored
            .books
            .resize(usize::from(self.partitions.count()), Book::default());
        stored.registry_revision = registry_revision;
        stored
    }

    /// Notes what is stored.
    pub(super) fn settle(&mut self, source: &Source, stored: &Stored) {
        self.state(*source).records_stored = stored.received.records;
    }

    pub(super) fn records_in_flight(&self) -> impl Iterator<Item = (Source, u64)> {
        let in_flight = |(source, state): (&Source, &State)| {
            (*source, state.now.received.records - state.records_stored)
        };
        self.states.iter().map(in_flight)
    }
}

/// Rows in runs of one source each.
pub(super) fn runs(rows: &[UsageRow]) -> impl Iterator<Item = (Source, &[UsageRow])> {
    let of_one_source = |a: &UsageRow, b: &UsageRow| {
        (a.source_partition, a.epoch, a.feed) == (b.source_partition, b.epoch, b.feed)
    };
    rows.chunk_by(of_one_source).map(|run| {
        let Ok(source) = run[0].source() else {
            unreachable!("rows are made from a parsed feed id, and no run is empty");
        };
        (source, run)
    })
}

/// The partition of a row: its SIM's; stubs have no SIM and go to the first.
pub(super) fn target(row: &UsageRow, partitions: Partitions) -> u16 {
    match row.is_stub() {
        true => 0,
        false => row.sim().partition(partitions),
    }
}
