//! SIMs that turn up before anybody enrolled them.

use super::cast::habits;
use super::schools::cohort_sizes;
use super::{Device, DeviceKind, Enrolment, Imsi, Population, Sim, TABLET_MODELS};
use crate::dice::Dice;
use crate::policy::KHATWAT;
use crate::scenario::{PUPILS, Scenario};
use crate::zone::{Zone, plus_days};

/// The serial numbers of SIMs that are never enrolled begin behind this one.
const UNKNOWN_SERIALS: u32 = 900_000;

impl Population {
    /// SIMs that are used before anybody enrolled them: two thirds are enrolled two days after their first use, in
    /// four lots; a few after their first month has closed; the others never.
    pub(super) fn add_unknown(&mut self, scenario: &Scenario, zone: &Zone, dice: &mut Dice) {
        let count = (60 * scenario.pupils).div_ceil(PUPILS).max(24);
        let (soon, late) = (count * 2 / 3, (count / 15).max(2));
        let associations: Vec<usize> = (0..self.schools.len())
            .filter(|i| self.schools[*i].cohort == KHATWAT)
            .collect();
        for number in 0..count {
            let lot = i64::from(number % 4);
            let (first_day, wait) = if number < soon {
                ([9, 14, 20, 27][number as usize % 4], Some(2))
            } else if number < soon + late {
                (24, Some(12))
            } else {
                (dice.span(12), None)
            };
            let first_use = plus_days(scenario.from, first_day);
            let enrolment = wait.map(|days| Enrolment {
                entered_at_ms: zone.instant(plus_days(first_use, days), 10 * 3_600),
                // The second lot is said to have begun a day late: its first day stays held.
                valid_from: plus_days(first_use, i64::from(lot == 1)),
            });
            let serial = match enrolment {
                Some(_) => self.sims.len() as u32 + 1,
                None => UNKNOWN_SERIALS + number,
            };
            let mut habits = habits(KHATWAT, false);
            habits.activity = 0.6;
            habits.rank = dice.normal();
            habits.first_use = Some(first_use);
            if number < soon && number % 3 == 0 {
                // Used so much in two days that enrolment finds the allowance spent, or nearly.
                habits.cast_bytes = Some(dice.between(60e9, 130e9));
            }
            self.sims.push(Sim {
                imsi: Imsi::of_serial(serial),
                serial,
                cohort: KHATWAT,
                school: associations[number as usize % associations.len()],
                device: Device {
                    kind: DeviceKind::Tablet,
                    model: TABLET_MODELS,
                    serial,
                },
                tablet: serial,
                replaced: None,
                replaces: None,
                enrolment: enrolment.filter(|e| e.entered_at_ms < scenario.delivery_ends_ms(zone)),
                habits,
            });
        }
        debug_assert!(
            self.sims.len() >= cohort_sizes(scenario.pupils).iter().sum::<u32>() as usize
        );
    }
}
