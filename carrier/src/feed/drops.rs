//! The feed itself: drop by drop, so that a block decided at one drop stops what is used after it.

use std::collections::{BTreeMap, VecDeque};

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
use crate::truth::{Accounting, Opening, Truth};
use crate::zone::{Date, Zone, month_of, plus_days};

/// One message of the carrier's topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedMessage {
    /// Its Kafka timestamp (UTC milliseconds); it never falls along the topic.
    pub delivered_at_ms: i64,
    pub payload: Vec<u8>,
}

/// The messages of a scenario, in the order of offsets, and the accounting that walks along.
pub struct Feed {
    pub(super) scenario: Scenario,
    pub(super) zone: Zone,
    pub(super) population: Population,
    pub(super) accounting: Accounting,
    /// What is entered about SIMs, and how much of it was.
    pub(super) changes: Vec<(i64, RosterChange)>,
    pub(super) entered: usize,
    /// What replacing SIMs brought along, in the order of their entries.
    pub(super) openings: Vec<Opening>,
    pub(super) blocks: Blocks,
    pub(super) gateways: Gateways,
    pub(super) lost: u64,
    pub(super) decisions_obeyed: usize,
    pub(super) delays: Delays,
    pub(super) incidents: Incidents,
    /// By SIM: the month that is planned, and its days.
    pub(super) months: Vec<(Date, Vec<Day>)>,
    pub(super) next_date: Date,
    /// Usage by the drop behind its end.
    pub(super) planned: BTreeMap<i64, Vec<PlannedRecord>>,
    /// Letters by the drop of their delivery.
    pub(super) pending: BTreeMap<i64, Vec<Letter>>,
    pub(super) repeated: Vec<Letter>,
    pub(super) now_ms: i64,
    pub(super) ends_ms: i64,
    pub(super) large: usize,
    pub(super) queue: VecDeque<Letter>,
    pub(super) finished: bool,
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

    pub(super) fn obey(&mut self) {
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
