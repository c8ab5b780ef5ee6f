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

impl QuotaAlerts {
    /// Those of a cycle under which nothing was told.
    pub(crate) fn quiet(account: u16, start: Day) -> QuotaAlerts {
        QuotaAlerts {
            account,
            start,
            quota_80: AlertState::default(),
            exhausted: AlertState::default(),
            quota_80_skipped: false,
        }
    }

    /// Whether something was told. What was not says nothing, and is not kept.
    fn were_told(self) -> bool {
        self.quota_80.revision.max(self.exhausted.revision) > 0
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

impl Sim {
    /// Those of the present cycle, where something was told.
    pub(crate) fn quota_alerts(&self) -> Option<QuotaAlerts> {
        self.more.as_ref().and_then(|more| more.quota_alerts)
    }

    pub(crate) fn set_quota_alerts(&mut self, alerts: QuotaAlerts) {
        if alerts.were_told() {
            self.more.get_or_insert_default().quota_alerts = Some(alerts);
        }
    }

    /// Lets the quota alerts be those of another account and cycle: an id that comes back goes on with its revisions.
    pub(crate) fn turn_quota_alerts(&mut self, account: u16, start: Day) {
        let old = self.more.as_mut().and_then(|more| more.quota_alerts.take());
        if let Some(same) = old.filter(|old| old.start == start) {
            return self.set_quota_alerts(QuotaAlerts { account, ..same });
        }
        if old.is_none() && self.rare().is_none_or(|rare| rare.quota.is_empty()) {
            return;
        }
        let past = &mut self.rare_mut().quota;
        let place = past.iter().position(|alerts| alerts.start == start);
        let back = place.map(|place| past.swap_remove(place));
        if let Some(old) = old {
            // A cycle that began so long ago does not come back, but that before the first term may.
            past.retain(|alerts| {
                alerts.start == Day::FIRST || alerts.start.plus(PAST_CYCLES_DAYS) > start
            });
            past.push(old);
        }
        if let Some(back) = back {
            self.set_quota_alerts(QuotaAlerts { account, ..back });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimId;

    /// Turns to the alerts of a cycle; its account and the revision of SimExhausted.
    fn turned(sim: &mut Sim, account: u16, start: Day) -> Option<(u16, u32)> {
        sim.turn_quota_alerts(account, start);
        let alerts = sim.quota_alerts()?;
        Some((alerts.account, alerts.exhausted.revision))
    }

    #[test]
    fn alerts_of_a_cycle_that_comes_back_go_on_unless_it_began_400_days_before() {
        for (latest, back) in [(1_399, true), (1_400, false)] {
            let mut sim = Sim::new(SimId([7; 16]), Day(1_000));
            for start in [1_000, 1_300] {
                assert_eq!(turned(&mut sim, 3, Day(start)), None);
                let mut alerts = QuotaAlerts::quiet(3, Day(start));
                alerts.exhausted.turn();
                sim.set_quota_alerts(alerts);
            }
            // However often it is asked.
            for _ in 0..2 {
                assert_eq!(turned(&mut sim, 3, Day(latest)), None);
            }
            assert_eq!(turned(&mut sim, 4, Day(1_000)), back.then_some((4, 1)));
            assert_eq!(turned(&mut sim, 5, Day(1_000)), back.then_some((5, 1)));
        }
    }

    #[test]
    fn alerts_of_the_time_before_the_first_term_come_back() {
        let mut sim = Sim::new(SimId([7; 16]), Day(1_000));
        let mut alerts = QuotaAlerts::quiet(0, Day::FIRST);
        alerts.exhausted.turn();
        sim.set_quota_alerts(alerts);
        assert_eq!(turned(&mut sim, 0, Day(9_000)), None);
        assert_eq!(turned(&mut sim, 0, Day::FIRST), Some((0, 1)));
    }

    #[test]
    fn the_cycle_before_comes_back_however_old_it_is() {
        let mut sim = Sim::new(SimId([7; 16]), Day(1_000));
        let mut alerts = QuotaAlerts::quiet(0, Day(1_000));
        alerts.exhausted.turn();
        sim.set_quota_alerts(alerts);
        for _ in 0..2 {
            assert_eq!(turned(&mut sim, 0, Day(2_000)), None);
        }
        assert_eq!(turned(&mut sim, 0, Day(1_000)), Some((0, 1)));
    }
}
