//! Cumulative counters: what a reading adds to the one before it (rules C1 to C7).
//!
//! A feed may say in each container how many bytes its session has used so far. What a row gives then is the rise since
//! the last reading of its session. A session is kept under a hash of what names it, 48 bytes in all.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_128;
use zerocopy::IntoBytes;

use crate::facts::Flag;
use crate::fixed_hash::FixedMap;
use crate::registry::Counter;
use crate::seen::KEPT_BEYOND_HORIZON_DAYS;
use crate::usage::UsageRow;

/// What a counter of 32 bits says where it has nothing to say.
const SENTINEL: u64 = u32::MAX as u64;

/// Below this a rise modulo 2³² is a wrap; above it would take longer than any record to count so far.
const WRAP_MAX: u64 = 1 << 30;

/// The bytes that a row gives, and what there is to say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rise {
    pub(crate) uplink: u64,
    pub(crate) downlink: u64,
    pub(crate) flag: Option<Flag>,
}

/// All sessions that are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    sessions: FixedMap<u128, Session>,
}

/// The last reading of a session that moved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    uplink: u64,
    downlink: u64,
    order: Order,
    /// The UTC day on which it was delivered.
    delivered_day: i32,
}

/// Record sequence, container sequence.
type Order = (u32, u32);

impl Rise {
    fn flagged(flag: Flag) -> Rise {
        Rise {
            uplink: 0,
            downlink: 0,
            flag: Some(flag),
        }
    }
}

impl Sessions {
    /// What a row gives that rules O1 to O5 leave. A delta counter gives what it says, and has no session.
    pub(crate) fn read(&mut self, row: &UsageRow, counter: Counter, delivered_day: i32) -> Rise {
        let (uplink, downlink) = (row.uplink_bytes.get(), row.downlink_bytes.get());
        let bits_32 = match counter {
            Counter::Delta => {
                return Rise {
                    uplink,
                    downlink,
                    flag: None,
                };
            }
            Counter::Cumulative32 => true,
            Counter::Cumulative64 => false,
        };
        if bits_32 && (uplink == SENTINEL || downlink == SENTINEL) {
            return Rise::flagged(Flag::Sentinel);
        }
        let order = (row.record_sequence.get(), row.container_sequence.get());
        let key = key_of(row);
        let known = self.sessions.get(&key);
        if known.is_some_and(|last| order <= last.order) {
            return Rise::flagged(Flag::LateReading);
        }
        // A session begins at 0 bytes, before every order.
        let (last_up, last_down) = known.map_or((0, 0), |last| (last.uplink, last.downlink));
        let (uplink_rise, up) = rise(last_up, uplink, bits_32);
        let (downlink_rise, down) = rise(last_down, downlink, bits_32);
        let reading = Session {
            uplink,
            downlink,
            order,
            delivered_day,
        };
        self.sessions.insert(key, reading);
        Rise {
            uplink: uplink_rise,
            downlink: downlink_rise,
            // A reset is the greater thing to say than a wrap, where each was one way.
            flag: match (up, down) {
                (Some(Flag::Reset), _) | (_, Some(Flag::Reset)) => Some(Flag::Reset),
                (up, down) => up.or(down),
            },
        }
    }

    /// Drops the sessions that the clock's UTC day has left behind.
    pub(crate) fn forget(&mut self, clock_day: i32, horizon_days: u16) {
        let kept = i32::from(horizon_days) + KEPT_BEYOND_HORIZON_DAYS;
        self.sessions
            .retain(|_, session| session.delivered_day.saturating_add(kept) >= clock_day);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.sessions.len()
    }
}

/// The rise of one way, and whether the counter wrapped or began anew.
fn rise(last: u64, reading: u64, bits_32: bool) -> (u64, Option<Flag>) {
    if let Some(rise) = reading.checked_sub(last) {
        return (rise, None);
    }
    let modulo = reading.wrapping_sub(last) & u64::from(u32::MAX);
    if bits_32 && modulo < WRAP_MAX {
        (modulo, Some(Flag::Wrap))
    } else {
        (reading, Some(Flag::Reset))
    }
}

/// What names a session: SIM, node, charging id, rating group, service id.
fn key_of(row: &UsageRow) -> u128 {
    let mut name = [0; 52];
    name[..16].copy_from_slice(&row.sim);
    name[16..36].copy_from_slice(&row.node);
    name[36..44].copy_from_slice(row.charging_id.as_bytes());
    name[44..48].copy_from_slice(row.rating_group.as_bytes());
    name[48..].copy_from_slice(row.service_id.as_bytes());
    xxh3_128(&name)
}

/// Sorted by key, so that the order of arrival does not show.
impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sessions: Vec<_> = self.sessions.iter().map(|(k, s)| (*k, *s)).collect();
        sessions.sort_unstable_by_key(|(key, _)| *key);
        sessions.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sessions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sessions: Vec<(u128, Session)> = Vec::deserialize(deserializer)?;
        if !sessions.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(serde::de::Error::custom(
                "the sessions of cumulative counters are not sorted",
            ));
        }
        Ok(Sessions {
            sessions: sessions.into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
