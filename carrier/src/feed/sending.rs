//! Records on their way: once, twice, late, broken, or never.

use std::sync::Arc;

use super::incidents::Incident;
use super::{Feed, Letter};
use crate::dice::{Dice, Purpose};
use crate::record::Record;
use crate::scenario::Dirt;
use crate::zone::{DAY_MS, HOUR_MS};

/// The share of records that never arrive.
const LOST: f64 = 0.0005;

impl Feed {
    /// Sends a record once, or now and then twice.
    pub(super) fn send(&mut self, record: Record) {
        let mut dice = self.record_dice(&record);
        let delivered_ms = self
            .delays
            .delivery(record.ends_ms().max(record.opened_ms), &mut dice);
        let letter = Letter::Record(Arc::new(record));
        if self.scenario.dirt == Dirt::Default && dice.chance(0.008) {
            let later = delivered_ms + dice.span(3 * DAY_MS) * dice.span(2);
            self.deliver(later, letter.clone());
        }
        self.deliver(delivered_ms, letter);
    }

    /// Now and then a partial record never arrives.
    pub(super) fn is_lost(&self, record: &Record) -> bool {
        let mut dice = Dice::new(
            self.scenario.seed,
            Purpose::Loss,
            record.charging_id,
            u64::from(record.record_sequence),
        );
        dice.chance(LOST)
    }

    fn record_dice(&self, record: &Record) -> Dice {
        let which = record.charging_id ^ (u64::from(record.record_sequence) << 48);
        Dice::new(self.scenario.seed, Purpose::Record, which, 1)
    }

    fn deliver(&mut self, at_ms: i64, letter: Letter) {
        let drop = self.delays.drop_at(at_ms.max(self.now_ms));
        if drop < self.ends_ms {
            self.pending.entry(drop).or_default().push(letter);
        }
    }

    /// Lets an incident befall a record.
    pub(super) fn befall(&mut self, incident: Incident, record: Record, dice: &mut Dice) {
        let now_ms = self.now_ms;
        let drop = self.delays.drop_at(now_ms);
        match incident {
            Incident::Conflict => {
                let mut other = record.clone();
                let count = if dice.chance(0.5) {
                    1
                } else {
                    other.containers.len()
                };
                for container in other.containers.iter_mut().take(count) {
                    container.downlink_bytes += 1 + dice.below(5_000_000);
                }
                let later = drop + HOUR_MS + dice.span(20 * HOUR_MS);
                self.deliver(drop, Letter::Record(Arc::new(record)));
                self.deliver(later, Letter::Record(Arc::new(other)));
            }
            Incident::Broken(fault) => {
                // One of them has 5 MB, the others little more than is allowed.
                let size = if self.large == 0 {
                    5_000_000
                } else {
                    1_100_000
                };
                self.large += usize::from(fault == super::faults::Fault::TooLarge);
                let bytes = fault.message(&record, &self.zone, size);
                self.deliver(drop, Letter::Broken(fault.reason(), bytes.into()));
                // Half of them are written again, soundly.
                if dice.chance(0.5) {
                    let later = drop + HOUR_MS + dice.span(20 * HOUR_MS);
                    self.deliver(later, Letter::Record(Arc::new(record)));
                }
            }
            Incident::Ahead { by_ms } => {
                let shifted = record.shifted(drop + by_ms - record.ends_ms());
                self.deliver(drop, Letter::Record(Arc::new(shifted)));
            }
            Incident::In2036 => {
                let ten_years = 3_652 * DAY_MS;
                self.deliver(drop, Letter::Record(Arc::new(record.shifted(ten_years))));
            }
            Incident::TooOld => {
                self.deliver(drop, Letter::Record(Arc::new(record.shifted(-49 * DAY_MS))));
            }
            Incident::Late { closed_ms, .. } => {
                let later = closed_ms + dice.span(40 * HOUR_MS);
                self.deliver(later, Letter::Record(Arc::new(record)));
            }
        }
    }

    /// Keeps what is delivered on a day that is exported again, and sends it again in the following night.
    pub(super) fn repeat_days(&mut self, letters: &[Letter]) {
        let date = self.zone.date(self.now_ms);
        if self.delays.repeated.contains(&date) {
            self.repeated.extend(letters.iter().cloned());
        } else if !self.repeated.is_empty() {
            let night = self.zone.instant(date, 3 * 3_600);
            for letter in std::mem::take(&mut self.repeated) {
                self.deliver(night, letter);
            }
        }
    }
}
