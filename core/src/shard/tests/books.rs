//! Section 9: the books.

use super::story::*;
use crate::wire::SourceProgress;

fn said(through: u64, rows: u64, bytes: u64) -> Vec<SourceProgress> {
    vec![SourceProgress {
        source: source(),
        through,
        rows,
        bytes,
        heard: vec![],
    }]
}

#[test]
fn a_difference_from_progress_is_reported_once_and_becomes_the_new_base() {
    let mut story = Story::begun();
    for bytes in [100, 20, 3] {
        story.row(usage(1, "2026-02-10T08:00", bytes));
    }
    // (through, rows, bytes, differences)
    let table = [
        (3, 3, 123, 0),
        (2, 9, 999, 0), // of a position below the highest
        (3, 4, 124, 1),
        (3, 4, 124, 0),
        (5, 4, 124, 0),
    ];
    for (through, rows, bytes, differences) in table {
        story.discrepancies.clear();
        story.progress("2026-02-10T09:00", said(through, rows, bytes));
        assert_eq!(
            story.discrepancies.len(),
            differences,
            "{through} {rows} {bytes}"
        );
    }
    story.row(usage(1, "2026-02-10T08:00", 6).offset(5));
    story.discrepancies.clear();
    story.progress("2026-02-10T10:00", said(6, 5, 130));
    assert_eq!(story.discrepancies, []);
}

#[test]
fn every_outcome_is_in_the_books_and_a_republication_is_not() {
    let mut story = Story::begun();
    let row = usage(1, "2026-02-10T08:00", 10).charging_id(1);
    story.row(row); // counted
    story.row(row); // duplicate
    story.row(Usage { down: 11, ..row }); // conflict
    story.row(usage(9, "2026-02-10T08:00", 12)); // held
    story.row(usage(1, "2026-02-10T09:00", 13).delivered("2026-02-10T08:00")); // future
    let stub = crate::usage::UsageRow::stub(
        source(),
        5,
        at("2026-02-10T08:20"),
        crate::outcome::RejectReason::MalformedJson,
    );
    story.rows(&[stub]);
    story.rows(&[stub]);
    story.row(row.offset(1));
    story.progress("2026-02-10T10:00", said(6, 6, 10 + 10 + 11 + 12 + 13));
    assert_eq!(story.discrepancies, []);
}
