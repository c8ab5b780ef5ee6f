//! A gateway writes planned usage into a record, without what a block stopped.

use super::blocks::Blocks;
use crate::demand::PlannedRecord;
use crate::dice::{Dice, Purpose};
use crate::population::Population;
use crate::record::{Container, ImeiForm, NODES, Record};
use crate::scenario::Scenario;

/// The record of planned usage; none, where nothing is left of it.
pub fn write(
    scenario: &Scenario,
    population: &Population,
    blocks: &Blocks,
    planned: PlannedRecord,
) -> Option<Record> {
    let sim = &population.sims[planned.sim];
    let mut containers = Vec::with_capacity(planned.containers.len());
    for container in planned.containers {
        let class = container.flow.stopped_with;
        if !sim.habits.leaks && blocks.stops(sim.imsi, class, container.first_ms) {
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
    if containers.is_empty() {
        return None;
    }
    // A SIM has far fewer than 100 sessions a day, and a scenario fewer than 1,000 days.
    let day = (planned.date - scenario.from).num_days().unsigned_abs();
    let session = u64::from(sim.serial) * 100_000 + day * 100 + u64::from(planned.session);
    let mut dice = Dice::new(scenario.seed, Purpose::Record, session, 0);
    let node = sim.serial as usize % NODES.len();
    let device = match dice.weighted(&[50.0, 48.0, 2.0]) {
        0 => Some((sim.device_on(planned.date), ImeiForm::Imeisv)),
        1 => Some((sim.device_on(planned.date), ImeiForm::Imei)),
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
        record_sequence: planned.part,
        opened_ms: planned.opened_ms,
        imsi: sim.imsi,
        device,
        rat: ["4G", "3G", "2G"][dice.weighted(&population.radio(sim))],
        serving_plmn: match (sim.habits.roaming, node) {
            (true, _) => Some("00102"),
            (false, 0) => Some("00101"),
            _ => None,
        },
        containers,
    })
}
