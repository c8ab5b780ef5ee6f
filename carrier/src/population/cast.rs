//! Casting: every SIM gets its part. Shares are dealt out, not drawn, so that the planted truths come out at any seed.

use super::schools::{self, PILOT_PROVINCES};
use super::{Device, DeviceKind, Enrolment, Habits, Imsi, School, Sim};
use crate::dice::{Dice, Purpose, quantile, whole};
use crate::places::{Province, provinces};
use crate::policy::{INSPECTORS, KHATWAT, PILOT, SCHOOLS, TEACHERS};
use crate::scenario::{Dirt, Scenario};
use crate::zone::{Date, Zone};

/// Everybody and every place of a scenario.
#[derive(Clone, Debug)]
pub struct Population {
    pub sims: Vec<Sim>,
    pub schools: Vec<School>,
    pub provinces: Vec<Province>,
}

/// Median of a pupil's demanded education and unknown bytes a month, and the spread of its logarithm.
/// (The public figure is 3.6 GB; the rest makes up for what quotas and lost records take away.)
const PUPIL_MEDIAN: f64 = 3.6e9 * 1.055;
const PUPIL_SIGMA: f64 = 1.05;

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
        population.deal_parts(scenario, zone, &mut dice);
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
                    tablet: serial,
                    device: Device {
                        kind,
                        // Tablets of three models, routers of one.
                        model: if router { 1 } else { 1 + (serial % 3) as u8 },
                        serial,
                    },
                    enrolment: Some(enrolment),
                    replaced: None,
                    replaces: None,
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
                (KHATWAT, _, _) => (1.0, 0.06, 0.02),
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

pub(super) fn habits(cohort: usize, router: bool) -> Habits {
    let (median_bytes, sigma, activity) = match (cohort, router) {
        (TEACHERS, _) => (0.8e9, 0.7, 0.35),
        (INSPECTORS, _) => (1.4e9, 0.9, 0.35),
        // The gift lasts 30 days; a little over six of its ten gigabytes are to be used.
        (KHATWAT, _) => (6.7e9, 0.8, 1.0),
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
        counters: None,
    }
}
