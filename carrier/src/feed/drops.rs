//! The feed itself: drop by drop, so that a block decided at one drop stops what is used after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::blocks::Blocks;
use super::delay::Delays;
use super::incidents::{Incident, Incidents};
use super::{DROP_MS, Letter, gateway};
use crate::demand::{Day, PlannedRecord, Planner, month_of_days};
use crate::dice::{Dice, Purpose};
use crate::policy::{Catalogue, Programme};
use crate::population::Population;
use crate::record::Record;
use crate::scenario::{Dirt, Scenario};
use crate::truth::{Accounting, Truth};
use crate::zone::{DAY_MS, Date, HOUR_MS, Zone, month_of, plus_days};

/// One message of the carrier's topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedMessage {
    /// Its Kafka timestamp (UTC milliseconds); it never falls along the topic.
    pub delivered_at_ms: i64,
    pub payload: Vec<u8>,
}

/// The messages of a scenario, in the order of offsets, and the accounting that walks along.
pub struct Feed {
    scenario: Scenario,
    zone: Zone,
    population: Population,
    accounting: Accounting,
    /// Indexes of SIMs in the order in which they are enrolled, and how many are.
    enrolments: Vec<usize>,
    enrolled: usize,
    blocks: Blocks,
    decisions_obeyed: usize,
    delays: Delays,
    incidents: Incidents,
    /// By SIM: the month that is planned, and its days.
    months: Vec<(Date, Vec<Day>)>,
    next_date: Date,
    /// Usage by the drop behind its end.
    planned: BTreeMap<i64, Vec<PlannedRecord>>,
    /// Letters by the drop of their delivery.
    pending: BTreeMap<i64, Vec<Letter>>,
    repeated: Vec<Letter>,
    now_ms: i64,
    ends_ms: i64,
    large: usize,
    queue: VecDeque<Letter>,
    finished: bool,
}

impl Feed {
    /// The feed of a scenario, at its begin.
    pub(crate) fn new(
        scenario: &Scenario,
        zone: Zone,
        population: Population,
        programme: Programme,
        catalogue: Catalogue,
    ) -> Self {
        let entered_at = scenario.entered_at_ms(&zone);
        let mut accounting = Accounting::new(zone.clone());
        accounting.programme(entered_at, programme);
        accounting.catalogue(entered_at, catalogue);
        let mut enrolments: Vec<usize> = (0..population.sims.len()).collect();
        enrolments.retain(|i| population.sims[*i].enrolment.is_some());
        enrolments.sort_by_key(|i| population.sims[*i].enrolment.map(|e| e.entered_at_ms));
        let first_ms = zone.midnight(scenario.from);
        Feed {
            accounting,
            enrolments,
            enrolled: 0,
            blocks: Blocks::new(scenario.seed),
            decisions_obeyed: 0,
            delays: Delays::new(scenario, &zone),
            incidents: Incidents::new(scenario, &zone),
            months: vec![(Date::MIN, Vec::new()); population.sims.len()],
            next_date: scenario.from,
            planned: BTreeMap::new(),
            pending: BTreeMap::new(),
            repeated: Vec::new(),
            now_ms: first_ms - first_ms.rem_euclid(DROP_MS),
            ends_ms: scenario.delivery_ends_ms(&zone),
            large: 0,
            queue: VecDeque::new(),
            finished: false,
            scenario: scenario.clone(),
            population,
            zone,
        }
    }

    /// The truth about everything, the messages not yet taken included.
    pub fn into_truth(mut self) -> Truth {
        while self.next().is_some() {}
        self.accounting.finish(Some(self.scenario))
    }

    /// Goes on to the next drop.
    fn next_drop(&mut self) {
        self.now_ms += DROP_MS;
        if self.now_ms >= self.ends_ms {
            self.now_ms = self.ends_ms;
            let until_ms = self.scenario.quiet_until_ms(&self.zone);
            self.queue.push_back(Letter::Quiet { until_ms });
            self.finished = true;
            return;
        }
        self.enrol_until(self.now_ms);
        self.plan_until(self.now_ms);
        self.send_used();
        let mut letters = self.pending.remove(&self.now_ms).unwrap_or_default();
        let mut dice = Dice::new(
            self.scenario.seed,
            Purpose::Drop,
            self.now_ms.unsigned_abs(),
            0,
        );
        dice.shuffle(&mut letters);
        if self.scenario.dirt == Dirt::Default {
            self.repeat_days(&letters);
        }
        self.queue.extend(letters);
    }

    fn enrol_until(&mut self, now_ms: i64) {
        while let Some(index) = self.enrolments.get(self.enrolled) {
            let sim = &self.population.sims[*index];
            let Some(enrolment) = sim.enrolment.filter(|e| e.entered_at_ms <= now_ms) else {
                break;
            };
            let province = self.population.province(sim).code;
            let cohort = crate::COHORT_IDS[sim.cohort];
            let (at, from) = (enrolment.entered_at_ms, enrolment.valid_from);
            self.accounting.enrol(at, sim.imsi, cohort, province, from);
            self.enrolled += 1;
        }
        self.obey();
    }

    fn obey(&mut self) {
        let decisions = self.accounting.decisions();
        for decision in &decisions[self.decisions_obeyed..] {
            self.blocks.obey(decision);
        }
        self.decisions_obeyed = decisions.len();
    }

    /// Plans the days that have begun.
    fn plan_until(&mut self, now_ms: i64) {
        while self.next_date <= self.scenario.to && self.zone.midnight(self.next_date) < now_ms {
            self.plan_date(self.next_date);
            self.next_date = plus_days(self.next_date, 1);
        }
    }

    fn plan_date(&mut self, date: Date) {
        let planner = Planner {
            seed: self.scenario.seed,
            zone: &self.zone,
            enforce_from: self.scenario.enforce_from(),
        };
        let month = month_of(date);
        let first_month = month_of(self.scenario.from);
        let day_of_month = (date - month).num_days().unsigned_abs() as usize;
        let mut records = Vec::new();
        for (index, sim) in self.population.sims.iter().enumerate() {
            if date < self.population.first_use(sim, &self.scenario) {
                continue;
            }
            let planned = &mut self.months[index];
            if planned.0 != month {
                *planned = (
                    month,
                    month_of_days(self.scenario.seed, sim, month, first_month),
                );
            }
            let day = planned.1.get(day_of_month).copied().unwrap_or_default();
            planner.plan(index, sim, date, day, &mut records);
        }
        for record in records {
            let behind = record.closed_ms + (-record.closed_ms).rem_euclid(DROP_MS);
            self.planned.entry(behind).or_default().push(record);
        }
    }

    /// What was used up to now becomes records, unless a block stopped it.
    fn send_used(&mut self) {
        let due = self.planned.remove(&self.now_ms).unwrap_or_default();
        let mut records: Vec<(usize, Record)> = due
            .into_iter()
            .filter_map(|planned| {
                let sim = planned.sim;
                let record =
                    gateway::write(&self.scenario, &self.population, &self.blocks, planned)?;
                Some((sim, record))
            })
            .collect();
        if self.scenario.dirt == Dirt::None {
            for (_, record) in records {
                self.send(record);
            }
            return;
        }
        self.incidents.come_due(self.now_ms);
        let mut dice = Dice::new(
            self.scenario.seed,
            Purpose::Drop,
            self.now_ms.unsigned_abs(),
            1,
        );
        if self.incidents.waiting() > 0 {
            dice.shuffle(&mut records);
        }
        for (index, record) in records {
            let sim = &self.population.sims[index];
            let (zone, seed_entry) = (&self.zone, self.scenario.entered_at_ms(&self.zone));
            let announced = sim.enrolment.is_some_and(|e| e.entered_at_ms == seed_entry);
            let incident = self.incidents.take(|incident| match incident {
                Incident::Late { month, .. } => {
                    announced
                        && record
                            .containers
                            .iter()
                            .all(|c| month_of(zone.date(c.last_ms - 1)) == *month)
                }
                _ => true,
            });
            match incident {
                Some(incident) => self.befall(incident, record, &mut dice),
                None => self.send(record),
            }
        }
    }

    /// Sends a record once, or now and then twice.
    fn send(&mut self, record: Record) {
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
    fn befall(&mut self, incident: Incident, record: Record, dice: &mut Dice) {
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
    fn repeat_days(&mut self, letters: &[Letter]) {
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

    /// Books a letter, and obeys what follows from it.
    fn account(&mut self, letter: &Letter) {
        match letter {
            Letter::Record(record) => self.accounting.record(self.now_ms, record),
            Letter::Broken(reason, _) => self.accounting.broken(self.now_ms, *reason),
            Letter::Quiet { until_ms } => self.accounting.quiet(*until_ms),
        }
        self.obey();
    }
}

impl Iterator for Feed {
    type Item = FeedMessage;

    fn next(&mut self) -> Option<FeedMessage> {
        while self.queue.is_empty() {
            if self.finished {
                return None;
            }
            self.next_drop();
        }
        let letter = self.queue.pop_front()?;
        self.account(&letter);
        Some(FeedMessage {
            delivered_at_ms: self.now_ms,
            payload: letter.payload(&self.zone),
        })
    }
}
