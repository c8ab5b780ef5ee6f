//! Where rows come from: feeds and their tolerance, the highest position seen of each source, and the check of what
//! Progress promised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registry::{self, Counter};
use crate::sim::{FeedId, IdentifierError};
use crate::usage::{HOUR_MS, Position, Source, UsageRow};
use crate::wire::SourceProgress;

/// How far a row's end may lie after its delivery, where no command names the feed.
const FUTURE_TOLERANCE_MS: u32 = 300_000;

/// A difference between the shard's outcomes and what Progress promised. Reported once; then it is the new base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    pub source: Source,
    /// The offset behind the last record that Progress spoke of.
    pub through: u64,
    /// What Progress says was published into this partition.
    pub promised_rows: u64,
    pub promised_bytes: u64,
    /// What the shard has outcomes for, on the base of the last difference.
    pub found_rows: u64,
    pub found_bytes: u64,
    /// The shard's clock (UTC milliseconds).
    pub at_ms: i64,
}

/// Feeds and sources by number, in the order of the log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sources {
    feeds: Vec<FeedState>,
    sources: Vec<SourceState>,
    #[serde(skip)]
    numbers: BTreeMap<Source, usize>,
    /// The source of the last row, as its bytes stand in rows: most rows come from one source.
    #[serde(skip)]
    last: Option<([u8; SOURCE_BYTES], usize)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FeedState {
    id: FeedId,
    future_tolerance_ms: u32,
    /// The smallest that the feed has had: it judges rows that come again.
    least_tolerance_ms: u32,
    counter: Counter,
    /// Conflicts of the clock hour.
    conflicts: Conflicts,
}

/// The conflicts of a feed in one clock hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conflicts {
    /// The hour's first instant.
    pub(crate) hour_at_ms: i64,
    /// 0: none in the clock's hour.
    pub(crate) records: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SourceState {
    source: Source,
    feed: usize,
    /// The highest position seen.
    high: Option<Position>,
    /// Outcomes so far, on the base of the last difference.
    rows: u64,
    bytes: u64,
}

const SOURCE_START: usize = std::mem::offset_of!(UsageRow, feed);
const SOURCE_BYTES: usize = std::mem::offset_of!(UsageRow, source_offset) - SOURCE_START;

/// The bytes of a row that name its source.
pub(crate) fn source_bytes(row: &UsageRow) -> [u8; SOURCE_BYTES] {
    let mut bytes = [0; SOURCE_BYTES];
    let row = zerocopy::IntoBytes::as_bytes(row);
    bytes.copy_from_slice(&row[SOURCE_START..SOURCE_START + SOURCE_BYTES]);
    bytes
}

impl Sources {
    /// The number of a row's source.
    ///
    /// # Errors
    /// The row's feed is no name.
    pub(crate) fn number_of(&mut self, row: &UsageRow) -> Result<usize, IdentifierError> {
        let bytes = source_bytes(row);
        if let Some((last, number)) = self.last
            && last == bytes
        {
            return Ok(number);
        }
        let number = self.number(row.source()?);
        self.last = Some((bytes, number));
        Ok(number)
    }

    fn number(&mut self, source: Source) -> usize {
        if let Some(number) = self.numbers.get(&source) {
            return *number;
        }
        let feed = self.feed_number(source.feed);
        self.sources.push(SourceState {
            source,
            feed,
            high: None,
            rows: 0,
            bytes: 0,
        });
        self.numbers.insert(source, self.sources.len() - 1);
        self.sources.len() - 1
    }

    /// The number of a feed.
    pub(crate) fn feed_number(&mut self, id: FeedId) -> usize {
        // A deployment has a handful of feeds.
        if let Some(number) = self.feeds.iter().position(|feed| feed.id == id) {
            return number;
        }
        self.feeds.push(FeedState {
            id,
            future_tolerance_ms: FUTURE_TOLERANCE_MS,
            least_tolerance_ms: FUTURE_TOLERANCE_MS,
            counter: Counter::Delta,
            conflicts: Conflicts::default(),
        });
        self.feeds.len() - 1
    }

    /// Takes what a command says of a feed.
    pub(crate) fn set_feed(&mut self, told: &registry::Feed) {
        let number = self.feed_number(told.id);
        let feed = &mut self.feeds[number];
        feed.future_tolerance_ms = told.future_tolerance_ms;
        feed.least_tolerance_ms = feed.least_tolerance_ms.min(told.future_tolerance_ms);
        feed.counter = told.counter;
    }

    /// What a feed's byte counts are, where a row does not say.
    pub(crate) fn counter(&self, feed: usize) -> Counter {
        self.feeds[feed].counter
    }

    pub(crate) fn conflicts_mut(&mut self, feed: usize) -> &mut Conflicts {
        &mut self.feeds[feed].conflicts
    }

    /// How many feeds there are; their numbers are below.
    pub(crate) fn feeds(&self) -> usize {
        self.feeds.len()
    }

    /// The end of the clock hour of which a feed's conflicts are still to be told.
    pub(crate) fn conflicts_due_ms(&self) -> Option<i64> {
        let counted = self.feeds.iter().filter(|f| f.conflicts.records > 0);
        counted.map(|f| f.conflicts.hour_at_ms + HOUR_MS).min()
    }

    pub(crate) fn feed_of(&self, source: usize) -> usize {
        self.sources[source].feed
    }

    pub(crate) fn feed_id(&self, feed: usize) -> FeedId {
        self.feeds[feed].id
    }

    /// How far a row's end may lie after its delivery. Of a row that comes again, no further than it ever might: whatever
    /// it was set aside for then, it is now.
    pub(crate) fn tolerance_ms(&self, feed: usize, again: bool) -> i64 {
        let feed = &self.feeds[feed];
        i64::from(match again {
            true => feed.least_tolerance_ms,
            false => feed.future_tolerance_ms,
        })
    }

    /// Raises the highest position seen, and says whether the row's was at or below it (*again*).
    pub(crate) fn meet(&mut self, source: usize, position: Position) -> bool {
        let high = &mut self.sources[source].high;
        let again = high.is_some_and(|high| position <= high);
        if !again {
            *high = Some(position);
        }
        again
    }

    /// Books an outcome.
    pub(crate) fn book(&mut self, source: usize, bytes: u64) {
        let state = &mut self.sources[source];
        state.rows += 1;
        state.bytes += bytes;
    }

    /// Compares the books with Progress, where it speaks of a position at or past the highest seen.
    pub(crate) fn check(&mut self, progress: &SourceProgress, at_ms: i64) -> Option<Discrepancy> {
        let state = self.numbers.get(&progress.source);
        let (high, rows, bytes) = state.map_or((None, 0, 0), |number| {
            let state = &self.sources[*number];
            (state.high, state.rows, state.bytes)
        });
        // `through` is the offset behind the last record.
        let speaks_of_all = high.is_none_or(|high| progress.through > high.offset);
        if !speaks_of_all || (rows, bytes) == (progress.rows, progress.bytes) {
            return None;
        }
        let number = self.number(progress.source);
        let state = &mut self.sources[number];
        (state.rows, state.bytes) = (progress.rows, progress.bytes);
        Some(Discrepancy {
            source: progress.source,
            through: progress.through,
            promised_rows: progress.rows,
            promised_bytes: progress.bytes,
            found_rows: rows,
            found_bytes: bytes,
            at_ms,
        })
    }

    /// Builds what a snapshot leaves out.
    pub(crate) fn reindex(&mut self) {
        let numbers = self.sources.iter().enumerate();
        self.numbers = numbers.map(|(n, state)| (state.source, n)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            feed: FeedId::parse("pgw").unwrap(),
            epoch: 1,
            partition: 0,
        }
    }

    fn progress(through: u64, rows: u64, bytes: u64) -> SourceProgress {
        SourceProgress {
            source: source(),
            through,
            rows,
            bytes,
            heard: vec![],
        }
    }

    #[test]
    fn a_position_is_met_again_at_or_below_the_highest() {
        let mut sources = Sources::default();
        let number = sources.number(source());
        let table = [
            ((5, 1), false),
            ((5, 1), true),
            ((5, 0), true),
            ((5, 2), false),
            ((6, 0), false),
            ((4, 9), true),
        ];
        for ((offset, row), again) in table {
            let met = sources.meet(number, Position { offset, row });
            assert_eq!(met, again, "{offset}/{row}");
        }
    }

    #[test]
    fn a_difference_is_reported_once_and_becomes_the_base() {
        let mut sources = Sources::default();
        let number = sources.number(source());
        sources.meet(number, Position { offset: 7, row: 0 });
        sources.book(number, 100);
        assert_eq!(sources.check(&progress(8, 1, 100), 1), None);
        assert_eq!(sources.check(&progress(7, 9, 900), 1), None, "of the past");
        let found = sources.check(&progress(8, 2, 150), 5).unwrap();
        assert_eq!(
            (found.found_rows, found.found_bytes, found.at_ms),
            (1, 100, 5)
        );
        assert_eq!((found.promised_rows, found.promised_bytes), (2, 150));
        assert_eq!(sources.check(&progress(8, 2, 150), 6), None);
        sources.meet(number, Position { offset: 8, row: 0 });
        sources.book(number, 10);
        assert_eq!(sources.check(&progress(9, 3, 160), 7), None);
    }

    #[test]
    fn a_source_without_rows_here_is_in_balance_at_zero() {
        let mut sources = Sources::default();
        assert_eq!(sources.check(&progress(8, 0, 0), 1), None);
        assert_eq!(sources.check(&progress(9, 1, 5), 1).unwrap().found_rows, 0);
    }
}
