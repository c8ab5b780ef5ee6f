//! The feed itself: drop by drop, so that a block decided at one drop stops what is used after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::blocks::Blocks;
use super::delay::Delays;
use super::gateway::Gateways;
use super::incidents::{Incident, Incidents};
use super::{DROP_MS, Letter};
use crate::demand::{Day, PlannedRecord, Planner, month_of_days};
use crate::dice::{Dice, Purpose};
use crate::policy::{Catalogue, Programme};
use crate::population::{Population, RosterChange};
use crate::record::{Counter, Record};
use crate::scenario::{Dirt, Scenario};
use crate::truth::{Accounting, Enrolment, Opening, Truth};
use crate::zone::{DAY_MS, Date, HOUR_MS, Zone, month_of, plus_days};

/// The share of records that never arrive.
const LOST: f64 = 0.0005;

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
    /// What is entered about SIMs, and how much of it was.
    changes: Vec<(i64, RosterChange)>,
    entered: usize,
    /// What replacing SIMs brought along, in the order of their entries.
    openings: Vec<Opening>,
    blocks: Blocks,
    gateways: Gateways,
    lost: u64,
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
        let first_ms = zone.midnight(scenario.from);
        Feed {
            accounting,
            changes: population.roster_changes(scenario, &zone),
            entered: 0,
            openings: Vec::new(),
            blocks: Blocks::new(scenario.seed),
            gateways: Gateways::default(),
            lost: 0,
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
        while self.next_letter().is_some() {}
        let mut truth = self.accounting.finish(Some(self.scenario));
        truth.lost_records = self.lost;
        truth
    }

    /// Goes through the feed up to the last thing that is entered about SIMs: what replacing SIMs bring along.
    pub(crate) fn rehearse(mut self) -> Vec<Opening> {
        while self.entered < self.changes.len() && self.next_letter().is_some() {}
        self.openings
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
        self.enter_until(self.now_ms);
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

    fn enter_until(&mut self, now_ms: i64) {
        while let Some((at_ms, change)) = self.changes.get(self.entered).copied() {
            if at_ms > now_ms {
                break;
            }
            match change {
                RosterChange::Enrolled { sim } => self.enrol(at_ms, sim),
                RosterChange::Replaced { old, new, on } => {
                    let imsi = self.population.sims[old].imsi;
                    self.accounting.retire(at_ms, imsi, on);
                    self.enrol(at_ms, new);
                    self.open(at_ms, (old, new), on, 1);
                }
                RosterChange::OpenedAgain { old, new, on } => self.open(at_ms, (old, new), on, 2),
            }
            self.entered += 1;
        }
        self.obey();
    }

    fn enrol(&mut self, at_ms: i64, index: usize) {
        let sim = &self.population.sims[index];
        let Some(enrolment) = sim.enrolment else {
            return;
        };
        self.accounting.enrol(
            at_ms,
            &Enrolment {
                imsi: sim.imsi,
                cohort: crate::COHORT_IDS[sim.cohort],
                province: self.population.province(sim).code,
                device: Some(sim.device),
                valid_from: enrolment.valid_from,
            },
        );
    }

    /// A SIM brings along what the one before it had used in the month of `on`.
    fn open(&mut self, at_ms: i64, (old, new): (usize, usize), on: Date, revision: u32) {
        let (old, new) = (&self.population.sims[old], &self.population.sims[new]);
        for (allowance, used_bytes) in self.accounting.used(old.imsi, on) {
            let opening = Opening {
                imsi: new.imsi,
                allowance,
                used_bytes,
                as_of: on,
                revision,
            };
            self.accounting.open(at_ms, &opening);
            self.openings.push(opening);
        }
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
            library_since: plus_days(self.scenario.from, 14),
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
        let mut due = self.planned.remove(&self.now_ms).unwrap_or_default();
        due.sort_by_key(|planned| planned.closed_ms);
        let mut records: Vec<(usize, Record)> = due
            .into_iter()
            .filter_map(|planned| {
                let sim = planned.sim;
                let record = self.gateways.write(
                    &self.scenario,
                    &self.zone,
                    &self.population,
                    &self.blocks,
                    planned,
                )?;
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
            if self.is_lost(&record) {
                self.lost += 1;
                continue;
            }
            if record.counter == Counter::Cumulative32 {
                // What these add depends on all that came before: nothing else befalls them.
                self.send(record);
                continue;
            }
            let (zone, seed_entry) = (&self.zone, self.scenario.entered_at_ms(&self.zone));
            let announced = sim.enrolment.is_some_and(|e| e.entered_at_ms == seed_entry)
                && sim.replaced.is_none();
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

    /// Now and then a partial record never arrives.
    fn is_lost(&self, record: &Record) -> bool {
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

    /// The next letter, booked.
    fn next_letter(&mut self) -> Option<Letter> {
        while self.queue.is_empty() {
            if self.finished {
                return None;
            }
            self.next_drop();
        }
        let letter = self.queue.pop_front()?;
        self.account(&letter);
        Some(letter)
    }
}

impl Iterator for Feed {
    type Item = FeedMessage;

    fn next(&mut self) -> Option<FeedMessage> {
        let letter = self.next_letter()?;
        Some(FeedMessage {
            delivered_at_ms: self.now_ms,
            payload: letter.payload(&self.zone),
        })
    }
}
