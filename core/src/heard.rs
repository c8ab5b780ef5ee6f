//! Clock hours in which a feed was heard. Rule: `docs/semantics.md`, W4.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::usage::HOUR_MS;
use crate::zone::{Day, Zone};

/// Local hours in which a school day's feed is expected: from the first until before the last.
const HOURS: std::ops::Range<u8> = 8..18;
/// So many hours in a row without a record make a day deaf.
const DEAF_HOURS: u32 = 2;

/// The hours, as whole hours of UTC since 1970.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Heard {
    hours: BTreeSet<i64>,
}

impl Heard {
    pub(crate) fn note(&mut self, hours: &[i64]) {
        self.hours.extend(hours);
    }

    /// Whether a day's feed was silent for too long to say of a tablet that it was.
    pub(crate) fn is_deaf(&self, day: Day, zone: &Zone) -> bool {
        let (begin, end) = (zone.midnight(day), zone.midnight(day.plus(1)));
        let mut silent = 0;
        for hour in first_hour_at_or_after(begin)..first_hour_at_or_after(end) {
            if !HOURS.contains(&zone.hour_of(hour * HOUR_MS)) {
                continue;
            }
            silent = if self.hours.contains(&hour) {
                0
            } else {
                silent + 1
            };
            if silent >= DEAF_HOURS {
                return true;
            }
        }
        false
    }

    /// Forgets the hours before an instant: their day was looked at.
    pub(crate) fn forget_before(&mut self, at_ms: i64) {
        self.hours = self.hours.split_off(&at_ms.div_euclid(HOUR_MS));
    }
}

fn first_hour_at_or_after(at_ms: i64) -> i64 {
    at_ms.div_euclid(HOUR_MS) + i64::from(at_ms.rem_euclid(HOUR_MS) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_silent_hours_in_a_row_make_a_day_deaf() {
        let zone = Zone::utc();
        let day = Day(20_000);
        let at = |hour: i64| 20_000 * 24 + hour;
        let all: Vec<i64> = (8..18).map(at).collect();
        let without = |silent: &[i64]| {
            let mut heard = Heard::default();
            let hours: Vec<i64> = all
                .iter()
                .copied()
                .filter(|h| !silent.contains(h))
                .collect();
            heard.note(&hours);
            heard.is_deaf(day, &zone)
        };
        assert!(!without(&[]));
        assert!(!without(&[at(8), at(10), at(17)]));
        assert!(without(&[at(11), at(12)]));
        assert!(without(&[at(16), at(17)]));
        assert!(Heard::default().is_deaf(day, &zone));
    }
}
