//! Rows that the watches look at, and bytes behind a block.

use super::AlertKind;
use super::account::place;
use super::accounting::PROPAGATION_MS;
use super::quotas::Quotas;
use crate::policy::Class;
use crate::population::{Device, Imsi};
use crate::zone::{Date, plus_days};

impl Quotas {
    /// Whether usage of a class that starts then lies behind a block. (Of a class only the latest block is remembered.)
    pub(super) fn is_leaked(&self, imsi: Imsi, class: Class, starts_ms: i64) -> bool {
        let block = self
            .sims
            .get(&imsi)
            .and_then(|sim| sim.blocks[place(class)]);
        block.is_some_and(|(from, until)| {
            starts_ms > from + PROPAGATION_MS && until.is_none_or(|until| starts_ms < until)
        })
    }

    /// A row of a SIM that counts: `usage` is its day, class and bytes. A SIM that has left is not watched.
    pub(super) fn watch(
        &mut self,
        imsi: Imsi,
        device: Option<Device>,
        message: u64,
        (day, class, bytes): (Date, Class, u64),
        at_ms: i64,
    ) {
        let today = self.today();
        let (Some(programme), Some(sim)) = (&self.programme, self.sims.get_mut(&imsi)) else {
            return;
        };
        if sim.has_left(today) {
            return;
        }
        let (mut idle, mut moved, mut sharing) = (None, None, None);
        if class != Class::System && bytes > 0 {
            idle = sim.idle.used(day, today);
        }
        if let (Some(own), Some(device)) = (sim.device, device) {
            let tac = device.tac();
            if device == own {
                moved = sim.moved.end();
            } else if tac != own.tac() && !programme.tablet_tacs.contains(&tac) {
                moved = sim.moved.seen_in(device, today, message);
            }
        }
        let router = sim
            .device
            .is_some_and(|own| programme.router_tacs.contains(&own.tac()));
        if !router && (day == today || day == plus_days(today, -1)) {
            sharing = sim.sharing.add(day, bytes, class == Class::Education);
        }
        let steps = [
            (AlertKind::TabletIdle, idle),
            (AlertKind::SimMoved, moved),
            (AlertKind::PossibleSharing, sharing),
        ];
        for (kind, step) in steps {
            if let Some((of, change)) = step {
                self.alert(imsi, kind, of.to_string(), change, at_ms);
            }
        }
    }
}
