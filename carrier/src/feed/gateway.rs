//! Gateways write planned usage into records, without what a block stopped.

use std::collections::HashMap;

use super::blocks::Blocks;
use crate::demand::PlannedRecord;
use crate::dice::{Dice, Purpose};
use crate::population::{CounterFaults, Population, Sim};
use crate::record::{Container, Counter, FOREIGN_PLMN, ImeiForm, NODES, OWN_PLMN, RATS, Record};
use crate::scenario::Scenario;
use crate::zone::{Date, Zone, month_of};

/// What a counter of 32 bits counts up to, and what one shows that is stuck.
const MODULUS: u64 = 1 << 32;
const STUCK: u64 = MODULUS - 1;

/// A counter below this begins anew; above it, the fall could be taken for a passing of its end.
const RESETS_BELOW: u64 = 3_000_000_000;

/// The gateways.
#[derive(Debug, Default)]
pub struct Gateways {
    /// The number of the last record of each node.
    last: [u64; NODES.len()],
    /// By SIM: what runs through its long session.
    sessions: HashMap<usize, Session>,
}

/// A session that lasts a month, and its counters.
#[derive(Debug)]
struct Session {
    month: Date,
    number: u64,
    record_sequence: u32,
    /// Bytes up and down since its begin, by rating group and service id.
    totals: HashMap<(u32, u32), (u64, u64)>,
    was_reset: bool,
}

impl Gateways {
    /// The record of planned usage; none, where nothing is left of it.
    pub fn write(
        &mut self,
        scenario: &Scenario,
        zone: &Zone,
        population: &Population,
        blocks: &Blocks,
        planned: PlannedRecord,
    ) -> Option<Record> {
        let (index, date, part) = (planned.sim, planned.date, planned.part);
        let sim = &population.sims[index];
        let mut containers = used(sim, zone, blocks, &planned);
        if containers.is_empty() {
            return None;
        }
        // A SIM has far fewer than 100 sessions a day, and a scenario fewer than 900 days.
        let day = (date - scenario.from).num_days().unsigned_abs();
        let mut session = u64::from(sim.serial) * 100_000 + day * 100 + u64::from(planned.session);
        let mut dice = Dice::new(scenario.seed, Purpose::Record, session, 0);
        let mut record_sequence = part;
        let mut counter = Counter::Delta;
        if let Some(faults) = sim.habits.counters {
            counter = Counter::Cumulative32;
            let months = self.long_session(index, sim, date, scenario);
            record_sequence = months.next(&mut containers, date, faults);
            session = u64::from(sim.serial) * 100_000 + 90_000 + months.number;
        }
        let node = sim.serial as usize % NODES.len();
        self.last[node] += 1;
        let device = match dice.weighted(&[50.0, 48.0, 2.0]) {
            0 => Some((sim.device_on(date), ImeiForm::Imeisv)),
            1 => Some((sim.device_on(date), ImeiForm::Imei)),
            _ => None,
        };
        Some(Record {
            node,
            // The third gateway counts down from the largest number there is.
            charging_id: if node == 2 {
                u64::MAX - session
            } else {
                session
            },
            record_sequence,
            node_sequence: self.last[node],
            opened_ms: planned.opened_ms,
            counter,
            imsi: sim.imsi,
            device,
            rat: RATS[dice.weighted(&population.radio(sim))],
            serving_plmn: match (sim.habits.roaming, node) {
                (true, _) => Some(FOREIGN_PLMN),
                (false, 0) => Some(OWN_PLMN),
                _ => None,
            },
            containers,
        })
    }

    fn long_session(
        &mut self,
        index: usize,
        sim: &Sim,
        date: Date,
        scenario: &Scenario,
    ) -> &mut Session {
        let month = month_of(date);
        let number = (month - month_of(scenario.from)).num_days().unsigned_abs() / 28;
        let new = |was_reset| Session {
            month,
            number,
            record_sequence: 0,
            totals: HashMap::new(),
            was_reset,
        };
        let session = self.sessions.entry(index).or_insert_with(|| new(false));
        // What closes after midnight may still belong to the month before; it goes into the new session.
        if session.month < month {
            *session = new(session.was_reset);
        }
        debug_assert!(sim.habits.counters.is_some());
        session
    }
}

impl Session {
    /// Counts the bytes of containers, and puts the readings in their place; hands out the record's sequence.
    fn next(&mut self, containers: &mut [Container], date: Date, faults: CounterFaults) -> u32 {
        let stuck = faults
            .stuck
            .is_some_and(|(from, to)| from <= date && date < to);
        let mut reset_due = !self.was_reset && faults.reset_on.is_some_and(|on| on <= date);
        for container in containers {
            let flow = (container.rating_group, container.service_id);
            let total = self.totals.entry(flow).or_default();
            let clearly = (4 * container.uplink_bytes, 4 * container.downlink_bytes);
            let high = total.0 > clearly.0 && total.1 > clearly.1 && total.1 < RESETS_BELOW;
            if reset_due && high {
                *total = (0, 0);
                (self.was_reset, reset_due) = (true, false);
            }
            total.0 += container.uplink_bytes;
            total.1 += container.downlink_bytes;
            container.uplink_bytes = total.0 % MODULUS;
            container.downlink_bytes = if stuck { STUCK } else { total.1 % MODULUS };
        }
        self.record_sequence += 1;
        self.record_sequence
    }
}

/// What was used of planned containers.
fn used(sim: &Sim, zone: &Zone, blocks: &Blocks, planned: &PlannedRecord) -> Vec<Container> {
    let leaves_ms = sim.replaced.map_or(i64::MAX, |(on, _)| zone.midnight(on));
    // A new SIM is put in when it is entered.
    let comes_ms = match (sim.replaces, sim.enrolment) {
        (Some(_), Some(enrolment)) => enrolment.entered_at_ms,
        _ => i64::MIN,
    };
    let mut containers = Vec::with_capacity(planned.containers.len());
    for container in &planned.containers {
        let class = container.flow.stopped_with;
        let stopped = !sim.habits.leaks && blocks.stops(sim.imsi, class, container.first_ms);
        if stopped || container.last_ms > leaves_ms || container.first_ms < comes_ms {
            continue;
        }
        containers.push(Container {
            rating_group: container.flow.rating_group,
            service_id: container.flow.service_id,
            sequence: containers.len() as u32 + 1,
            first_ms: container.first_ms,
            last_ms: container.last_ms,
            uplink_bytes: container.uplink_bytes,
            downlink_bytes: container.downlink_bytes,
        });
    }
    containers
}
