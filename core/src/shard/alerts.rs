//! Quota alerts of the current cycle: SimQuota80 and SimExhausted, of `education` in enforced cohorts.

use super::{Effects, Now, Shard};
use crate::alert::{AlertChange, AlertKind, Change, Quota, Subject, Tablet};
use crate::calendar::Month;
use crate::ledger::is_reached;
use crate::registry::Class;
use crate::roster::{AlertState, QuotaAlerts, Sim};

/// The allowance that alerts speak of.
const CLASS: Class = Class::Education;

/// What a balance says about alerts.
#[derive(Clone, Copy, Default)]
struct Standing {
    limit_bytes: u64,
    used_bytes: u64,
    reached_80: bool,
    exhausted: bool,
}

impl Shard {
    /// Fires what is reached and resolves what no longer is. Where both kinds are reached at once, SimExhausted alone
    /// fires, and SimQuota80 of the cycle never does.
    pub(super) fn update_alerts(&mut self, number: u32, now: Now, effects: &mut Effects) {
        let standing = self.standing(self.roster.get(number));
        let before = self.roster.get(number).alerts;
        let mut after = before;
        if standing.exhausted && !after.exhausted.firing {
            after.exhausted.turn();
            after.quota_80_skipped |= !after.quota_80.firing;
        } else if !standing.exhausted && after.exhausted.firing {
            after.exhausted.turn();
        }
        let quota_80 = if after.quota_80.firing {
            standing.reached_80
        } else {
            standing.reached_80 && !standing.exhausted && !after.quota_80_skipped
        };
        if after.quota_80.firing != quota_80 {
            after.quota_80.turn();
        }
        self.change_alerts(number, after, standing, now, effects);
    }

    /// Resolves what fires: the cycle is over, and the next one has alerts of its own.
    pub(super) fn resolve_alerts(&mut self, number: u32, now: Now, effects: &mut Effects) {
        let mut after = self.roster.get(number).alerts;
        for alert in [&mut after.quota_80, &mut after.exhausted] {
            if alert.firing {
                alert.turn();
            }
        }
        let standing = self.standing(self.roster.get(number));
        self.change_alerts(number, after, standing, now, effects);
        self.roster.get_mut(number).alerts = QuotaAlerts::default();
    }

    /// How the current cycle stands; nothing is reached where no alert can be.
    fn standing(&self, sim: &Sim) -> Standing {
        let Some(rules) = self.programme.cohort(sim.cohort) else {
            return Standing::default();
        };
        let Some(allowance) = rules.allowance(CLASS) else {
            return Standing::default();
        };
        let balance = sim.balance(self.cycles.current);
        let used_bytes = balance.map_or(0, |balance| balance.used(CLASS));
        let limit_bytes = allowance.limit_bytes;
        let alerting = rules.enforced && limit_bytes > 0;
        Standing {
            limit_bytes,
            used_bytes,
            reached_80: alerting
                && rules.thresholds.contains(&80)
                && is_reached(used_bytes, limit_bytes, 80),
            exhausted: alerting && used_bytes >= limit_bytes,
        }
    }

    fn change_alerts(
        &mut self,
        number: u32,
        after: QuotaAlerts,
        standing: Standing,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let before = sim.alerts;
        for (kind, before, after) in [
            (AlertKind::SimQuota80, before.quota_80, after.quota_80),
            (AlertKind::SimExhausted, before.exhausted, after.exhausted),
        ] {
            if before != after {
                let change = self.alert_change(sim, kind, after, standing, now);
                effects.alerts.push(change);
            }
        }
        self.roster.get_mut(number).alerts = after;
    }

    fn alert_change(
        &self,
        sim: &Sim,
        kind: AlertKind,
        alert: AlertState,
        standing: Standing,
        now: Now,
    ) -> AlertChange {
        let month = self.cycles.current;
        let rules = self.programme.cohort(sim.cohort);
        let allowance = rules.and_then(|rules| rules.allowance(CLASS));
        let state = allowance.map_or("allow", |a| a.action_when_exhausted().as_str());
        let (on, _) = self.calendar.day_of(now.at_ms);
        AlertChange {
            generation: self.config.generation,
            partition: self.config.partition,
            id: format!("{}/{}/{}", kind.as_str(), sim.id, month.first_date()),
            revision: alert.revision,
            offset: now.offset,
            policy_version: self.programme.version().to_owned(),
            cause: None,
            change: match alert.firing {
                true => Change::Fire,
                false => Change::Resolve,
            },
            at_ms: now.at_ms,
            on: on.date(),
            subject: {
                let quota = Quota {
                    tablet: Tablet {
                        sim: sim.id,
                        cohort: self.cohorts.value(sim.cohort).clone(),
                        school: self.places.value(sim.place).school.clone(),
                    },
                    allowance: "education".to_owned(),
                    cycle: month.first_date(),
                    limit_bytes: standing.limit_bytes,
                    granted_bytes: 0,
                    used_bytes: standing.used_bytes,
                    resets_at_ms: self.calendar.month_begins(month.next()),
                    resets_on: month.next().first_date(),
                    runs_out_on: self.runs_out_on(month, standing, now),
                    state: state.to_owned(),
                };
                if kind == AlertKind::SimQuota80 {
                    Subject::SimQuota80(quota)
                } else {
                    Subject::SimExhausted(quota)
                }
            },
        }
    }

    /// The local date on which the allowance runs out at the pace of the cycle so far: used bytes over the time
    /// since the cycle began, in whole numbers. None where it lies behind the reset, or has run out.
    fn runs_out_on(&self, month: Month, standing: Standing, now: Now) -> Option<jiff::civil::Date> {
        let begun_ms = self.calendar.month_begins(month);
        let elapsed_ms = u128::try_from(now.at_ms - begun_ms).ok()?;
        let left = standing.limit_bytes.checked_sub(standing.used_bytes)?;
        if left == 0 {
            return None;
        }
        let wait_ms =
            (u128::from(left) * elapsed_ms).checked_div(u128::from(standing.used_bytes))?;
        let runs_out_ms = now.at_ms.checked_add(i64::try_from(wait_ms).ok()?)?;
        let resets_ms = self.calendar.month_begins(month.next());
        let (day, _) = self.calendar.day_of(runs_out_ms.min(resets_ms));
        (runs_out_ms < resets_ms).then(|| day.date())
    }
}

impl AlertState {
    /// From quiet to firing, or back: a revision each time.
    fn turn(&mut self) {
        self.firing = !self.firing;
        self.revision += 1;
    }
}
