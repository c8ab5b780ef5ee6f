//! Cumulative counters, read a second time: what a row adds where it carries a counter's reading (semantics C1 to C7).
//! Written apart from the core's, for a proof by the same code would prove nothing.

use std::collections::HashMap;

use hissa_core::registry::{Counter, Feed};
use hissa_core::sim::FeedId;
use hissa_core::usage::UsageRow;

/// A session without a reading that moves it is forgotten after so many days (C6).
const KEPT_DAYS: i64 = 45 + 7;

/// A session of the SIM: node, charging id, rating group, service id.
type SessionKey = ([u8; 20], u64, u32, u32);

/// The highest reading of a session.
#[derive(Clone, Copy, Default)]
struct Reading {
    order: Option<(u32, u32)>,
    uplink: u64,
    downlink: u64,
    delivered_day: i64,
}

/// The sessions of one SIM, and what feeds count by.
#[derive(Default)]
pub struct Readings {
    feeds: HashMap<FeedId, Counter>,
    sessions: HashMap<SessionKey, Reading>,
}

impl Readings {
    /// What a feed counts by, where a row does not say.
    pub fn feed(&mut self, feed: &Feed) {
        self.feeds.insert(feed.id, feed.counter);
    }

    /// The bytes of a row that is counted, late or held, applied at that time.
    pub fn bytes(&mut self, row: &UsageRow, feed: FeedId, clock_ms: i64) -> u64 {
        let of_feed = self.feeds.get(&feed).copied().unwrap_or_default();
        let counter = match row.counter() {
            Ok(Some(said)) => said,
            _ => of_feed,
        };
        let (uplink, downlink) = (row.uplink_bytes.get(), row.downlink_bytes.get());
        let bits = match counter {
            Counter::Delta => return uplink + downlink,
            Counter::Cumulative32 => 32,
            Counter::Cumulative64 => 64,
        };
        let stuck = u64::from(u32::MAX);
        if bits == 32 && (uplink == stuck || downlink == stuck) {
            return 0;
        }
        let key = (
            row.node,
            row.charging_id.get(),
            row.rating_group.get(),
            row.service_id.get(),
        );
        let order = Some((row.record_sequence.get(), row.container_sequence.get()));
        let last = self.sessions.entry(key).or_default();
        if last.delivered_day + KEPT_DAYS < utc_day(clock_ms) {
            *last = Reading::default();
        }
        if order <= last.order {
            return 0;
        }
        let rises = rise(last.uplink, uplink, bits) + rise(last.downlink, downlink, bits);
        *last = Reading {
            order,
            uplink,
            downlink,
            delivered_day: utc_day(row.delivered_at_ms.get()),
        };
        rises
    }
}

fn utc_day(at_ms: i64) -> i64 {
    at_ms.div_euclid(86_400_000)
}

fn rise(last: u64, now: u64, bits: u32) -> u64 {
    if now >= last {
        return now - last;
    }
    // Modulo 2³², also where the readings are above it.
    let wrapped = ((1u64 << 32) - (last - now) % (1 << 32)) % (1 << 32);
    if bits == 32 && wrapped < 1 << 30 {
        wrapped
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_rises_wraps_and_begins_anew() {
        for (last, now, bits, expected) in [
            (0, 500, 32, 500),
            (500, 800, 64, 300),
            (4_294_967_000, 500, 32, 796),
            (4_294_967_000, 500, 64, 500),
            (9_000, 500, 32, 500),
            // Above what 32 bits hold.
            ((1 << 32) + 5, 10, 32, 5),
            (3 << 32, 1 << 32, 32, 0),
        ] {
            assert_eq!(rise(last, now, bits), expected, "{last} {now} {bits}");
        }
    }
}
