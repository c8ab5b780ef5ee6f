//! Parts that only a few play: exhausters, hotspots, SIMs that move or are replaced, leaks, counters.

use super::{CounterFaults, Device, DeviceKind, Enrolment, Imsi, Population, Sim};
use crate::dice::{Dice, whole};
use crate::policy::{KHATWAT, PILOT};
use crate::scenario::{Dirt, PUPILS, Scenario};
use crate::zone::{Date, Zone, plus_days};

/// Fewer than this many are never cast for a part that a small scenario must show ten times.
const ENOUGH: usize = 16;
/// And no fewer than this many, where one SIM shows it once.
const A_DOZEN: usize = 12;
/// With fewer pupils a scenario is a small one.
const FEW: u32 = 750;

/// The share of SIMs whose gateway gives readings of counters.
const COUNTERS: f64 = 0.05;
const COUNTED_BELOW: f64 = 14e9;
const RESETS: usize = 12;
const STUCK: usize = 3;

/// A replacement is entered at this hour of its day; so many days later it is said again what the old SIM had used, late
/// records included.
const REPLACED_AT_HOUR: i64 = 10;
const OPENED_AGAIN_AFTER_DAYS: i64 = 8;

/// What is entered about SIMs after the first roster, or with it. SIMs are indexes into the population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterChange {
    Enrolled {
        sim: usize,
    },
    /// The old SIM leaves, the new one comes, with what the old one had used.
    Replaced {
        old: usize,
        new: usize,
        on: Date,
    },
    /// It is said again what the old one had used.
    OpenedAgain {
        old: usize,
        new: usize,
        on: Date,
    },
}

impl Population {
    /// Everything that is entered about SIMs, by time.
    pub fn roster_changes(&self, scenario: &Scenario, zone: &Zone) -> Vec<(i64, RosterChange)> {
        let mut changes = Vec::new();
        for (index, sim) in self.sims.iter().enumerate() {
            if let (Some(enrolment), None) = (sim.enrolment, sim.replaces) {
                changes.push((
                    enrolment.entered_at_ms,
                    RosterChange::Enrolled { sim: index },
                ));
            }
            if let Some((on, new)) = sim.replaced {
                let replaced = RosterChange::Replaced {
                    old: index,
                    new,
                    on,
                };
                let again = RosterChange::OpenedAgain {
                    old: index,
                    new,
                    on,
                };
                changes.push((replaced_at_ms(zone, on), replaced));
                let later = replaced_at_ms(zone, plus_days(on, OPENED_AGAIN_AFTER_DAYS));
                changes.push((later, again));
            }
        }
        changes.retain(|(at_ms, _)| *at_ms < scenario.delivery_ends_ms(zone));
        changes.sort_by_key(|(at_ms, _)| *at_ms);
        changes
    }

    /// Deals the parts.
    pub(super) fn deal_parts(&mut self, scenario: &Scenario, zone: &Zone, dice: &mut Dice) {
        let scaled = |whole: u32| {
            (u64::from(whole) * u64::from(scenario.pupils)).div_ceil(u64::from(PUPILS)) as usize
        };
        let pilots = self.used(|sim| sim.cohort == PILOT);
        self.cast_exhausters(&pilots, 20e9, dice);
        // Who uses little has days on which something else stands out.
        let mut modest = self.used(|sim| {
            sim.cohort == PILOT && sim.habits.rank < 0.5 && sim.habits.cast_bytes.is_none()
        });
        dice.shuffle(&mut modest);
        let mut modest = modest.into_iter();
        for index in modest.by_ref().take(scaled(22).max(A_DOZEN)) {
            // Before enforcement: afterwards the night's traffic is blocked.
            let day = plus_days(scenario.from, 1 + dice.span(6));
            self.sims[index].habits.hotspot_on = Some(day);
        }
        let hotspots: Vec<usize> = pilots
            .iter()
            .copied()
            .filter(|i| self.sims[*i].habits.hotspot_on.is_some())
            .collect();
        let mut others: Vec<usize> = pilots;
        others.retain(|index| !hotspots.contains(index));
        dice.shuffle(&mut others);
        let mut others = others.into_iter();
        for (count, kind) in [
            (scaled(23), None),
            (scaled(11).max(A_DOZEN - 1), Some(DeviceKind::Phone)),
            (scaled(4), Some(DeviceKind::Router)),
        ] {
            for index in others.by_ref().take(count) {
                let sim = &mut self.sims[index];
                let since = plus_days(scenario.from, 5 + dice.span(25));
                // A repair gives another tablet of the same model.
                let device = Device {
                    kind: kind.unwrap_or(sim.device.kind),
                    serial: sim.serial + 500_000,
                    ..sim.device
                };
                sim.habits.moved = Some((since, device));
            }
        }
        for index in others.by_ref().take(scaled(6)) {
            self.sims[index].habits.roaming = true;
        }
        let replaced: Vec<usize> = if scenario.pupils < FEW {
            others.take(A_DOZEN).collect()
        } else {
            others.take(scaled(9)).collect()
        };
        if scenario.dirt == Dirt::Default {
            self.deal_leaks(scaled(40).max(ENOUGH), dice);
            self.deal_counters(scenario, &replaced, dice);
        }
        self.replace(scenario, zone, &replaced, dice);
    }

    fn deal_leaks(&mut self, count: usize, dice: &mut Dice) {
        let mut candidates = self.used(|sim| sim.device.kind != DeviceKind::Router);
        dice.shuffle(&mut candidates);
        for index in candidates.into_iter().take(count) {
            self.sims[index].habits.leaks = true;
        }
    }

    /// Half of those with counters use so much that these pass their end.
    fn deal_counters(&mut self, scenario: &Scenario, not: &[usize], dice: &mut Dice) {
        let mut candidates = self.used(|sim| sim.cohort != KHATWAT);
        // In a small scenario they are needed, or no counter passed its end.
        let most = if scenario.pupils < FEW {
            f64::MAX
        } else {
            COUNTED_BELOW
        };
        // Who used still more could pass an end between two readings that came late, which looks like a reset.
        candidates.retain(|index| !not.contains(index) && self.demand(*index) < most);
        let count = whole((COUNTERS * self.sims.len() as f64).round()) as usize;
        let count = count.max(ENOUGH);
        candidates.sort_by(|a, b| self.demand(*b).total_cmp(&self.demand(*a)));
        let mut light = candidates.split_off(count / 2);
        let heavy = candidates;
        dice.shuffle(&mut light);
        light.truncate(count - heavy.len());
        for (place, index) in light.into_iter().chain(heavy).enumerate() {
            let mut faults = CounterFaults::default();
            if place < RESETS {
                faults.reset_on = Some(plus_days(scenario.from, 4 + dice.span(16)));
            } else if place < RESETS + STUCK {
                let from = plus_days(scenario.from, 3 + dice.span(14));
                faults.stuck = Some((from, plus_days(from, 4)));
            }
            self.sims[index].habits.counters = Some(faults);
        }
    }

    /// Each of these SIMs gives way to a new one in the same tablet.
    fn replace(&mut self, scenario: &Scenario, zone: &Zone, replaced: &[usize], dice: &mut Dice) {
        for old in replaced {
            let on = plus_days(scenario.from, 9 + dice.span(9));
            if replaced_at_ms(zone, on) >= scenario.delivery_ends_ms(zone) {
                continue;
            }
            let (new, serial) = (self.sims.len(), self.sims.len() as u32 + 1);
            let mut sim = Sim {
                imsi: Imsi::of_serial(serial),
                serial,
                enrolment: Some(Enrolment {
                    entered_at_ms: replaced_at_ms(zone, on),
                    valid_from: on,
                }),
                replaces: Some(*old),
                ..self.sims[*old].clone()
            };
            sim.habits.first_use = Some(on);
            self.sims[*old].replaced = Some((on, new));
            self.sims.push(sim);
        }
    }

    /// Bytes that a SIM will want in a month, about.
    fn demand(&self, index: usize) -> f64 {
        let habits = &self.sims[index].habits;
        let by_rank = habits.median_bytes * (habits.sigma * habits.rank).exp();
        habits.cast_bytes.unwrap_or(by_rank)
    }

    fn used(&self, wanted: impl Fn(&Sim) -> bool) -> Vec<usize> {
        (0..self.sims.len())
            .filter(|i| !self.sims[*i].habits.idle && wanted(&self.sims[*i]))
            .collect()
    }

    /// Where too few would exhaust the limit by their ranks, the highest ranks are cast to.
    fn cast_exhausters(&mut self, members: &[usize], limit: f64, dice: &mut Dice) {
        let mut ranked = members.to_vec();
        ranked.sort_by(|a, b| self.demand(*b).total_cmp(&self.demand(*a)));
        let by_rank = ranked.iter().filter(|i| self.demand(**i) > limit).count();
        if by_rank >= ENOUGH {
            return;
        }
        for index in ranked.into_iter().take(ENOUGH) {
            self.sims[index].habits.cast_bytes = Some(limit * dice.between(1.3, 1.7));
        }
    }
}

fn replaced_at_ms(zone: &Zone, on: Date) -> i64 {
    zone.instant(on, REPLACED_AT_HOUR * 3_600)
}
