//! Cumulative counters: what a reading adds to its session. Rules: `docs/semantics.md`, C1 to C7.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;
use zerocopy::IntoBytes;

use crate::facts::Flag;
use crate::fixed_hash::FixedMap;
use crate::registry::Counter;
use crate::seen::KEPT_BEYOND_HORIZON_DAYS;
use crate::usage::UsageRow;

/// The reading of a 32-bit counter that is stuck at its end.
const SENTINEL: u64 = u32::MAX as u64;
/// A rise beyond the end of a 32-bit counter is under this, or the counter began anew.
const WRAP_BYTES: u64 = 1 << 30;

/// All sessions, by the hash of what they are of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    sessions: FixedMap<u128, Session>,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    uplink: u64,
    downlink: u64,
    /// Record sequence, then container sequence, of the highest reading.
    order: (u32, u32),
    /// The UTC day of the delivery of that reading.
    day: i32,
}

/// What a row adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rise {
    pub(crate) uplink: u64,
    pub(crate) downlink: u64,
    pub(crate) flag: Option<Flag>,
}

impl Rise {
    fn nothing(flag: Flag) -> Rise {
        Rise {
            uplink: 0,
            downlink: 0,
            flag: Some(flag),
        }
    }
}

impl Sessions {
    /// Reads a row of a cumulative counter, delivered on a UTC day.
    pub(crate) fn read(&mut self, row: &UsageRow, counter: Counter, delivered_day: i32) -> Rise {
        let (uplink, downlink) = (row.uplink_bytes.get(), row.downlink_bytes.get());
        let narrow = counter == Counter::Cumulative32;
        if narrow && (uplink == SENTINEL || downlink == SENTINEL) {
            return Rise::nothing(Flag::Sentinel);
        }
        let order = (row.record_sequence.get(), row.container_sequence.get());
        let known = self.sessions.get_mut(&key(row));
        let (was_uplink, was_downlink) = match &known {
            Some(session) if order <= session.order => return Rise::nothing(Flag::LateReading),
            Some(session) => (session.uplink, session.downlink),
            None => (0, 0),
        };
        let now = Session {
            uplink,
            downlink,
            order,
            day: delivered_day,
        };
        match known {
            Some(session) => *session = now,
            None => {
                self.sessions.insert(key(row), now);
            }
        }
        let (uplink, up_flag) = rise(was_uplink, uplink, narrow);
        let (downlink, down_flag) = rise(was_downlink, downlink, narrow);
        Rise {
            uplink,
            downlink,
            // One flag a row: a reset says more than a wrap, and stands behind it.
            flag: up_flag.max(down_flag),
        }
    }

    /// Forgets the sessions that the clock's UTC day has left behind.
    pub(crate) fn forget(&mut self, clock_day: i32, horizon_days: u16) {
        let kept = i32::from(horizon_days) + KEPT_BEYOND_HORIZON_DAYS;
        self.sessions
            .retain(|_, session| session.day.saturating_add(kept) >= clock_day);
    }
}

/// The rise of one way, and what is to be said of it.
fn rise(was: u64, is: u64, narrow: bool) -> (u64, Option<Flag>) {
    if is >= was {
        return (is - was, None);
    }
    let beyond_end = (is + (1 << 32)).checked_sub(was);
    match beyond_end.filter(|rise| narrow && *rise < WRAP_BYTES) {
        Some(rise) => (rise, Some(Flag::Wrap)),
        None => (is, Some(Flag::Reset)),
    }
}

/// The hash of SIM, node, charging id, rating group and service id.
fn key(row: &UsageRow) -> u128 {
    let mut hash = Xxh3Default::new();
    hash.update(&row.sim);
    hash.update(&row.node);
    hash.update(row.charging_id.as_bytes());
    hash.update(row.rating_group.as_bytes());
    hash.update(row.service_id.as_bytes());
    hash.digest128()
}

// Sorted, so that the order of arrival does not show.
impl Serialize for Sessions {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[allow(
            clippy::iter_over_hash_type,
            reason = "what is collected is sorted by its key"
        )]
        let sorted: BTreeMap<_, _> = self.sessions.iter().collect();
        sorted.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Sessions {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Sessions, D::Error> {
        let sorted = BTreeMap::<u128, Session>::deserialize(from)?;
        Ok(Sessions {
            sessions: sorted.into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    const END: u64 = 1 << 32;

    /// Order, uplink, downlink; then the rises and the flag.
    type Step = (u32, u64, u64, (u64, u64), Option<Flag>);

    fn check(counter: Counter, steps: &[Step]) {
        let mut sessions = Sessions::default();
        for (step, (order, uplink, downlink, rises, flag)) in steps.iter().enumerate() {
            let mut row = UsageRow::new_zeroed();
            row.record_sequence = (*order).into();
            row.uplink_bytes = (*uplink).into();
            row.downlink_bytes = (*downlink).into();
            let rise = sessions.read(&row, counter, 0);
            let found = ((rise.uplink, rise.downlink), rise.flag);
            assert_eq!(found, (*rises, *flag), "step {step}");
        }
    }

    #[test]
    fn a_counter_of_32_bits_counts_its_rise() {
        let table: &[Step] = &[
            (1, 100, 1_000, (100, 1_000), None),
            (2, 100, 1_500, (0, 500), None),
            (2, 900, 9_000, (0, 0), Some(Flag::LateReading)),
            (1, 900, 9_000, (0, 0), Some(Flag::LateReading)),
            (3, END - 1, 9_000, (0, 0), Some(Flag::Sentinel)),
            (4, END - 296, 2_000, (END - 396, 500), None),
            (5, 500, 2_000, (796, 0), Some(Flag::Wrap)),
            (6, 700, 100, (200, 100), Some(Flag::Reset)),
            (7, 600, END - 100, (600, END - 200), Some(Flag::Reset)),
            (8, 500, 100, (500, 200), Some(Flag::Reset)),
        ];
        check(Counter::Cumulative32, table);
    }

    #[test]
    fn a_counter_of_64_bits_does_not_wrap_and_has_no_sentinel() {
        let table: &[Step] = &[
            (1, END - 1, 0, (END - 1, 0), None),
            (2, 500, 0, (500, 0), Some(Flag::Reset)),
        ];
        check(Counter::Cumulative64, table);
    }

    #[test]
    fn a_session_is_forgotten_behind_the_horizon() {
        let mut sessions = Sessions::default();
        let mut row = UsageRow::new_zeroed();
        row.record_sequence = 1.into();
        row.uplink_bytes = 100.into();
        sessions.read(&row, Counter::Cumulative32, 10);
        sessions.forget(10 + 45 + 7, 45);
        row.record_sequence = 2.into();
        assert_eq!(sessions.read(&row, Counter::Cumulative32, 10).uplink, 0);
        sessions.forget(10 + 45 + 8, 45);
        assert_eq!(sessions.read(&row, Counter::Cumulative32, 99).uplink, 100);
    }
}
