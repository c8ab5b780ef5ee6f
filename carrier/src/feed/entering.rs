//! What is entered into the registry about SIMs while the feed goes on.

use super::Feed;
use crate::population::RosterChange;
use crate::truth::{Enrolment, Opening};
use crate::zone::Date;

impl Feed {
    /// Enters what is due.
    pub(super) fn enter_until(&mut self, now_ms: i64) {
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
}
