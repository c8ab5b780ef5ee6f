//! Counters that run through a session: what a reading adds (section 6 of `docs/semantics.md`).

use std::collections::HashMap;

use super::Flag;
use crate::population::Imsi;
use crate::record::{Container, Record};
use crate::zone::utc_day;

/// What counters of 32 bits count up to.
const MODULUS: u64 = 1 << 32;
/// A reading of a counter that is stuck.
const STUCK: u64 = MODULUS - 1;
/// A fall that could be such a rise passed the counter's end.
const LARGEST_WRAP: u64 = 1 << 30;
/// A session is forgotten behind the horizon and a week.
const KEPT_DAYS: i64 = 45 + 7;

/// SIM, node, charging id, rating group, service id.
type Key = (Imsi, usize, u64, u32, u32);

#[derive(Clone, Copy, Debug)]
struct Session {
    order: (u32, u32),
    uplink: u64,
    downlink: u64,
    /// UTC day of the last delivery that moved it.
    moved_on: i64,
}

/// All sessions with cumulative counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    sessions: HashMap<Key, Session>,
}

/// What a row adds, and what is to be said about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rise {
    pub(super) uplink_bytes: u64,
    pub(super) downlink_bytes: u64,
    pub(super) flags: Vec<Flag>,
}

impl Counters {
    /// The rise of a reading.
    pub(super) fn rise(
        &mut self,
        record: &Record,
        container: &Container,
        delivered_ms: i64,
        clock_ms: i64,
    ) -> Rise {
        let flagged = |flag| Rise {
            flags: vec![flag],
            ..Rise::default()
        };
        if container.uplink_bytes == STUCK || container.downlink_bytes == STUCK {
            return flagged(Flag::Sentinel);
        }
        let key = (
            record.imsi,
            record.node,
            record.charging_id,
            container.rating_group,
            container.service_id,
        );
        let order = (record.record_sequence, container.sequence);
        let known = self.sessions.get(&key).copied();
        let known = known.filter(|session| session.moved_on + KEPT_DAYS >= utc_day(clock_ms));
        if known.is_some_and(|session| order <= session.order) {
            return flagged(Flag::LateReading);
        }
        let (uplink, downlink) = known.map_or((0, 0), |s| (s.uplink, s.downlink));
        let mut flags = Vec::new();
        let mut one_way = |reading: u64, last: u64| {
            let (bytes, flag) = rise(reading, last);
            if let Some(flag) = flag.filter(|flag| !flags.contains(flag)) {
                flags.push(flag);
            }
            bytes
        };
        let (uplink_bytes, downlink_bytes) = (
            one_way(container.uplink_bytes, uplink),
            one_way(container.downlink_bytes, downlink),
        );
        let moved_on = utc_day(delivered_ms);
        let session = Session {
            order,
            uplink: container.uplink_bytes,
            downlink: container.downlink_bytes,
            moved_on,
        };
        self.sessions.insert(key, session);
        Rise {
            uplink_bytes,
            downlink_bytes,
            flags,
        }
    }
}

fn rise(reading: u64, last: u64) -> (u64, Option<Flag>) {
    if reading >= last {
        return (reading - last, None);
    }
    let around = reading + MODULUS - last;
    if around < LARGEST_WRAP {
        (around, Some(Flag::Wrap))
    } else {
        (reading, Some(Flag::Reset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn readings_in_their_order_rise_wrap_reset_come_late_or_stick() {
        let mut counters = Counters::default();
        let big = 4_294_967_000;
        for (sequence, reading, bytes, flags) in [
            (3, 9_000, 9_000, vec![]),
            (4, 9_500, 500, vec![]),
            (4, 9_600, 0, vec![Flag::LateReading]),
            (2, 100, 0, vec![Flag::LateReading]),
            (5, 500, 500, vec![Flag::Reset]),
            (6, STUCK, 0, vec![Flag::Sentinel]),
            (7, big, big - 500, vec![]),
            (9, 500, 796, vec![Flag::Wrap]),
            // A sentinel says nothing, not even that it is late.
            (8, STUCK, 0, vec![Flag::Sentinel]),
        ] {
            let mut record = record(0);
            record.record_sequence = sequence;
            record.containers[0].uplink_bytes = 0;
            record.containers[0].downlink_bytes = reading;
            let rise = counters.rise(&record, &record.containers[0], 0, 0);
            assert_eq!(
                (rise.downlink_bytes, rise.flags),
                (bytes, flags),
                "{sequence}: {reading}"
            );
        }
    }

    #[test]
    fn a_session_of_long_ago_is_forgotten() {
        let day = 86_400_000;
        for (days, bytes) in [(52, 0), (53, 9_000)] {
            let mut counters = Counters::default();
            let mut record = record(0);
            counters.rise(&record, &record.containers[0], 0, 0);
            record.record_sequence += 1;
            let rise = counters.rise(&record, &record.containers[0], days * day, days * day);
            assert_eq!(rise.downlink_bytes, bytes, "{days} days");
        }
    }
}
