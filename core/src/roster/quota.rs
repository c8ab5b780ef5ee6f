//! The quota alerts of a SIM.

use serde::{Deserialize, Serialize};

use super::Sim;
use crate::zone::Day;

/// How long the alerts of cycles are remembered: longer than all but a term lasts.
const PAST_CYCLES_DAYS: i32 = 400;

/// The quota alerts of one cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuotaAlerts {
    pub(crate) account: u16,
    /// First day of the cycle.
    pub(crate) start: Day,
    pub(crate) quota_80: AlertState,
    pub(crate) exhausted: AlertState,
    /// SimExhausted came first, so that SimQuota80 never fires in this cycle.
    pub(crate) quota_80_skipped: bool,
}

impl Default for QuotaAlerts {
    fn default() -> QuotaAlerts {
        QuotaAlerts {
            account: 0,
            start: Day::FIRST,
            quota_80: AlertState::default(),
            exhausted: AlertState::default(),
            quota_80_skipped: false,
        }
    }
}

/// One alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertState {
    /// The last revision; 0 before the first.
    pub(crate) revision: u32,
    pub(crate) firing: bool,
}

impl AlertState {
    /// From quiet to firing, or back: a revision each time.
    pub(crate) fn turn(&mut self) {
        self.firing = !self.firing;
        self.revision += 1;
    }
}

/// Quota alerts as a SIM has them: in few bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed {
    start: i32,
    quota_80: u32,
    exhausted: u32,
    account: u16,
    flags: u8,
}

const QUOTA_80_FIRES: u8 = 1;
const EXHAUSTED_FIRES: u8 = 2;
const QUOTA_80_SKIPPED: u8 = 4;

impl Packed {
    fn new(alerts: QuotaAlerts) -> Packed {
        let flag = |set, flag| if set { flag } else { 0 };
        Packed {
            start: alerts.start.0,
            quota_80: alerts.quota_80.revision,
            exhausted: alerts.exhausted.revision,
            account: alerts.account,
            flags: flag(alerts.quota_80.firing, QUOTA_80_FIRES)
                | flag(alerts.exhausted.firing, EXHAUSTED_FIRES)
                | flag(alerts.quota_80_skipped, QUOTA_80_SKIPPED),
        }
    }

    fn unpack(self) -> QuotaAlerts {
        let has = |flag| self.flags & flag != 0;
        let state = |revision, firing| AlertState { revision, firing };
        QuotaAlerts {
            account: self.account,
            start: Day(self.start),
            quota_80: state(self.quota_80, has(QUOTA_80_FIRES)),
            exhausted: state(self.exhausted, has(EXHAUSTED_FIRES)),
            quota_80_skipped: has(QUOTA_80_SKIPPED),
        }
    }
}

impl Sim {
    pub(crate) fn quota_alerts(&self) -> QuotaAlerts {
        self.quota_alerts.unpack()
    }

    pub(crate) fn set_quota_alerts(&mut self, alerts: QuotaAlerts) {
        self.quota_alerts = Packed::new(alerts);
    }

    /// Lets the quota alerts be those of another account and cycle: an id that comes back goes on with its revisions.
    pub(crate) fn turn_quota_alerts(&mut self, account: u16, start: Day) {
        let old = self.quota_alerts();
        if old.start == start {
            return self.set_quota_alerts(QuotaAlerts { account, ..old });
        }
        self.set_quota_alerts(QuotaAlerts {
            account,
            start,
            ..QuotaAlerts::default()
        });
        let told = old.quota_80.revision.max(old.exhausted.revision) > 0;
        if !told && self.watches.rare().is_none_or(|rare| rare.quota.is_empty()) {
            return;
        }
        let past = &mut self.watches.rare_mut().quota;
        // A cycle that began so long ago does not come back, but that before the first term may.
        past.retain(|alerts| {
            alerts.start == Day::FIRST || alerts.start.plus(PAST_CYCLES_DAYS) > start
        });
        if let Some(place) = past.iter().position(|alerts| alerts.start == start) {
            let back = past.swap_remove(place);
            if told {
                past.push(old);
            }
            self.set_quota_alerts(QuotaAlerts { account, ..back });
        } else if told {
            past.push(old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimId;

    #[test]
    fn alerts_of_a_cycle_that_comes_back_go_on_unless_it_began_400_days_before() {
        for (latest, revision) in [(1_399, 1), (1_400, 0)] {
            let mut sim = Sim::new(SimId([7; 16]), Day(1_000));
            for start in [1_000, 1_300] {
                sim.turn_quota_alerts(3, Day(start));
                let mut alerts = sim.quota_alerts();
                alerts.exhausted.turn();
                sim.set_quota_alerts(alerts);
            }
            sim.turn_quota_alerts(3, Day(latest));
            assert_eq!(sim.quota_alerts().exhausted.revision, 0);
            sim.turn_quota_alerts(4, Day(1_000));
            let back = sim.quota_alerts();
            assert_eq!((back.account, back.exhausted.revision), (4, revision));
            sim.turn_quota_alerts(5, Day(1_000));
            assert_eq!(sim.quota_alerts().account, 5);
        }
    }
}
