//! Rare dirt, planned ahead, so that each kind occurs often enough at any size: in proportion to the rows of a large
//! feed, and a dozen times at least in a small one.

use super::faults::Fault;
use crate::dice::{Dice, Purpose, whole};
use crate::scenario::{Dirt, Scenario};
use crate::zone::{DAY_MS, Date, HOUR_MS, MINUTE_MS, Zone, month_of, next_month, plus_days};

/// Something that happens to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// The same identity comes again with other bytes.
    Conflict,
    /// The message is broken.
    Broken(Fault),
    /// Its usage ends that much later than its delivery.
    Ahead { by_ms: i64 },
    /// Its clock stands in 2036.
    In2036,
    /// It was opened seven weeks before its delivery.
    TooOld,
    /// Its usage is of that month, and it comes when the month is closed.
    Late { month: Date, closed_ms: i64 },
}

/// Incidents in the order of their times; each befalls the next record that fits.
#[derive(Debug)]
pub struct Incidents {
    planned: Vec<(i64, Incident)>,
    next: usize,
    waiting: Vec<Incident>,
}

/// A kind of incident occurs at least this often.
const AT_LEAST: u64 = 13;

impl Incidents {
    /// Plans a scenario's incidents.
    pub fn new(scenario: &Scenario, zone: &Zone) -> Self {
        let mut plan = Incidents {
            planned: Vec::new(),
            next: 0,
            waiting: Vec::new(),
        };
        if scenario.dirt == Dirt::None {
            return plan;
        }
        let mut dice = Dice::new(scenario.seed, Purpose::Incident, 0, 0);
        let rows = scenario.expected_rows();
        // A conflict or a wrong clock spoils all rows of a record, a fault makes one stub of it.
        let records = rows / 2.4;
        let begin = zone.midnight(scenario.from) + HOUR_MS;
        let span = scenario.active_ms() - 26 * HOUR_MS;
        let mut spread = |incident: Incident, often: f64| {
            let count = whole(often.round()).max(AT_LEAST);
            for number in 0..count {
                let share = (number as f64 + dice.unit()) / count as f64;
                plan.planned
                    .push((begin + (span as f64 * share) as i64, incident));
            }
        };
        // Half of them spoil one row, the others all of a record.
        spread(Incident::Conflict, rows / 1.6 / 10_000.0);
        for by_ms in [2 * MINUTE_MS, HOUR_MS, 26 * HOUR_MS] {
            spread(Incident::Ahead { by_ms }, records / 5_000.0);
        }
        spread(Incident::In2036, records / 5_000.0);
        spread(Incident::TooOld, 0.0);
        for fault in Fault::ALL {
            spread(
                Incident::Broken(fault),
                rows * 0.0005 * fault.weight() / 1_000.0,
            );
        }
        plan.late(scenario, zone, &mut dice);
        plan.planned.sort_by_key(|(at, _)| *at);
        plan
    }

    /// For each month that closes within the feed: records of its last two days that come too late for it.
    fn late(&mut self, scenario: &Scenario, zone: &Zone, dice: &mut Dice) {
        let mut month = month_of(scenario.from);
        loop {
            let next = next_month(month);
            let closed_ms = zone.midnight(plus_days(next, 7));
            if closed_ms + 2 * DAY_MS > scenario.delivery_ends_ms(zone) {
                return;
            }
            let (from, to) = (
                zone.midnight(plus_days(next, -2)),
                zone.midnight(next) - 4 * HOUR_MS,
            );
            if from >= zone.midnight(scenario.from) && plus_days(next, -1) <= scenario.to {
                for _ in 0..AT_LEAST {
                    let at = from + dice.span(to - from);
                    self.planned.push((at, Incident::Late { month, closed_ms }));
                }
            }
            month = next;
        }
    }

    /// Moves what is due at `now_ms` to what waits for a record.
    pub fn come_due(&mut self, now_ms: i64) {
        while let Some((_, incident)) = self.planned.get(self.next).filter(|(at, _)| *at <= now_ms)
        {
            self.waiting.push(*incident);
            self.next += 1;
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the first incident that fits a record.
    pub fn take(&mut self, fits: impl Fn(&Incident) -> bool) -> Option<Incident> {
        let place = self.waiting.iter().position(fits)?;
        Some(self.waiting.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_planned_a_dozen_times_even_in_a_small_feed() {
        let scenario = Scenario::small(1);
        let incidents = Incidents::new(&scenario, &scenario.zone());
        let count = |wanted: &dyn Fn(&Incident) -> bool| {
            incidents.planned.iter().filter(|(_, i)| wanted(i)).count()
        };
        for fault in Fault::ALL {
            assert!(count(&|i| *i == Incident::Broken(fault)) >= 12, "{fault:?}");
        }
        assert!(count(&|i| *i == Incident::Conflict) >= 12);
        assert!(count(&|i| matches!(i, Incident::Late { .. })) >= 12);
        assert!(incidents.planned.is_sorted_by_key(|(at, _)| *at));
    }
}
