//! A SIM's month: how much is demanded, and how it falls on the days.

use chrono::Datelike;

use super::calendar::day_weight;
use crate::dice::{Dice, Purpose, whole};
use crate::population::Sim;
use crate::zone::{Date, month_of, next_month, plus_days};

/// One day of a SIM.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Day {
    pub sessions: u32,
    /// Demanded bytes of education and unknown.
    pub bytes: f64,
    /// Nobody uses the SIM, but the device shows a sign of life.
    pub heartbeat: bool,
}

/// The days of a month (named by any of its dates) of a SIM, the first of the month first.
pub fn month_of_days(seed: u64, sim: &Sim, date: Date, first_month: Date) -> Vec<Day> {
    let month = month_of(date);
    let length = (next_month(month) - month).num_days();
    let mut dice = Dice::new(
        seed,
        Purpose::Month,
        u64::from(sim.serial),
        month_number(month),
    );
    if sim.habits.never_activated {
        return (0..length).map(|_| Day::default()).collect();
    }
    let Some(demand) = monthly_demand(sim, month != first_month, &mut dice) else {
        let heartbeats = [dice.span(length), dice.span(length)];
        return (0..length)
            .map(|day| Day {
                heartbeat: heartbeats.contains(&day),
                ..Day::default()
            })
            .collect();
    };
    let mut days: Vec<Day> = (0..length)
        .map(|day| {
            let weight = day_weight(plus_days(month, day));
            if dice.chance(0.14) {
                return Day::default();
            }
            let mean = 3.85 * sim.habits.activity * weight.powf(0.6);
            let sessions = (mean * dice.between(0.6, 1.4) + dice.unit())
                .floor()
                .min(16.0);
            Day {
                sessions: whole(sessions) as u32,
                bytes: if sessions > 0.0 {
                    weight * (0.35 * dice.normal()).exp()
                } else {
                    0.0
                },
                heartbeat: false,
            }
        })
        .collect();
    let sum: f64 = days.iter().map(|d| d.bytes).sum();
    for day in &mut days {
        day.bytes *= demand / sum.max(f64::MIN_POSITIVE);
    }
    days
}

/// Demanded bytes of education and unknown in a month; none where nobody uses the SIM.
fn monthly_demand(sim: &Sim, later: bool, dice: &mut Dice) -> Option<f64> {
    let habits = &sim.habits;
    // Idleness lasts, mostly; and some tablets end in a drawer.
    let idle = match (habits.idle, later) {
        (true, true) => dice.chance(0.8),
        (idle, false) => idle,
        (false, true) => dice.chance(0.05),
    };
    if idle {
        return None;
    }
    // Who turned up unannounced is in a hurry in the first month alone.
    let settled = habits.first_use.is_some() && later;
    if let Some(bytes) = habits.cast_bytes.filter(|_| !settled) {
        return Some(bytes);
    }
    // A habit mostly stays from month to month.
    let rank = if later {
        0.85 * habits.rank + 0.527 * dice.normal()
    } else {
        habits.rank
    };
    Some(habits.median_bytes * (habits.sigma * rank).exp())
}

fn month_number(month: Date) -> u64 {
    u64::from(month.year().unsigned_abs()) * 12 + u64::from(month.month0())
}
