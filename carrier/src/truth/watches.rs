//! Watches over one SIM: use on school days, the device it is in, much traffic in a day (section 10).

use super::Change;
use crate::population::Device;
use crate::zone::Date;

/// After so many school days without use a tablet is idle.
const IDLE_DAYS: u32 = 10;
/// More bytes than this in a day,
const MUCH_BYTES: u64 = 2_000_000_000;
/// of which so many percent are not for learning, look like sharing,
const MOSTLY_PERCENT: u64 = 80;
/// until so many days have ended without it.
const CLEAN_DAYS: i64 = 7;

/// A change: what ends the alert's id, and what happened.
pub(super) type Step = (Date, Change);

/// School days without use.
#[derive(Clone, Debug, Default)]
pub(super) struct Idle {
    days: u32,
    last_counted: Option<Date>,
    /// Days with use that have not ended.
    used: Vec<Date>,
    firing: Option<Date>,
}

impl Idle {
    /// It was used.
    pub(super) fn used(&mut self, day: Date, today: Date) -> Option<Step> {
        if day >= today && !self.used.contains(&day) {
            self.used.push(day);
        }
        if self.last_counted.is_some_and(|last| day < last) {
            return None;
        }
        self.days = 0;
        self.last_counted = None;
        self.end()
    }

    /// A day has ended; `counts`: it was a school day, not deaf; `enrolled`: the SIM was, on it.
    pub(super) fn day_ended(
        &mut self,
        day: Date,
        counts: bool,
        enrolled: bool,
        next: Date,
    ) -> Option<Step> {
        let used = self.used.contains(&day);
        self.used.retain(|used| *used > day);
        if used || (counts && !enrolled) {
            self.days = 0;
            self.last_counted = None;
            return None;
        }
        if !counts {
            return None;
        }
        self.days += 1;
        self.last_counted = Some(day);
        if self.days < IDLE_DAYS || self.firing.is_some() {
            return None;
        }
        self.firing = Some(next);
        Some((next, Change::Fire))
    }

    /// What fires resolves.
    fn end(&mut self) -> Option<Step> {
        self.firing.take().map(|of| (of, Change::Resolve))
    }

    /// The SIM has left.
    pub(super) fn left(&mut self) -> Option<Step> {
        self.days = 0;
        self.last_counted = None;
        self.end()
    }
}

/// The device that the SIM is in.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved {
    /// The message that gave the first evidence.
    evidence: Option<u64>,
    /// The day on which it fired, and the device that it told last.
    firing: Option<(Date, Device)>,
}

impl Moved {
    /// A message says that the SIM is in another device, of a type that is no tablet's.
    pub(super) fn seen_in(&mut self, device: Device, today: Date, message: u64) -> Option<Step> {
        if let Some((of, told)) = &mut self.firing {
            if *told == device {
                return None;
            }
            *told = device;
            return Some((*of, Change::Update));
        }
        if *self.evidence.get_or_insert(message) == message {
            return None;
        }
        self.firing = Some((today, device));
        Some((today, Change::Fire))
    }

    /// The SIM is back in its device, or belongs to another one: what fires resolves, evidence is forgotten.
    pub(super) fn end(&mut self) -> Option<Step> {
        self.evidence = None;
        self.firing.take().map(|(of, _)| (of, Change::Resolve))
    }
}

/// Bytes of a day.
#[derive(Clone, Copy, Debug)]
struct DayBytes {
    day: Date,
    all: u64,
    education: u64,
    told: bool,
}

/// Much traffic in a day.
#[derive(Clone, Debug, Default)]
pub(super) struct Sharing {
    /// Today and yesterday.
    days: Vec<DayBytes>,
    /// The first such day, which names the alert, and the last.
    firing: Option<(Date, Date)>,
}

impl Sharing {
    /// Bytes of today or yesterday.
    pub(super) fn add(&mut self, day: Date, bytes: u64, education: bool) -> Option<Step> {
        let place = match self.days.iter().position(|known| known.day == day) {
            Some(place) => place,
            None => {
                self.days.push(DayBytes {
                    day,
                    all: 0,
                    education: 0,
                    told: false,
                });
                self.days.len() - 1
            }
        };
        let known = &mut self.days[place];
        known.all += bytes;
        known.education += if education { bytes } else { 0 };
        let mostly = (known.all - known.education) * 100 >= known.all * MOSTLY_PERCENT;
        if known.told || known.all <= MUCH_BYTES || !mostly {
            return None;
        }
        known.told = true;
        match &mut self.firing {
            Some((first, last)) => {
                *last = day.max(*last);
                Some((*first, Change::Update))
            }
            None => {
                self.firing = Some((day, day));
                Some((day, Change::Fire))
            }
        }
    }

    /// A day has ended.
    pub(super) fn day_ended(&mut self, day: Date) -> Option<Step> {
        self.days.retain(|known| known.day >= day);
        let (first, last) = self.firing?;
        if (day - last).num_days() < CLEAN_DAYS {
            return None;
        }
        self.firing = None;
        Some((first, Change::Resolve))
    }

    /// What fires resolves.
    pub(super) fn end(&mut self) -> Option<Step> {
        self.firing
            .take()
            .map(|(first, _)| (first, Change::Resolve))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::DeviceKind;
    use crate::zone::plus_days;

    fn day(number: i64) -> Date {
        plus_days("2026-02-02".parse().unwrap(), number)
    }

    #[test]
    fn ten_counted_days_without_use_are_idle_and_use_ends_it() {
        let mut idle = Idle::default();
        let pass = |idle: &mut Idle, number, counts| {
            idle.day_ended(day(number), counts, true, day(number + 1))
        };
        assert_eq!(idle.used(day(0), day(0)), None);
        assert_eq!(pass(&mut idle, 0, true), None, "the day with use");
        for number in 1..=10 {
            assert_eq!(pass(&mut idle, number, number != 5), None, "{number}");
        }
        assert_eq!(pass(&mut idle, 11, true), Some((day(12), Change::Fire)));
        assert_eq!(pass(&mut idle, 12, true), None);
        assert_eq!(
            idle.used(day(11), day(13)),
            None,
            "before the last day counted"
        );
        assert_eq!(
            idle.used(day(12), day(13)),
            Some((day(12), Change::Resolve))
        );
    }

    #[test]
    fn a_second_message_from_another_device_fires() {
        let device = |serial| Device {
            kind: DeviceKind::Phone,
            model: 1,
            serial,
        };
        let mut moved = Moved::default();
        assert_eq!(moved.seen_in(device(1), day(3), 7), None);
        assert_eq!(
            moved.seen_in(device(1), day(3), 7),
            None,
            "the same message"
        );
        assert_eq!(
            moved.seen_in(device(1), day(4), 8),
            Some((day(4), Change::Fire))
        );
        assert_eq!(moved.seen_in(device(1), day(4), 9), None);
        assert_eq!(
            moved.seen_in(device(2), day(5), 9),
            Some((day(4), Change::Update))
        );
        assert_eq!(moved.end(), Some((day(4), Change::Resolve)));
        assert_eq!(
            moved.seen_in(device(1), day(5), 10),
            None,
            "evidence is forgotten"
        );
    }

    #[test]
    fn much_that_is_not_for_learning_fires_once_a_day_and_resolves_after_seven() {
        let mut sharing = Sharing::default();
        assert_eq!(sharing.add(day(0), 500_000_000, true), None);
        assert_eq!(sharing.add(day(0), 1_999_999_999, false), None, "79.99 %");
        assert_eq!(sharing.add(day(0), 1, false), Some((day(0), Change::Fire)));
        assert_eq!(sharing.add(day(0), 1, false), None);
        assert_eq!(
            sharing.add(day(1), 2_000_000_001, false),
            Some((day(0), Change::Update))
        );
        for number in 1..8 {
            assert_eq!(sharing.day_ended(day(number)), None);
        }
        assert_eq!(sharing.day_ended(day(8)), Some((day(0), Change::Resolve)));
    }
}
