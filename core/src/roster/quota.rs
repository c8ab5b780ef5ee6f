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

impl QuotaAlerts {
    /// Whether something was told under their cycle. What was not says nothing, and is not kept.
    fn were_told(self) -> bool {
        self.quota_80.revision.max(self.exhausted.revision) > 0
    }
}

impl Sim {
    /// Those of which something was told; else without account and cycle.
    pub(crate) fn quota_alerts(&self) -> QuotaAlerts {
        let more = self.more.as_ref();
        more.map_or(QuotaAlerts::default(), |more| more.quota_alerts)
    }

    pub(crate) fn set_quota_alerts(&mut self, alerts: QuotaAlerts) {
        if alerts.were_told() {
            self.more.get_or_insert_default().quota_alerts = alerts;
        } else if let Some(more) = &mut self.more {
            more.quota_alerts = QuotaAlerts::default();
        }
    }

    /// Lets the quota alerts be those of another account and cycle: an id that comes back goes on with its revisions.
    pub(crate) fn turn_quota_alerts(&mut self, account: u16, start: Day) {
        let old = self.quota_alerts();
        let told = old.were_told();
        if told && old.start == start {
            return self.set_quota_alerts(QuotaAlerts { account, ..old });
        }
        self.set_quota_alerts(QuotaAlerts::default());
        if !told && self.rare().is_none_or(|rare| rare.quota.is_empty()) {
            return;
        }
        let past = &mut self.rare_mut().quota;
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
