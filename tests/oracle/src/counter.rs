//! Cumulative counters: what a reading adds (section 6).

use std::collections::BTreeMap;

use crate::day::Day;
use crate::names::Pseudonym;
use crate::record::Counter;

/// What the counters of a session belong to (C2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionKey {
    pub(crate) sim: Pseudonym,
    pub(crate) node: String,
    pub(crate) charging_id: u64,
    pub(crate) rating_group: u32,
    pub(crate) service_id: u32,
}

/// Where the counters of a session stand.
#[derive(Clone, Copy, Debug)]
struct Session {
    order: (u32, u32),
    up: u64,
    down: u64,
    moved_on: Day,
}

/// A reading of both counters, and its place in the order of readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) order: (u32, u32),
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) delivered_on: Day,
}

/// A row's bytes, and the flags that they were found with (C7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rise {
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) flags: Vec<&'static str>,
}

const TWO_32: u64 = 1 << 32;
const TWO_30: u64 = 1 << 30;

/// All sessions that a shard remembers.
#[derive(Default)]
pub(crate) struct Sessions {
    sessions: BTreeMap<SessionKey, Session>,
}

impl Sessions {
    /// What a reading adds to its session.
    pub(crate) fn read(&mut self, key: SessionKey, counter: Counter, reading: Reading) -> Rise {
        let is_32 = counter == Counter::Cumulative32;
        if is_32 && (reading.up == TWO_32 - 1 || reading.down == TWO_32 - 1) {
            return Rise {
                up: 0,
                down: 0,
                flags: vec!["sentinel"],
            };
        }
        let last = self.sessions.get(&key).copied();
        if last.is_some_and(|last| reading.order <= last.order) {
            return Rise {
                up: 0,
                down: 0,
                flags: vec!["late_reading"],
            };
        }
        let (last_up, last_down) = last.map_or((0, 0), |last| (last.up, last.down));
        let (up, up_flag) = rise(last_up, reading.up, is_32);
        let (down, down_flag) = rise(last_down, reading.down, is_32);
        // A row has one flag; where its ways differ, a reset.
        let mut flags: Vec<&str> = up_flag.into_iter().chain(down_flag).collect();
        flags.sort_unstable();
        flags.truncate(1);
        let Reading {
            order,
            up: up_now,
            down: down_now,
            delivered_on,
        } = reading;
        self.sessions.insert(
            key,
            Session {
                order,
                up: up_now,
                down: down_now,
                moved_on: delivered_on,
            },
        );
        Rise { up, down, flags }
    }

    /// Forgets what was last moved before a day (C6).
    pub(crate) fn forget_before(&mut self, day: Day) {
        self.sessions.retain(|_, session| session.moved_on >= day);
    }
}

/// What one way adds (C5).
fn rise(last: u64, reading: u64, is_32: bool) -> (u64, Option<&'static str>) {
    if reading >= last {
        return (reading - last, None);
    }
    let risen = (TWO_32 - (last - reading) % TWO_32) % TWO_32;
    if is_32 && risen < TWO_30 {
        return (risen, Some("wrap"));
    }
    (reading, Some("reset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SessionKey {
        let sim = Pseudonym([1; 16]);
        SessionKey {
            sim,
            node: "n".to_owned(),
            charging_id: 1,
            rating_group: 1,
            service_id: 0,
        }
    }

    fn reading(order: (u32, u32), up: u64, down: u64) -> Reading {
        Reading {
            order,
            up,
            down,
            delivered_on: Day(100),
        }
    }

    fn read(sessions: &mut Sessions, order: (u32, u32), down: u64) -> (u64, Vec<&'static str>) {
        let rise = sessions.read(key(), Counter::Cumulative32, reading(order, 0, down));
        (rise.down, rise.flags)
    }

    #[test]
    fn a_wrap_gives_796_bytes_and_a_reset_500() {
        assert_eq!(rise(4_294_967_000, 500, true), (796, Some("wrap")));
        assert_eq!(rise(9_000, 500, true), (500, Some("reset")));
        assert_eq!(rise(4_294_967_000, 500, false), (500, Some("reset")));
    }

    #[test]
    fn a_session_begins_at_zero_and_rises() {
        let mut sessions = Sessions::default();
        assert_eq!(read(&mut sessions, (0, 1), 700), (700, vec![]));
        assert_eq!(read(&mut sessions, (1, 1), 900), (200, vec![]));
        assert_eq!(
            read(&mut sessions, (0, 2), 5_000),
            (0, vec!["late_reading"])
        );
        assert_eq!(
            read(&mut sessions, (1, 2), u64::from(u32::MAX)),
            (0, vec!["sentinel"])
        );
        assert_eq!(read(&mut sessions, (1, 3), 1_000), (100, vec![]));
    }

    #[test]
    fn a_row_is_flagged_once_whichever_way_it_was() {
        let mut sessions = Sessions::default();
        sessions.read(key(), Counter::Cumulative64, reading((0, 1), 10, 10));
        let rise = sessions.read(key(), Counter::Cumulative64, reading((0, 2), 3, 4));
        assert_eq!(
            rise,
            Rise {
                up: 3,
                down: 4,
                flags: vec!["reset"]
            }
        );
    }

    #[test]
    fn a_forgotten_session_begins_anew() {
        let mut sessions = Sessions::default();
        read(&mut sessions, (5, 1), 700);
        sessions.forget_before(Day(100));
        assert_eq!(read(&mut sessions, (5, 1), 700), (0, vec!["late_reading"]));
        sessions.forget_before(Day(101));
        assert_eq!(read(&mut sessions, (5, 1), 700), (700, vec![]));
    }
}
