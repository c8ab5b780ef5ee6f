//! Wrong clocks: a feed is halted before what they stamped is published.
//!
//! Delivery times move the clocks of all shards, and no clock ever goes back. So one record stamped in 2036 would make
//! everything after it too late, and a gateway or broker whose clock is off would have half the feed set aside.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hissa_core::sim::FeedId;
use hissa_core::usage::UsageRow;

use crate::halt::{Halt, Place};

/// A delivery may be this far ahead of ingest's own clock.
pub const AHEAD_MS_MAX: i64 = 5 * 60 * 1_000;
/// The tolerance of a feed that the registry says nothing of.
pub const TOLERANCE_MS: u32 = 5 * 60 * 1_000;
/// Rows of a live feed that are looked back on.
const WINDOW: usize = 1_000;

/// What one feed's deliveries are held against.
pub struct Admission {
    feed: FeedId,
    played: bool,
    /// How far a row's end may lie after its delivery, in milliseconds; the registry changes it.
    tolerance_ms: Arc<AtomicU32>,
    /// Of a played feed: its own time.
    clock_ms: i64,
    /// For the last rows: whether they end after their delivery.
    window: VecDeque<bool>,
    ahead: usize,
}

impl Admission {
    /// For a feed that has got to `clock_ms`.
    pub fn new(
        feed: FeedId,
        played: bool,
        tolerance_ms: Arc<AtomicU32>,
        clock_ms: Option<i64>,
    ) -> Admission {
        Admission {
            feed,
            played,
            tolerance_ms,
            clock_ms: clock_ms.unwrap_or(i64::MIN),
            window: VecDeque::with_capacity(WINDOW),
            ahead: 0,
        }
    }

    /// Admits a delivery time, or the time of a quiet message.
    ///
    /// # Errors
    /// It is ahead of ingest's own clock (`now_ms`).
    pub fn time(&self, at_ms: i64, now_ms: i64, place: impl Fn() -> Place) -> Result<(), Halt> {
        match at_ms > now_ms.saturating_add(AHEAD_MS_MAX) {
            true => Err(Halt::Ahead {
                feed: self.feed,
                place: place(),
                at_ms,
                now_ms,
            }),
            false => Ok(()),
        }
    }

    /// Admits the delivery time of the next message of a played feed.
    ///
    /// # Errors
    /// It is before what was delivered, or promised to be quiet, already.
    pub fn order(&mut self, delivered_at_ms: i64, place: impl Fn() -> Place) -> Result<(), Halt> {
        if !self.played {
            return Ok(());
        }
        if delivered_at_ms < self.clock_ms {
            return Err(Halt::Falls {
                feed: self.feed,
                place: place(),
                at_ms: delivered_at_ms,
                before_ms: self.clock_ms,
            });
        }
        self.clock_ms = delivered_at_ms;
        Ok(())
    }

    /// Notes that a played feed has nothing before this time.
    pub fn quiet(&mut self, until_ms: i64) {
        self.clock_ms = self.clock_ms.max(until_ms);
    }

    /// Admits the rows of a live feed's record.
    ///
    /// # Errors
    /// More than half of the last 1,000 end after their delivery (by more than the tolerance). The caller then publishes
    /// nothing of the batch that they are in.
    pub fn rows(&mut self, rows: &[UsageRow], place: impl Fn() -> Place) -> Result<(), Halt> {
        if self.played {
            return Ok(());
        }
        let tolerance_ms = i64::from(self.tolerance_ms.load(Ordering::Relaxed));
        for row in rows.iter().filter(|row| !row.is_stub()) {
            let latest_ms = row.delivered_at_ms.get().saturating_add(tolerance_ms);
            let ahead = row.ended_at_ms.get() > latest_ms;
            if self.window.len() == WINDOW && self.window.pop_front() == Some(true) {
                self.ahead -= 1;
            }
            self.window.push_back(ahead);
            self.ahead += usize::from(ahead);
        }
        match self.ahead > WINDOW / 2 {
            true => Err(Halt::MostlyAhead {
                feed: self.feed,
                place: place(),
                ahead: self.ahead,
                window: self.window.len(),
            }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hissa_core::outcome::RejectReason;
    use hissa_core::usage::Source;

    use super::*;

    const NOW_MS: i64 = 1_770_710_400_000;

    fn place() -> Place {
        Place {
            topic: "cdr".into(),
            partition: 3,
            offset: 42,
        }
    }

    fn admission(played: bool) -> Admission {
        let tolerance = Arc::new(AtomicU32::new(TOLERANCE_MS));
        Admission::new(FeedId::parse("pgw").unwrap(), played, tolerance, None)
    }

    fn row(ended_after_delivery_ms: i64) -> UsageRow {
        let source = Source {
            feed: FeedId::parse("pgw").unwrap(),
            epoch: 0,
            partition: 3,
        };
        UsageRow {
            kind: 0,
            ended_at_ms: (NOW_MS + ended_after_delivery_ms).into(),
            ..UsageRow::stub(source, 42, NOW_MS, RejectReason::BadTime)
        }
    }

    #[test]
    fn a_delivery_in_2036_halts_the_feed_and_says_where_and_what_to_do() {
        let year_2036 = 2_082_758_400_000;
        for played in [false, true] {
            let told = admission(played)
                .time(year_2036, NOW_MS, place)
                .unwrap_err()
                .to_string();
            for part in [
                "feed pgw is halted",
                "topic cdr, partition 3, offset 42",
                "2036-01-01T00:00:00Z",
                "2026-02-10T08:00:00Z",
                "`epoch`",
            ] {
                assert!(told.contains(part), "{told}");
            }
        }
    }

    #[test]
    fn five_minutes_ahead_are_borne() {
        assert!(
            admission(false)
                .time(NOW_MS + AHEAD_MS_MAX, NOW_MS, place)
                .is_ok()
        );
        assert!(
            admission(false)
                .time(NOW_MS + AHEAD_MS_MAX + 1, NOW_MS, place)
                .is_err()
        );
    }

    #[test]
    fn stamps_of_a_played_feed_never_fall_nor_break_a_quiet_promise() {
        let mut played = admission(true);
        assert!(played.order(NOW_MS, place).is_ok());
        assert!(played.order(NOW_MS, place).is_ok());
        assert!(matches!(
            played.order(NOW_MS - 1, place),
            Err(Halt::Falls { .. })
        ));
        played.quiet(NOW_MS + 10);
        assert!(played.order(NOW_MS + 9, place).is_err());
        assert!(played.order(NOW_MS + 10, place).is_ok());
        let mut live = admission(false);
        assert!(live.order(NOW_MS, place).is_ok());
        assert!(live.order(NOW_MS - 1, place).is_ok());
    }

    #[test]
    fn a_live_feed_mostly_ahead_of_its_delivery_halts_and_a_few_do_not() {
        let tolerated = i64::from(TOLERANCE_MS);
        let mut few = admission(false);
        for number in 0..10_000 {
            let ahead = if number % 2 == 0 {
                tolerated + 1
            } else {
                tolerated
            };
            assert_eq!(few.rows(&[row(ahead)], place), Ok(()));
        }
        let mut most = admission(false);
        for _ in 0..1_000 {
            assert_eq!(most.rows(&[row(0)], place), Ok(()));
        }
        for _ in 0..500 {
            assert_eq!(most.rows(&[row(3_600_000)], place), Ok(()));
        }
        let told = most.rows(&[row(3_600_000)], place).unwrap_err().to_string();
        assert!(told.contains("501 of its last 1000 rows"), "{told}");
    }

    #[test]
    fn rows_of_a_played_feed_and_stubs_have_no_say() {
        let mut played = admission(true);
        let mut live = admission(false);
        let stub = UsageRow {
            kind: 1,
            ..row(3_600_000)
        };
        for _ in 0..2_000 {
            assert_eq!(played.rows(&[row(3_600_000)], place), Ok(()));
            assert_eq!(live.rows(&[stub], place), Ok(()));
        }
    }
}
