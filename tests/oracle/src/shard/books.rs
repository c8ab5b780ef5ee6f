//! Books: what was heard of each source, and what ingest says of it (A3, P1, P2).

use serde::Deserialize;

use super::{Shard, halt};
use crate::check;
use crate::findings::{Discrepancy, LastRow, OutcomeDay};
use crate::input::Why;
use crate::names::{Feed, Outcome};
use crate::row::{Row, Source};

/// A source, as a shard saw it.
#[derive(Default)]
pub(super) struct Book {
    /// The highest position that was seen.
    high: Option<(u64, u32)>,
    /// Rows with an outcome, and their raw bytes.
    rows: u64,
    bytes: u64,
    /// What Progress told more, or less, when it was reported.
    base: (i128, i128),
}

#[derive(Deserialize)]
struct Progress {
    sources: Vec<Told>,
    as_of_ms: i64,
}

#[derive(Deserialize)]
struct Told {
    feed: Feed,
    epoch: u32,
    partition: u32,
    through: u64,
    rows: u64,
    bytes: u64,
    #[serde(default)]
    heard: Option<Vec<i64>>,
}

impl Shard {
    /// Whether a row comes again (A3).
    pub(super) fn comes_again(&mut self, row: &Row) -> bool {
        let book = self.books.entry(row.source).or_default();
        let position = Some((row.offset, row.row));
        let again = position <= book.high;
        book.high = book.high.max(position);
        again
    }

    /// Gives a row its outcome (O12).
    pub(super) fn book(&mut self, row: &Row, outcome: Outcome, reason: &str, raw_bytes: u64) {
        let book = self.books.entry(row.source).or_default();
        book.rows += 1;
        book.bytes += raw_bytes;
        let key = OutcomeDay {
            partition: self.partition,
            feed: row.source.feed,
            booked_day: self.today,
            outcome,
            reason: reason.to_owned(),
        };
        let rows = self.findings.outcome_day.entry(key).or_default();
        rows.cell.records += 1;
        rows.cell.bytes += raw_bytes;
        rows.last = Some(last_row(row));
    }

    /// Ingest says what it published, and which hours it heard.
    pub(super) fn progress(&mut self, offset: u64, payload: &[u8]) -> Result<(), Why> {
        let progress: Progress =
            serde_json::from_slice(payload).map_err(|error| Why::Log(error.to_string()))?;
        check::time(progress.as_of_ms).map_err(halt("T4"))?;
        // Before the clock moves: when a midnight passes, the hours before it are known (P2).
        self.heard.extend(
            progress
                .sources
                .iter()
                .flat_map(|told| told.heard.iter().flatten()),
        );
        self.advance(progress.as_of_ms, offset);
        for told in &progress.sources {
            self.compare_books(told, offset);
        }
        Ok(())
    }

    fn compare_books(&mut self, told: &Told, offset: u64) {
        let source = Source {
            feed: told.feed,
            epoch: told.epoch,
            partition: told.partition,
        };
        let book = self.books.entry(source).or_default();
        // `through` is the offset behind the last record.
        if book.high.is_some_and(|(high, _)| told.through <= high) {
            return;
        }
        let differs = |told: u64, found: u64| i128::from(told) - i128::from(found);
        let base = (
            differs(told.rows, book.rows),
            differs(told.bytes, book.bytes),
        );
        if base != book.base {
            // What was told last counts as found.
            let found =
                |book: u64, base: i128| u64::try_from(i128::from(book) + base).unwrap_or(u64::MAX);
            let (found_rows, found_bytes) = (
                found(book.rows, book.base.0),
                found(book.bytes, book.base.1),
            );
            book.base = base;
            self.findings.discrepancies.push(Discrepancy {
                partition: self.partition,
                offset,
                feed: told.feed,
                epoch: told.epoch,
                source_partition: told.partition,
                through: told.through,
                told_rows: told.rows,
                told_bytes: told.bytes,
                found_rows,
                found_bytes,
            });
        }
    }
}

/// A row's place, for the report.
pub(super) fn last_row(row: &Row) -> LastRow {
    let Source {
        feed,
        epoch,
        partition,
    } = row.source;
    LastRow {
        feed,
        epoch,
        partition,
        offset: row.offset,
        row: row.row,
    }
}
