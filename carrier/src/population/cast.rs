//! Casting: every SIM gets its part. Shares are dealt out, not drawn, so that the planted truths come out at any seed.

use super::schools::{self, PILOT_PROVINCES, cohort_sizes};
use super::{Device, DeviceKind, Enrolment, Habits, Imsi, School, Sim};
use crate::dice::{Dice, Purpose, quantile, whole};
use crate::places::{Province, provinces};
use crate::policy::{INSPECTORS, KHATWAT, PILOT, SCHOOLS, TEACHERS};
use crate::scenario::{Dirt, PUPILS, Scenario};
use crate::zone::{Date, Zone, plus_days};

/// Everybody and every place of a scenario.
#[derive(Clone, Debug)]
pub struct Population {
    pub sims: Vec<Sim>,
    pub schools: Vec<School>,
    pub provinces: Vec<Province>,
}

/// The serial numbers of SIMs that turn up unannounced begin behind this one.
const UNKNOWN_SERIALS: u32 = 900_000;

/// Median of a pupil's demanded education and unknown bytes a month, and the spread of its logarithm.
/// (The public figure is 3.6 GB; the rest makes up for what quotas and lost records take away.)
const PUPIL_MEDIAN: f64 = 3.6e9 * 1.04;
const PUPIL_SIGMA: f64 = 1.05;

/// Fewer than this many are never cast for a part that a small scenario must show ten times.
const ENOUGH: usize = 16;

/// Of each province of `pilote-rural`: its factor on demand, and its share of SIMs without use.
fn pilot_province(code: &str) -> (f64, f64) {
    match code {
        "07.211" => (0.90, 0.249),
        "06.467" => (1.15, 0.11),
        "07.427" => (1.10, 0.249),
        "07.585" => (0.95, 0.249),
        "02.265" => (0.55, 0.27),
        _ => (1.0, 0.249),
    }
}

impl Population {
    /// Casts a scenario.
    pub fn new(scenario: &Scenario, zone: &Zone) -> Self {
        let provinces = provinces();
        let mut dice = Dice::new(scenario.seed, Purpose::Population, 0, 0);
        let schools = schools::schools(scenario.pupils, &provinces, &mut dice);
        let mut population = Population {
            sims: Vec::new(),
            schools,
            provinces,
        };
        population.enrol_all(scenario, zone);
        population.deal_use(&mut dice);
        population.deal_parts(scenario, &mut dice);
        if scenario.dirt == Dirt::Default {
            population.add_unknown(scenario, zone, &mut dice);
        }
        population
    }

    /// The province of a SIM.
    pub fn province(&self, sim: &Sim) -> &Province {
        &self.provinces[self.schools[sim.school].province]
    }

    fn enrol_all(&mut self, scenario: &Scenario, zone: &Zone) {
        let enrolment = Enrolment {
            entered_at_ms: scenario.entered_at_ms(zone),
            valid_from: scenario.from,
        };
        for (index, school) in self.schools.iter().enumerate() {
            for place in 0..school.sims {
                let serial = self.sims.len() as u32 + 1;
                // The first of each 40 in a digital school is its router.
                let router = school.cohort == SCHOOLS && place == 0;
                let kind = if router {
                    DeviceKind::Router
                } else {
                    DeviceKind::Tablet
                };
                self.sims.push(Sim {
                    imsi: Imsi::of_serial(serial),
                    serial,
                    cohort: school.cohort,
                    school: index,
                    device: Device {
                        kind,
                        model: 1 + (serial % 3) as u8,
                        serial,
                    },
                    enrolment: Some(enrolment),
                    habits: habits(school.cohort, router),
                });
            }
        }
    }

    /// Deals ranks, and who is not used at all, within each cohort and (for the pilot) province.
    fn deal_use(&mut self, dice: &mut Dice) {
        let mut groups: Vec<(usize, Option<usize>, bool)> = Vec::new();
        let group_of = |sim: &Sim, schools: &[School]| {
            let province = (sim.cohort == PILOT).then(|| schools[sim.school].province);
            (sim.cohort, province, sim.device.kind == DeviceKind::Router)
        };
        for sim in &self.sims {
            let group = group_of(sim, &self.schools);
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        for group in groups {
            let mut members: Vec<usize> = (0..self.sims.len())
                .filter(|i| group_of(&self.sims[*i], &self.schools) == group)
                .collect();
            dice.shuffle(&mut members);
            let (factor, unused, never) = match group {
                (PILOT, Some(province), _) => {
                    let (factor, unused) = pilot_province(self.provinces[province].code);
                    (factor, unused, 0.04)
                }
                (_, _, true) => (1.0, 0.0, 0.0),
                _ => (1.0, 0.12, 0.03),
            };
            let share = |part: f64| whole((part * members.len() as f64).round()) as usize;
            let (unused, never) = (share(unused), share(never));
            let used = members.len() - unused;
            for (place, member) in members.into_iter().enumerate() {
                let habits = &mut self.sims[member].habits;
                habits.never_activated = place < never;
                habits.idle = place < unused;
                habits.median_bytes *= factor;
                if place >= unused {
                    let among = (place - unused) as f64 + dice.between(0.25, 0.75);
                    habits.rank = quantile(among / used as f64);
                }
            }
        }
    }

    /// Deals the parts that only a few play.
    fn deal_parts(&mut self, scenario: &Scenario, dice: &mut Dice) {
        let scaled = |whole: u32| {
            (u64::from(whole) * u64::from(scenario.pupils)).div_ceil(u64::from(PUPILS)) as usize
        };
        let mut pilots = self.used(|sim| sim.cohort == PILOT);
        self.cast_exhausters(&pilots, 20e9, dice);
        let associations = self.used(|sim| sim.cohort == KHATWAT);
        self.cast_exhausters(&associations, 10e9, dice);

        dice.shuffle(&mut pilots);
        let mut parts = pilots.into_iter();
        for index in parts.by_ref().take(scaled(22)) {
            // Before enforcement: afterwards the night's traffic is blocked.
            let day = plus_days(scenario.from, 1 + dice.span(6));
            self.sims[index].habits.hotspot_on = Some(day);
        }
        for (count, kind) in [
            (23, None),
            (11, Some(DeviceKind::Phone)),
            (4, Some(DeviceKind::Router)),
        ] {
            for index in parts.by_ref().take(scaled(count)) {
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
        for index in parts.take(scaled(6)) {
            self.sims[index].habits.roaming = true;
        }

        if scenario.dirt == Dirt::None {
            return;
        }
        let mut candidates = self.used(|sim| sim.device.kind != DeviceKind::Router);
        dice.shuffle(&mut candidates);
        for index in candidates.into_iter().take(scaled(40).max(ENOUGH)) {
            self.sims[index].habits.leaks = true;
        }
    }

    fn used(&self, wanted: impl Fn(&Sim) -> bool) -> Vec<usize> {
        (0..self.sims.len())
            .filter(|i| !self.sims[*i].habits.idle && wanted(&self.sims[*i]))
            .collect()
    }

    /// Where too few would exhaust the limit by their ranks, the highest ranks are cast to.
    fn cast_exhausters(&mut self, members: &[usize], limit: f64, dice: &mut Dice) {
        let mut ranked = members.to_vec();
        ranked.sort_by(|a, b| {
            self.sims[*b]
                .habits
                .rank
                .total_cmp(&self.sims[*a].habits.rank)
        });
        let by_rank = ranked
            .iter()
            .filter(|i| {
                let habits = &self.sims[**i].habits;
                habits.median_bytes * (habits.sigma * habits.rank).exp() > limit
            })
            .count();
        if by_rank >= ENOUGH {
            return;
        }
        for index in ranked.into_iter().take(ENOUGH) {
            self.sims[index].habits.cast_bytes = Some(limit * dice.between(1.3, 1.7));
        }
    }

    /// SIMs that are used before anybody enrolled them: two thirds are enrolled two days after their first use, in
    /// four lots; a few after their first month has closed; the others never.
    fn add_unknown(&mut self, scenario: &Scenario, zone: &Zone, dice: &mut Dice) {
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
            habits.rank = dice.normal();
            habits.first_use = Some(first_use);
            if number < soon && number % 3 == 0 {
                // Used so much in two days that enrolment finds the allowance spent, or nearly.
                habits.cast_bytes = Some(dice.between(90e9, 240e9));
            }
            self.sims.push(Sim {
                imsi: Imsi::of_serial(serial),
                serial,
                cohort: KHATWAT,
                school: associations[number as usize % associations.len()],
                device: Device {
                    kind: DeviceKind::Tablet,
                    model: 4,
                    serial,
                },
                enrolment: enrolment.filter(|e| e.entered_at_ms < scenario.delivery_ends_ms(zone)),
                habits,
            });
        }
        debug_assert!(
            self.sims.len() >= cohort_sizes(scenario.pupils).iter().sum::<u32>() as usize
        );
    }

    /// 3G is the rule in Guercif: the shares of 4G, 3G and 2G.
    pub fn radio(&self, sim: &Sim) -> [f64; 3] {
        let guercif = PILOT_PROVINCES[5].0;
        if self.province(sim).code == guercif {
            [0.29, 0.65, 0.06]
        } else {
            [0.58, 0.36, 0.06]
        }
    }

    /// The first date on which a SIM is used.
    pub fn first_use(&self, sim: &Sim, scenario: &Scenario) -> Date {
        sim.habits.first_use.unwrap_or(scenario.from)
    }
}

fn habits(cohort: usize, router: bool) -> Habits {
    let (median_bytes, sigma, activity) = match (cohort, router) {
        (TEACHERS, _) => (0.8e9, 0.7, 0.35),
        (INSPECTORS, _) => (1.4e9, 0.9, 0.35),
        (KHATWAT, _) => (4.2e9, 0.9, 0.9),
        (SCHOOLS, true) => (26e9, 0.3, 3.0),
        (SCHOOLS, false) => (5.0e9, 0.7, 1.0),
        _ => (PUPIL_MEDIAN, PUPIL_SIGMA, 1.0),
    };
    Habits {
        rank: 0.0,
        median_bytes,
        sigma,
        cast_bytes: None,
        activity,
        never_activated: false,
        idle: false,
        leaks: false,
        teaches: cohort == TEACHERS,
        roaming: false,
        hotspot_on: None,
        moved: None,
        first_use: None,
    }
}
