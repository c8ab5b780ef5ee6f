//! When a record is delivered: the usual delay, the long tail, and the days on which the feed stumbled.

use super::DROP_MS;
use crate::dice::Dice;
use crate::scenario::{Dirt, Scenario};
use crate::zone::{DAY_MS, Date, HOUR_MS, MINUTE_MS, Zone, plus_days};

/// The calendar of deliveries.
#[derive(Clone, Debug)]
pub struct Delays {
    dirt: Dirt,
    /// The feed says nothing from the first instant up to the second.
    silence: (i64, i64),
    /// What is closed in this quarter of an hour comes three days late.
    late_file: (i64, i64),
    /// What is delivered on these local dates is delivered again, a night later.
    pub repeated: [Date; 2],
}

impl Delays {
    /// The calendar of a scenario; in the demo's window: silence on 24 February, one file of 13 February late,
    /// 5 February and 12 March again.
    pub fn new(scenario: &Scenario, zone: &Zone) -> Self {
        let at = |day: i64, hour: i64| zone.instant(plus_days(scenario.from, day), hour * 3_600);
        Delays {
            dirt: scenario.dirt,
            silence: (at(23, 9), at(23, 15)),
            late_file: (at(12, 10), at(12, 10) + DROP_MS),
            repeated: [4, 39].map(|day| plus_days(scenario.from, day)),
        }
    }

    /// The drop of a record that was closed then.
    pub fn delivery(&self, closed_ms: i64, dice: &mut Dice) -> i64 {
        if self.dirt == Dirt::None {
            return self.drop_at(closed_ms + dice.span(10 * MINUTE_MS));
        }
        if (self.late_file.0..self.late_file.1).contains(&closed_ms) {
            return self.drop_at(closed_ms + 3 * DAY_MS);
        }
        let (least, most) = match dice.unit() {
            ..0.9 => (MINUTE_MS, 30 * MINUTE_MS),
            0.9..0.99 => (30 * MINUTE_MS, DAY_MS),
            0.99..0.999 => (DAY_MS, 7 * DAY_MS),
            _ => (7 * DAY_MS, 10 * DAY_MS),
        };
        // Within a class of delays the shorter ones are the more frequent.
        let share = dice.unit() * dice.unit();
        let mut delay = least + ((most - least) as f64 * share) as i64;
        if dice.chance(0.03) {
            delay += dice.span(2 * HOUR_MS);
        }
        self.drop_at(closed_ms + delay)
    }

    /// The first drop at or after an instant; none falls into the silence.
    pub fn drop_at(&self, instant_ms: i64) -> i64 {
        let drop = instant_ms + (-instant_ms).rem_euclid(DROP_MS);
        let silent = (self.silence.0..self.silence.1).contains(&drop);
        if self.dirt == Dirt::Default && silent {
            self.silence.1
        } else {
            drop
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;

    #[test]
    fn delays_have_their_shares_and_the_silence_has_no_drop() {
        let scenario = Scenario::demo(1);
        let zone = scenario.zone();
        let delays = Delays::new(&scenario, &zone);
        let mut dice = Dice::new(1, Purpose::Record, 0, 0);
        let closed = zone.instant(plus_days(scenario.from, 3), 36_000);
        let mut soon = 0;
        let mut tail = 0;
        for _ in 0..20_000 {
            let delivered = delays.delivery(closed, &mut dice);
            assert_eq!(delivered % DROP_MS, 0);
            assert!(delivered > closed);
            soon += u32::from(delivered - closed <= 45 * MINUTE_MS);
            tail += u32::from(delivered - closed >= 7 * DAY_MS);
        }
        assert!((17_500..18_800).contains(&soon), "{soon}");
        assert!((8..40).contains(&tail), "{tail}");
        let noon = zone.instant(plus_days(scenario.from, 23), 12 * 3_600);
        assert_eq!(
            delays.drop_at(noon),
            zone.instant(plus_days(scenario.from, 23), 15 * 3_600)
        );
    }
}
