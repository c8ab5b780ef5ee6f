//! What falls due at midnights, step by step (section 3 of `docs/semantics.md`).

use chrono::{Datelike, Weekday};

use super::account::DECIDED;
use super::decide::Why;
use super::quotas::Quotas;
use super::{AlertKind, Change, Reason};
use crate::policy::Grant;
use crate::population::Imsi;
use crate::zone::{Date, HOUR_MS, Zone, month_of, plus_days};

/// A grant is about to expire so many days before its end,
const EXPIRES_WITHIN_DAYS: i64 = 7;
/// where more than so many percent of it are left.
const MUCH_LEFT_PERCENT: u64 = 30;

impl Quotas {
    /// Passes every midnight up to an instant.
    pub(super) fn pass_midnights(&mut self, zone: &Zone, now_ms: i64) {
        let date = zone.date(now_ms);
        let mut today = *self.today.get_or_insert(date);
        while today < date {
            let next = plus_days(today, 1);
            let at_ms = zone.midnight(next);
            self.day_ends(zone, today, next, at_ms);
            self.today = Some(next);
            if month_of(next) == next {
                self.begin_cycle(next, at_ms);
            }
            self.begin_and_end_grants(next, at_ms);
            self.begin_enforcement(next, at_ms);
            today = next;
        }
    }

    fn day_ends(&mut self, zone: &Zone, day: Date, next: Date, at_ms: i64) {
        let programme = self.programme.as_ref();
        let school_day =
            day.weekday() != Weekday::Sun && programme.is_some_and(|p| !p.is_break(day));
        let counts = school_day && !self.is_deaf(zone, day);
        for imsi in self.members(|_| true) {
            if let Some(sim) = self.sims.get_mut(&imsi) {
                let on = sim.on(day);
                let idle = sim.idle.day_ended(day, counts, on, next);
                let sharing = sim.sharing.day_ended(day);
                let steps = [
                    (AlertKind::TabletIdle, idle),
                    (AlertKind::PossibleSharing, sharing),
                ];
                for (kind, step) in steps {
                    if let Some((of, change)) = step {
                        self.alert(imsi, kind, of.to_string(), change, at_ms);
                    }
                }
            }
        }
        self.find_expiring(next, at_ms);
    }

    /// Whether two hours of the school's day, one behind the other, brought nothing.
    fn is_deaf(&self, zone: &Zone, day: Date) -> bool {
        let hour = |clock: i64| zone.instant(day, clock * 3_600).div_euclid(HOUR_MS);
        let silent: Vec<bool> = (hour(8)..hour(18))
            .map(|hour| !self.heard.contains(&hour))
            .collect();
        silent.windows(2).any(|pair| pair[0] && pair[1])
    }

    fn begin_cycle(&mut self, cycle: Date, at_ms: i64) {
        let before = month_of(plus_days(cycle, -1));
        for imsi in self.members(|_| true) {
            self.end_quota_alerts(imsi, before, at_ms);
            self.open_accounts(imsi, cycle);
            self.roll_over(imsi, before, cycle);
            self.settle(imsi, Why::of(Reason::Reset, at_ms), false);
        }
    }

    fn roll_over(&mut self, imsi: Imsi, before: Date, cycle: Date) {
        let Some((sim, cohort)) = super::quotas::of(&mut self.sims, self.programme.as_ref(), imsi)
        else {
            return;
        };
        let earlier = sim.accounts.get(&before).copied().unwrap_or_default();
        let Some(accounts) = sim.accounts.get_mut(&cycle) else {
            return;
        };
        for ((class, account), earlier) in DECIDED.into_iter().zip(accounts).zip(earlier) {
            if let (Some(account), Some(allowance)) = (account, cohort.allowance(class)) {
                let left = earlier.map_or(0, |earlier| earlier.left());
                account.rolled = left.min(allowance.rollover_max_bytes);
                account.limit = allowance.bytes + account.rolled;
            }
        }
    }

    fn begin_and_end_grants(&mut self, today: Date, at_ms: i64) {
        let grants = self.programme.as_ref().map(|p| p.grants.clone());
        for (place, grant) in grants.into_iter().flatten().enumerate() {
            if grant.valid_from == today {
                self.valid_grants.push(place);
                self.settle_all(|sim| sim.cohort == grant.cohort, Reason::Granted, at_ms);
            }
            if grant.valid_until == today {
                self.valid_grants.retain(|valid| *valid != place);
                for imsi in self.members(|sim| sim.expiring == Some(place)) {
                    self.grant_is_not_expiring(imsi, place, at_ms);
                }
                self.settle_all(|sim| sim.cohort == grant.cohort, Reason::Exhausted, at_ms);
            }
        }
    }

    fn begin_enforcement(&mut self, today: Date, at_ms: i64) {
        let cohorts = self.programme.iter().flat_map(|p| &p.cohorts);
        let begins: Vec<&'static str> = cohorts
            .filter(|c| c.enforce_from == Some(today))
            .map(|c| c.id)
            .collect();
        for cohort in begins {
            self.begun.push(cohort);
            self.settle_all(
                |sim| sim.cohort == cohort,
                Reason::EnforcementStarted,
                at_ms,
            );
        }
    }

    fn find_expiring(&mut self, next: Date, at_ms: i64) {
        let grants = self.programme.as_ref().map(|p| p.grants.clone());
        for (place, grant) in grants.into_iter().flatten().enumerate() {
            if plus_days(grant.valid_until, -EXPIRES_WITHIN_DAYS) != next {
                continue;
            }
            let today = self.today();
            let much_left = |used: u64| much_is_left(&grant, used);
            for imsi in self.members(|sim| {
                sim.cohort == grant.cohort
                    && !sim.has_left(today)
                    && much_left(sim.grants_used[place])
            }) {
                if let Some(sim) = self.sims.get_mut(&imsi) {
                    sim.expiring = Some(place);
                }
                self.alert(
                    imsi,
                    AlertKind::GrantExpiring,
                    grant.id.clone(),
                    Change::Fire,
                    at_ms,
                );
            }
        }
    }

    /// Resolves a GrantExpiring of which not much is left any more.
    pub(super) fn check_expiring(&mut self, imsi: Imsi, at_ms: i64) {
        let (Some(programme), Some(sim)) = (&self.programme, self.sims.get(&imsi)) else {
            return;
        };
        if let Some(place) = sim.expiring
            && !much_is_left(&programme.grants[place], sim.grants_used[place])
        {
            self.grant_is_not_expiring(imsi, place, at_ms);
        }
    }

    /// Resolves a GrantExpiring.
    pub(super) fn grant_is_not_expiring(&mut self, imsi: Imsi, place: usize, at_ms: i64) {
        let (Some(programme), Some(sim)) = (&self.programme, self.sims.get_mut(&imsi)) else {
            return;
        };
        sim.expiring = None;
        let id = programme.grants[place].id.clone();
        self.alert(imsi, AlertKind::GrantExpiring, id, Change::Resolve, at_ms);
    }
}

fn much_is_left(grant: &Grant, used: u64) -> bool {
    let left = grant.bytes_per_sim - used;
    u128::from(left) * 100 > u128::from(grant.bytes_per_sim) * u128::from(MUCH_LEFT_PERCENT)
}
