//! Quota alerts of the current cycle: SimQuota80 and SimExhausted. Rules: `docs/semantics.md`, W1 to W3.

use super::check::INSTANTS_MS;
use super::rows::RowAt;
use super::{Effects, Now, Shard};
use crate::alert::{AlertKind, Change, Quota, Subject, Tablet};
use crate::cycle::Cycle;
use crate::decision::Cause;
use crate::ledger::Balance;
use crate::programme::CohortRules;
use crate::roster::{AlertState, QuotaAlerts, Sim};
use crate::zone::Day;

impl Shard {
    /// Fires what is reached and resolves what no longer is. Where both kinds are reached at once, SimExhausted alone
    /// fires, and SimQuota80 of the cycle never does.
    pub(super) fn update_quota_alerts(
        &mut self,
        number: u32,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let rules = self.programme.cohort(sim.cohort);
        let alerting = rules.and_then(CohortRules::alerting);
        let of_now = alerting.map(|allowance| {
            let cycle = self.current_cycle(sim, allowance);
            (allowance.account, cycle.start)
        });
        let told = sim.quota_alerts().map(|told| (told.account, told.start));
        if of_now != told {
            self.resolve_quota_alerts(number, now, effects);
            if let Some((account, start)) = of_now {
                self.roster
                    .get_mut(number)
                    .turn_quota_alerts(account, start);
            }
        }
        let sim = self.roster.get(number);
        let (Some((account, start)), Some(rules)) = (of_now, self.programme.cohort(sim.cohort))
        else {
            return;
        };
        let balance = sim.balance(account, self.today());
        let speaks = |b: &&Balance| rules.enforced && !sim.has_left && b.quota_bytes() > 0;
        let balance = balance.filter(speaks);
        let reached_80 =
            rules.thresholds.contains(&80) && balance.is_some_and(|b| b.has_reached(80));
        let exhausted = balance.is_some_and(Balance::is_exhausted);
        let before = sim.quota_alerts();
        let before = before.unwrap_or(QuotaAlerts::quiet(account, start));
        let mut after = before;
        if exhausted && !after.exhausted.firing {
            after.exhausted.turn();
            after.quota_80_skipped |= !after.quota_80.firing;
        } else if !exhausted && after.exhausted.firing {
            after.exhausted.turn();
        }
        let quota_80 = if after.quota_80.firing {
            reached_80
        } else {
            reached_80 && !after.quota_80_skipped
        };
        if after.quota_80.firing != quota_80 {
            after.quota_80.turn();
        }
        self.change_quota_alerts(number, before, after, cause, now, effects);
    }

    /// Resolves what fires: the cycle is over, or the SIM has left. What follows has alerts of its own.
    pub(super) fn resolve_quota_alerts(&mut self, number: u32, now: Now, effects: &mut Effects) {
        let Some(before) = self.roster.get(number).quota_alerts() else {
            return;
        };
        let mut after = before;
        for alert in [&mut after.quota_80, &mut after.exhausted] {
            if alert.firing {
                alert.turn();
            }
        }
        self.change_quota_alerts(number, before, after, None, now, effects);
    }

    fn change_quota_alerts(
        &mut self,
        number: u32,
        before: QuotaAlerts,
        after: QuotaAlerts,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        for (kind, before, state) in [
            (AlertKind::SimQuota80, before.quota_80, after.quota_80),
            (AlertKind::SimExhausted, before.exhausted, after.exhausted),
        ] {
            if before != state {
                self.tell_quota(number, kind, after, state, cause, now, effects);
            }
        }
        self.roster.get_mut(number).set_quota_alerts(after);
    }

    #[allow(clippy::too_many_arguments, reason = "what an alert is made of")]
    fn tell_quota(
        &self,
        number: u32,
        kind: AlertKind,
        alerts: QuotaAlerts,
        state: AlertState,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let quota = self.quota(sim, alerts, now);
        let subject = match kind {
            AlertKind::SimQuota80 => Subject::SimQuota80(quota),
            _ => Subject::SimExhausted(quota),
        };
        let change = match state.firing {
            true => Change::Fire,
            false => Change::Resolve,
        };
        let id = format!("{}/{}", sim.id, alerts.start.date());
        let cause = cause.map(|cause| self.cause(cause));
        self.tell(&id, state.revision, change, subject, cause, now, effects);
    }

    /// The standing of the balance that the alerts are of.
    fn quota(&self, sim: &Sim, alerts: QuotaAlerts, now: Now) -> Quota {
        let account = self.accounts.value(alerts.account.into());
        let balance = sim.balance_of(alerts);
        let rules = self.programme.cohort(sim.cohort);
        let allowance = rules.and_then(|rules| rules.account(alerts.account));
        let state = allowance.map_or("allow", |a| a.action_when_exhausted().as_str());
        let cycle = match balance {
            Some(balance) => balance.cycle(),
            None => Cycle::of(account.period, alerts.start, sim.activation, &self.calendar),
        };
        // No end is known of the last term, nor of one that the calendar does not know any more.
        let ends = cycle.end < Day::LAST && cycle.start < cycle.end;
        Quota {
            tablet: self.tablet(sim),
            allowance: account.id.clone(),
            cycle: alerts.start.date(),
            limit_bytes: balance.map_or(0, |b| b.limit_bytes),
            granted_bytes: balance.map_or(0, Balance::granted_bytes),
            used_bytes: balance.map_or(0, |b| b.used_bytes),
            resets_at_ms: ends.then(|| self.zone.midnight(cycle.end)),
            resets_on: ends.then(|| cycle.end.date()),
            runs_out_on: balance.and_then(|balance| self.runs_out_on(balance, now)),
            state: state.to_owned(),
        }
    }

    /// The local date on which the quota runs out at the pace of the cycle so far: used bytes over the time since the
    /// cycle began, in whole numbers. None where it lies at or behind the reset, or nothing is left or used.
    fn runs_out_on(&self, balance: &Balance, now: Now) -> Option<jiff::civil::Date> {
        let begun_ms = self.zone.midnight(balance.start);
        let elapsed_ms = u128::try_from(now.at_ms - begun_ms).ok()?;
        let left = balance.quota_bytes() - balance.drawn_bytes().min(balance.quota_bytes());
        if left == 0 {
            return None;
        }
        let wait_ms =
            (u128::from(left) * elapsed_ms).checked_div(u128::from(balance.used_bytes))?;
        let runs_out_ms = now.at_ms.checked_add(i64::try_from(wait_ms).ok()?)?;
        let until_ms = self.zone.midnight(balance.end).min(INSTANTS_MS.end);
        (runs_out_ms < until_ms).then(|| self.zone.day_of(runs_out_ms).0.date())
    }

    pub(super) fn tablet(&self, sim: &Sim) -> Tablet {
        Tablet {
            sim: sim.id,
            cohort: self.cohorts.value(sim.cohort).clone(),
            school: self.places.value(sim.place).school.clone(),
        }
    }

    /// Adds an alert change to the effects; its id is the kind and what follows it.
    #[allow(clippy::too_many_arguments, reason = "what an alert is made of")]
    pub(super) fn tell(
        &self,
        id: &str,
        revision: u32,
        change: Change,
        subject: Subject,
        cause: Option<Cause>,
        now: Now,
        effects: &mut Effects,
    ) {
        let (on, _) = self.zone.day_of(now.at_ms);
        effects.alerts.push(crate::alert::AlertChange {
            generation: self.config.generation,
            partition: self.config.partition,
            id: format!("{}/{id}", subject.kind().as_str()),
            revision,
            change,
            at_ms: now.at_ms,
            on: on.date(),
            offset: now.offset,
            policy_version: self.programme.version().to_owned(),
            catalogue_version: self.catalogue.version().to_owned(),
            rule: subject.kind().rule().to_owned(),
            cause,
            subject,
        });
    }
}
