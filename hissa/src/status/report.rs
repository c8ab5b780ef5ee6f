//! The status of the whole deployment as lines.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::books::FeedBooks;
use super::facts::{Fresh, InForce};
use crate::figures::local;

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub books: Vec<FeedBooks>,
    pub freshness: Vec<Fresh>,
    pub partitions: u16,
    pub sims: u64,
    pub in_force: Vec<InForce>,
}

impl Report {
    /// Whether the books balance, as far as can be seen while rows are on their way.
    pub fn is_well(&self) -> bool {
        self.books
            .iter()
            .all(|books| books.in_flight >= 0 && (books.in_flight == 0 || !books.finished))
    }

    /// For people.
    pub fn text(&self, zone: &TimeZone) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail, here and below.
        for books in &self.books {
            let verdict = match (books.in_flight, books.finished) {
                (0, true) => "balanced; the feed is over".into(),
                (0, false) => "balanced".into(),
                (rows, false) if rows > 0 => format!("{rows} in flight"),
                (rows, true) if rows > 0 => {
                    format!(
                        "{rows} in flight, though the feed is over: look again in a few seconds"
                    )
                }
                (rows, _) => format!("NOT BALANCED: {} outcomes more than rows", -rows),
            };
            let _ = writeln!(
                text,
                "feed {}: {} records, {} rows received; {verdict}",
                books.feed, books.records, books.received
            );
            for (outcome, rows) in &books.outcomes {
                let _ = writeln!(text, "  {outcome:<12} {rows:>12}");
            }
            if let Some(clock_ms) = books.clock_ms {
                let _ = writeln!(text, "  its time     {}", local(clock_ms, zone, true));
            }
        }
        if self.books.is_empty() {
            text.push_str("no feed was read yet\n");
        }
        text.push_str(&self.fresh(zone));
        let _ = writeln!(text, "SIMs enrolled: {}", self.sims);
        for row in &self.in_force {
            let InForce {
                class,
                action,
                sims,
            } = row;
            let _ = writeln!(text, "  {class:<12} {action:<9} {sims:>9}");
        }
        text
    }

    fn fresh(&self, zone: &TimeZone) -> String {
        let clocks = self.freshness.iter().map(|fresh| fresh.clock_ms);
        let (Some(oldest), Some(newest)) = (clocks.clone().min(), clocks.max()) else {
            return "ClickHouse: no rows are written yet\n".into();
        };
        let mut text = format!(
            "ClickHouse: {} of {} partitions written, up to {}",
            self.freshness.len(),
            self.partitions,
            local(oldest, zone, true)
        );
        if oldest != newest {
            let behind: Vec<String> = self
                .freshness
                .iter()
                .filter(|fresh| fresh.clock_ms < newest)
                .map(|fresh| fresh.partition.to_string())
                .collect();
            text += &format!(
                " (the furthest: {}; behind it: {})",
                local(newest, zone, false),
                behind.join(", ")
            );
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn report(in_flight: i64, finished: bool) -> Report {
        let books = FeedBooks {
            feed: "carrier-json".into(),
            records: 90,
            received: 100,
            outcomes: BTreeMap::from([("counted".into(), 98), ("duplicate".into(), 2)]),
            in_flight,
            clock_ms: Some(1_770_000_000_000),
            finished,
        };
        let fresh = |partition, clock_ms| Fresh {
            partition,
            offset: 9,
            clock_ms,
        };
        Report {
            books: vec![books],
            freshness: vec![fresh(0, 1_770_000_000_000), fresh(1, 1_770_000_060_000)],
            partitions: 2,
            sims: 4640,
            in_force: vec![InForce {
                class: "other".into(),
                action: "block".into(),
                sims: 4_640,
            }],
        }
    }

    #[test]
    fn the_books_and_what_is_in_force_fit_a_screen() {
        insta::assert_snapshot!(report(0, false).text(&TimeZone::UTC), @r"
        feed carrier-json: 90 records, 100 rows received; balanced
          counted                98
          duplicate               2
          its time     2026-02-02 02:40 (+00)
        ClickHouse: 2 of 2 partitions written, up to 2026-02-02 02:40 (+00) (the furthest: 2026-02-02 02:41; behind it: 0)
        SIMs enrolled: 4640
          other        block          4640
        ");
    }

    #[test]
    fn rows_in_flight_are_well_until_the_feed_is_over() {
        for (in_flight, finished, well) in [
            (0, true, true),
            (5, false, true),
            (5, true, false),
            (-1, false, false),
        ] {
            assert_eq!(
                report(in_flight, finished).is_well(),
                well,
                "{in_flight} {finished}"
            );
        }
    }
}
