//! What is to be generated: a seed, a window, a size.

use serde::{Deserialize, Serialize};

use crate::zone::{DAY_MS, Date, MINUTE_MS, Zone, month_of, plus_days};

/// The pupils' SIMs of the whole demo; all other counts are in proportion to theirs.
pub const PUPILS: u32 = 1_500;

/// A feed to generate. The same scenario gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    pub seed: u64,
    /// First and last local date of usage.
    pub from: Date,
    pub to: Date,
    /// The last local date on which anything is delivered; the quiet message at its end speaks until 00:15 of the
    /// next day, so that it becomes a closed booked day.
    pub fed_to: Date,
    /// SIMs of the cohort `pilote-rural`: 1,500 in the demo, the other cohorts in proportion.
    pub pupils: u32,
    pub dirt: Dirt,
}

/// How dirty the feed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dirt {
    /// Every record once, soon after its usage, well formed, of an enrolled SIM.
    None,
    #[default]
    Default,
}

/// Why a scenario cannot be generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    #[error("the window ends on {to}, before it begins on {from}: give a later last day")]
    WindowEnds { from: Date, to: Date },
    #[error(
        "the feed is delivered until {fed_to}, before the window begins on {from}: give a later day"
    )]
    FedTo { from: Date, fed_to: Date },
    #[error("a window of {days} days: choose 400 at most")]
    TooLong { days: i64 },
    #[error("{pupils} pupils: choose 30 to 100000")]
    Pupils { pupils: u32 },
}

impl Scenario {
    /// The default of `hissa demo`: usage from 1 February 2026, fed to 10 March.
    pub fn demo(seed: u64) -> Self {
        Scenario {
            fed_to: day(2026, 3, 10),
            ..Scenario::full(seed)
        }
    }

    /// The whole window, 1 February to 31 March 2026, delivered until 10 April, so that the late tail arrives.
    pub fn full(seed: u64) -> Self {
        Scenario {
            seed,
            from: day(2026, 2, 1),
            to: day(2026, 3, 31),
            fed_to: day(2026, 4, 10),
            pupils: PUPILS,
            dirt: Dirt::Default,
        }
    }

    /// The demo's window with few SIMs, for tests: rates go up as the population shrinks, so that every outcome,
    /// reason and alert still occurs ten times or more.
    pub fn small(seed: u64) -> Self {
        Scenario {
            pupils: 75,
            ..Scenario::demo(seed)
        }
    }

    /// Sixty days that end ten days before `today`, so that the tail has arrived and nothing is stamped ahead.
    pub fn last_60_days(seed: u64, today: Date) -> Self {
        let to = plus_days(today, -10);
        Scenario {
            from: plus_days(to, -59),
            to,
            // Nothing may be delivered later than now, and the quiet message speaks of 00:15 of the next day.
            fed_to: plus_days(today, -2),
            ..Scenario::full(seed)
        }
    }

    /// Checks that it can be generated.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let (from, to, fed_to) = (self.from, self.to, self.fed_to);
        if to < from {
            return Err(ScenarioError::WindowEnds { from, to });
        }
        if fed_to < from {
            return Err(ScenarioError::FedTo { from, fed_to });
        }
        let days = (fed_to.max(to) - from).num_days() + 1;
        if days > 400 {
            return Err(ScenarioError::TooLong { days });
        }
        if !(30..=100_000).contains(&self.pupils) {
            return Err(ScenarioError::Pupils {
                pupils: self.pupils,
            });
        }
        Ok(())
    }

    /// The local date from whose midnight on every cohort is enforced: the eighth day. Where a month begins on that
    /// day, the ninth, so that the two changes do not fall together.
    pub fn enforce_from(&self) -> Date {
        let eighth = plus_days(self.from, 7);
        if month_of(eighth) == eighth {
            plus_days(eighth, 1)
        } else {
            eighth
        }
    }

    /// When programme, catalogue and roster are entered: noon of the day before.
    pub fn entered_at_ms(&self, zone: &Zone) -> i64 {
        zone.instant(plus_days(self.from, -1), 12 * 3_600)
    }

    /// Nothing is delivered at or after this instant.
    pub fn delivery_ends_ms(&self, zone: &Zone) -> i64 {
        zone.midnight(plus_days(self.fed_to, 1))
    }

    /// The time of which the quiet message at the end of the feed speaks.
    pub fn quiet_until_ms(&self, zone: &Zone) -> i64 {
        self.delivery_ends_ms(zone) + 15 * MINUTE_MS
    }

    /// The zone, quick for all dates of the scenario.
    pub fn zone(&self) -> Zone {
        Zone::new(
            plus_days(self.from, -40),
            plus_days(self.fed_to.max(self.to), 40),
        )
    }

    /// How many container rows to expect, roughly: rare dirt is planned by it.
    pub(crate) fn expected_rows(&self) -> f64 {
        let days = (self.fed_to.min(self.to) - self.from).num_days() + 1;
        ROWS_PER_PUPIL_DAY * f64::from(self.pupils) * days as f64
    }

    /// The fed span that usage and delivery share, in milliseconds from the first midnight.
    pub(crate) fn active_ms(&self) -> i64 {
        ((self.fed_to.min(self.to) - self.from).num_days() + 1) * DAY_MS
    }
}

/// Rows of all cohorts on a day for each SIM of `pilote-rural` (measured at seed 212).
const ROWS_PER_PUPIL_DAY: f64 = 22.6;

fn day(year: i32, month: u32, day: u32) -> Date {
    Date::from_ymd_opt(year, month, day).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_quiet_until_a_quarter_past_midnight() {
        let scenario = Scenario::demo(212);
        let zone = scenario.zone();
        // 11 March 2026 lies in Ramadan: Morocco is at UTC.
        assert_eq!(
            scenario.quiet_until_ms(&zone),
            zone.midnight(day(2026, 3, 11)) + 900_000
        );
        assert_eq!(scenario.quiet_until_ms(&zone) % DAY_MS, 900_000);
        assert_eq!(scenario.enforce_from(), day(2026, 2, 8));
        assert_eq!(scenario.validate(), Ok(()));
    }

    #[test]
    fn sixty_days_end_ten_days_before_today() {
        let today = day(2026, 11, 24);
        let scenario = Scenario::last_60_days(1, today);
        assert_eq!(scenario.to, day(2026, 11, 14));
        assert_eq!((scenario.to - scenario.from).num_days() + 1, 60);
        assert!(scenario.quiet_until_ms(&scenario.zone()) < scenario.zone().midnight(today));
    }

    #[test]
    fn nonsense_is_refused_with_a_remedy() {
        let good = Scenario::demo(1);
        let ends = Scenario {
            to: day(2026, 1, 1),
            ..good.clone()
        };
        assert!(matches!(
            ends.validate(),
            Err(ScenarioError::WindowEnds { .. })
        ));
        let few = Scenario { pupils: 3, ..good };
        assert!(
            few.validate()
                .is_err_and(|e| e.to_string().contains("choose 30"))
        );
    }
}
