//! Decisions and quota alerts: what differs from what was said last (sections 9 and 10 of `docs/semantics.md`).

use super::account::{Account, DECIDED, Enrolled, QuotaAlerts};
use super::quotas::Quotas;
use super::rows::Identity;
use super::{AlertKind, Decision, Reason, Standing};
use crate::policy::{Action, Class, Cohort, OnExhausted};
use crate::population::Imsi;
use crate::zone::{Date, month_of};

/// What a change of state is due to.
#[derive(Clone, Copy)]
pub(super) struct Why {
    pub(super) reason: Reason,
    pub(super) cause: Option<Identity>,
    pub(super) at_ms: i64,
}

impl Why {
    /// A midnight or a command.
    pub(super) fn of(reason: Reason, at_ms: i64) -> Self {
        Why {
            reason,
            cause: None,
            at_ms,
        }
    }
}

impl Quotas {
    /// Settles all SIMs for which something holds.
    pub(super) fn settle_all(
        &mut self,
        wanted: impl Fn(&Enrolled) -> bool,
        reason: Reason,
        at_ms: i64,
    ) {
        for imsi in self.members(wanted) {
            self.settle(imsi, Why::of(reason, at_ms), false);
        }
    }

    /// Says what differs between the wanted and the last state, and the quota alerts that follow.
    pub(super) fn settle(&mut self, imsi: Imsi, why: Why, even_if_same: bool) {
        let cycle = month_of(self.today());
        let Some(standings) = self.standings(imsi, cycle) else {
            return;
        };
        let Some(sim) = self.sims.get(&imsi) else {
            return;
        };
        let Some(cohort) = self.programme.as_ref().and_then(|p| p.cohort(&sim.cohort)) else {
            return;
        };
        let enforced = self.begun.contains(&cohort.id);
        let left = sim.has_left(self.today());
        let spread_ms = u64::from(cohort.restore_over_minutes) * 60_000;
        let mut emitted = Vec::new();
        for ((class, last), (standing, exhausted)) in
            DECIDED.into_iter().zip(sim.last).zip(standings)
        {
            let action = wanted(cohort, (enforced, left), class, exhausted);
            if !even_if_same && last.is_none_or(|(said, _)| said == action) {
                continue;
            }
            let looser = last.is_some_and(|(said, _)| action < said);
            emitted.push(Decision {
                imsi,
                class,
                sequence: last.map_or(0, |(_, sequence)| sequence) + 1,
                action,
                reason: why.reason,
                cycle,
                standing,
                cause: why.cause.map(|row| row.named()),
                at_ms: why.at_ms,
                spread_ms: if looser && why.reason == Reason::Reset {
                    spread_ms
                } else {
                    0
                },
            });
        }
        let warns_at_80 = cohort.thresholds.contains(&80);
        if let Some(sim) = self.sims.get_mut(&imsi) {
            for decision in &emitted {
                said(sim, decision);
            }
        }
        self.decisions.append(&mut emitted);
        if enforced && !left {
            self.settle_alerts(imsi, cycle, standings[0].0, warns_at_80, why.at_ms);
        }
    }

    /// Of each class in the cycle: its allowance's figures, and whether it is exhausted. Where the SIM has no balance in
    /// that cycle, it has used nothing and has no grants.
    fn standings(&self, imsi: Imsi, cycle: Date) -> Option<[(Standing, bool); 3]> {
        let sim = self.sims.get(&imsi)?;
        let cohort = self.programme.as_ref()?.cohort(&sim.cohort)?;
        let grants = self.left_of_grants(sim);
        let accounts = sim.accounts.get(&cycle);
        let mut standings = [(Standing::default(), false); 3];
        for ((class, place), standing) in DECIDED.into_iter().zip(0..).zip(&mut standings) {
            let Some(allowance) = cohort.allowance(class) else {
                continue;
            };
            let account = accounts.and_then(|all| all[place]).unwrap_or(Account {
                limit: allowance.bytes,
                ..Account::default()
            });
            let grants = match class {
                Class::Education if accounts.is_some() => grants,
                _ => 0,
            };
            let figures = account.standing(grants);
            let quota = figures.limit_bytes + figures.granted_bytes;
            *standing = (figures, account.drawn() >= quota);
        }
        Some(standings)
    }

    fn settle_alerts(
        &mut self,
        imsi: Imsi,
        cycle: Date,
        standing: Standing,
        warns_at_80: bool,
        at_ms: i64,
    ) {
        let Some(sim) = self.sims.get_mut(&imsi) else {
            return;
        };
        let quota = standing.limit_bytes + standing.granted_bytes;
        let accounts = sim.accounts.get(&cycle);
        let drawn = accounts
            .and_then(|all| all[0].as_ref())
            .map_or(0, |a| a.drawn());
        let reached =
            |percent: u128| quota > 0 && u128::from(drawn) * 100 >= u128::from(quota) * percent;
        let changes = sim
            .quota_alerts
            .turn(warns_at_80 && reached(80), reached(100));
        let kinds = [AlertKind::SimExhausted, AlertKind::SimQuota80];
        for (kind, change) in kinds.into_iter().zip([changes.0, changes.1]) {
            if let Some(change) = change {
                self.alert(imsi, kind, cycle.to_string(), change, at_ms);
            }
        }
    }

    /// The quota alerts of a cycle that ends resolve.
    pub(super) fn end_quota_alerts(&mut self, imsi: Imsi, cycle: Date, at_ms: i64) {
        let Some(sim) = self.sims.get_mut(&imsi) else {
            return;
        };
        let changes = sim.quota_alerts.turn(false, false);
        sim.quota_alerts = QuotaAlerts::default();
        let kinds = [AlertKind::SimExhausted, AlertKind::SimQuota80];
        for (kind, change) in kinds.into_iter().zip([changes.0, changes.1]) {
            if let Some(change) = change {
                self.alert(imsi, kind, cycle.to_string(), change, at_ms);
            }
        }
    }

    /// Everything that fires about a SIM resolves.
    pub(super) fn end_alerts(&mut self, imsi: Imsi, at_ms: i64) {
        self.end_quota_alerts(imsi, month_of(self.today()), at_ms);
        let Some(sim) = self.sims.get_mut(&imsi) else {
            return;
        };
        let steps = [
            (AlertKind::TabletIdle, sim.idle.left()),
            (AlertKind::SimMoved, sim.moved.end()),
            (AlertKind::PossibleSharing, sim.sharing.end()),
        ];
        let expiring = sim.expiring.take();
        for (kind, step) in steps {
            if let Some((of, change)) = step {
                self.alert(imsi, kind, of.to_string(), change, at_ms);
            }
        }
        if let Some(place) = expiring {
            self.grant_is_not_expiring(imsi, place, at_ms);
        }
    }
}

/// Remembers a decision, and the block that it begins or lifts.
fn said(sim: &mut Enrolled, decision: &Decision) {
    let place = super::account::place(decision.class);
    sim.last[place] = Some((decision.action, decision.sequence));
    let block = &mut sim.blocks[place];
    if decision.action == Action::Block {
        *block = Some((decision.at_ms, None));
    } else if let Some((_, until @ None)) = block {
        *until = Some(decision.at_ms);
    }
}

fn wanted(
    cohort: &Cohort,
    (enforced, left): (bool, bool),
    class: Class,
    exhausted: bool,
) -> Action {
    if !enforced || class == Class::System {
        return Action::Allow;
    }
    if left {
        return Action::Block;
    }
    match cohort.allowance(class).map(|a| a.on_exhausted) {
        Some(OnExhausted::Throttle { kbit_s }) if exhausted => Action::Throttle { kbit_s },
        Some(OnExhausted::Block) if exhausted => Action::Block,
        _ => Action::Allow,
    }
}
