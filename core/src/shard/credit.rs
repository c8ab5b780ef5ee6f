//! Bytes into balances: the limit first, then grants, then over. Rules: `docs/semantics.md`, Q4 to Q9.

use std::collections::BTreeSet;

use super::{Now, Shard};
use crate::cycle::Cycle;
use crate::ledger::Balance;
use crate::registry::{Class, Scope};
use crate::roster::CUT;
use crate::zone::Day;

/// The classes that an exhausted or refilled account may cut or restore, by the place in [`CUT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed(pub(super) [bool; CUT.len()]);

impl Changed {
    /// The classes of a scope may change.
    fn by(&mut self, scope: Scope) {
        for (changed, class) in self.0.iter_mut().zip(CUT) {
            *changed |= scope.covers(class);
        }
    }

    pub(super) fn any(self) -> bool {
        self.0.contains(&true)
    }
}

impl Shard {
    /// Adds bytes of a usage day to every account that they belong to, and says which classes of the current cycles came
    /// to a mark.
    pub(super) fn credit(
        &mut self,
        number: u32,
        day: Day,
        class: Class,
        bytes: u64,
        now: Now,
    ) -> Changed {
        let payer = self.programme.payer(class);
        let mut changed = self.open_coming_balances(number, day, payer, now);
        for place in 0..self.roster.get(number).balances.len() {
            let balance = &self.roster.get(number).balances[place];
            let account = balance.account;
            let scope = self.accounts.value(u32::from(account)).scope;
            if !balance.cycle().contains(day) || !scope.covers(payer) {
                continue;
            }
            let from_grants = self.pay_over(number, place, day, bytes);
            let sim = self.roster.get_mut(number);
            sim.balances[place].use_bytes(bytes, from_grants);
            let current = sim.place_of_balance(account, self.booking.day);
            if from_grants > 0 && current != Some(place) {
                // What is left of grants is the current cycle's alone.
                sim.balances[place].set_grants_left(0);
            }
            self.booking.touch(
                number,
                &mut sim.next_waiting,
                &mut sim.balances[place],
                now.offset,
            );
            if self.mark(number, place, now) && current == Some(place) {
                changed.by(scope);
            }
            if from_grants > 0 {
                self.use_up_grants(number, account, now, &mut changed);
            }
        }
        changed
    }

    /// What is left of the grants of an account is less, whichever cycle has used it: for the current cycles of all
    /// accounts with that id.
    fn use_up_grants(&mut self, number: u32, account: u16, now: Now, changed: &mut Changed) {
        let account = self.accounts.value(account.into()).id.clone();
        let accounts: BTreeSet<u16> = self
            .roster
            .get(number)
            .balances
            .iter()
            .map(|balance| balance.account)
            .filter(|other| self.accounts.value((*other).into()).id == account)
            .collect();
        for account in accounts {
            let sim = self.roster.get(number);
            let current = sim.place_of_balance(account, self.booking.day);
            if self.refresh_grants(number, account, now)
                && let Some(current) = current
            {
                self.mark_anew(number, current, now);
                changed.by(self.accounts.value(account.into()).scope);
            }
        }
    }

    /// Opens the balances of cycles that have not ended, where a row of theirs comes and there is none.
    fn open_coming_balances(&mut self, number: u32, day: Day, payer: Class, now: Now) -> Changed {
        let mut changed = Changed::default();
        let today = self.today();
        let sim = self.roster.get(number);
        let Some(rules) = self.programme.cohort(sim.cohort) else {
            return changed;
        };
        let mut missing = Vec::new();
        for allowance in rules.covering(payer) {
            if sim.place_of_balance(allowance.account, day).is_none() {
                let cycle = Cycle::of(allowance.every, day, sim.activation, &self.calendar);
                // What has ended is opened by an enrolment alone.
                if cycle.end > today {
                    missing.push((allowance.account, cycle));
                }
            }
        }
        for (account, cycle) in missing {
            let place = self.open_balance(number, account, cycle);
            if self.refresh_grants(number, account, now) {
                self.mark_anew(number, place, now);
                changed.by(self.accounts.value(account.into()).scope);
            }
        }
        changed
    }

    /// Opens a balance where there is none, following the SIM's rules; returns its place.
    pub(super) fn open_balance(&mut self, number: u32, account: u16, cycle: Cycle) -> usize {
        let sim = self.roster.get_mut(number);
        let known = sim.balances.iter().position(|b| b.is_of(account, cycle));
        if let Some(place) = known {
            return place;
        }
        let mut balance = Balance::new(account, cycle);
        let rules = self.programme.cohort(sim.cohort);
        if let Some(rules) = rules
            && let Some(allowance) = rules.account(account)
        {
            balance.follow(allowance.limit_bytes, !rules.enforced);
            balance.mark_reached(&rules.thresholds, self.clock_ms);
        }
        // Most SIMs never have more.
        sim.balances.reserve_exact(1);
        sim.balances.push(balance);
        sim.balances.len() - 1
    }

    /// Lets grants pay for what a balance's limit does not; returns how much they pay.
    fn pay_over(&mut self, number: u32, place: usize, day: Day, bytes: u64) -> u64 {
        let sim = self.roster.get(number);
        let balance = &sim.balances[place];
        let mut over = bytes.saturating_sub(balance.limit_left());
        if over == 0 || !self.grants.has(&sim.id, sim.cohort) {
            return 0;
        }
        let id = &self.accounts.value(u32::from(balance.account)).id;
        let mut paid = 0;
        for grant in self.grants.of(&sim.id, sim.cohort) {
            let rules = self.grants.get(grant);
            if over == 0 || !rules.is_valid_on(day) || rules.source.allowance != *id {
                continue;
            }
            let sim = self.roster.get_mut(number);
            let left = rules.source.bytes - sim.used_of(grant);
            let pays = over.min(left);
            if pays > 0 {
                sim.use_grant(grant, pays);
                over -= pays;
                paid += pays;
            }
        }
        paid
    }

    /// Finds anew what is left of the grants for the current cycle of an account; says whether that changed.
    pub(super) fn refresh_grants(&mut self, number: u32, account: u16, now: Now) -> bool {
        let today = self.today();
        let sim = self.roster.get(number);
        let Some(place) = sim.place_of_balance(account, today) else {
            return false;
        };
        let id = &self.accounts.value(u32::from(account)).id;
        let mut left = 0;
        for grant in self.grants.of(&sim.id, sim.cohort) {
            let rules = self.grants.get(grant);
            if rules.is_valid_on(today) && rules.source.allowance == *id {
                left += rules.source.bytes - sim.used_of(grant);
            }
        }
        let sim = self.roster.get_mut(number);
        let balance = &mut sim.balances[place];
        let changed = balance.set_grants_left(left);
        if changed {
            self.booking
                .touch(number, &mut sim.next_waiting, balance, now.offset);
        }
        changed
    }

    /// Notes the thresholds that a balance has come to; says whether it has come to a mark.
    fn mark(&mut self, number: u32, place: usize, now: Now) -> bool {
        let balance = &self.roster.get(number).balances[place];
        let at_mark = balance.named && balance.is_at_mark();
        if at_mark {
            self.mark_anew(number, place, now);
        }
        at_mark
    }

    /// Notes the thresholds that a balance has come to, and forgets those that it no longer reaches.
    pub(super) fn mark_anew(&mut self, number: u32, place: usize, now: Now) {
        let sim = self.roster.get_mut(number);
        let rules = self.programme.cohort(sim.cohort);
        let thresholds = rules.map_or(&[][..], |rules| &rules.thresholds);
        // What the rules do not name stands still.
        if sim.balances[place].named {
            sim.balances[place].mark_reached(thresholds, now.at_ms);
        }
    }

    /// Lets a SIM's balances of current and coming cycles follow its rules, opening those that are missing, and touches
    /// their rows. A cycle that has ended keeps its limit; what else the rules say of it is theirs.
    pub(super) fn follow_rules(&mut self, number: u32, now: Now) {
        let today = self.today();
        let sim = self.roster.get(number);
        let rules = self.programme.cohort(sim.cohort);
        let mut current = Vec::new();
        for allowance in rules.iter().flat_map(|rules| &rules.allowances) {
            let cycle = Cycle::of(allowance.every, today, sim.activation, &self.calendar);
            if sim.is_enrolled_in(cycle) {
                current.push((allowance.account, cycle));
            }
        }
        for (account, cycle) in &current {
            self.open_balance(number, *account, *cycle);
        }
        self.follow_rules_as_open(number, now);
    }

    /// The same for the balances that there are.
    pub(super) fn follow_rules_as_open(&mut self, number: u32, now: Now) {
        let today = self.today();
        let sim = self.roster.get(number);
        let accounts: BTreeSet<u16> = sim.balances.iter().map(|b| b.account).collect();
        for account in &accounts {
            self.refresh_grants(number, *account, now);
        }
        self.withdraw(number);
        let sim = self.roster.get_mut(number);
        let rules = self.programme.cohort(sim.cohort);
        for balance in &mut sim.balances {
            let has_ended = balance.end <= today;
            // In step 2 that of a cycle that ends with this midnight is not yet so.
            let changed = has_ended && balance.set_grants_left(0);
            let allowance = rules.and_then(|rules| rules.account(balance.account));
            let (Some(rules), Some(allowance)) = (rules, allowance) else {
                continue;
            };
            let before = has_ended.then(|| balance.told_by_rules());
            if has_ended {
                balance.set_named(true);
                balance.set_observed(!rules.enforced);
            } else {
                balance.follow(allowance.limit_bytes, !rules.enforced);
            }
            balance.mark_reached(&rules.thresholds, now.at_ms);
            if changed || before.is_none_or(|before| before != balance.told_by_rules()) {
                self.booking
                    .touch(number, &mut sim.next_waiting, balance, now.offset);
            }
        }
    }

    /// Gives a SIM's balances of current and coming cycles the limits of its rules. Which thresholds they come to is
    /// found when the command has done all that it does.
    pub(super) fn follow_limits(&mut self, number: u32) {
        let today = self.today();
        let sim = self.roster.get_mut(number);
        let Some(rules) = self.programme.cohort(sim.cohort) else {
            return;
        };
        for balance in sim.balances.iter_mut().filter(|b| b.end > today) {
            if let Some(allowance) = rules.account(balance.account) {
                balance.follow(allowance.limit_bytes, !rules.enforced);
                balance.mark_later();
            }
        }
    }

    /// Rows of accounts that the SIM's rules no longer name end as they stand, also of cycles that have ended.
    pub(super) fn withdraw(&mut self, number: u32) {
        let sim = self.roster.get(number);
        let rules = self.programme.cohort(sim.cohort);
        let named = |account| rules.is_some_and(|rules| rules.account(account).is_some());
        let lost = |b: &&Balance| b.named && !named(b.account);
        let lost: Vec<(u16, Day)> = sim.balances.iter().filter(lost).map(Balance::key).collect();
        for (account, start) in lost {
            self.leave(number, account, start);
            let mut balances = self.roster.get_mut(number).balances.iter_mut();
            if let Some(balance) = balances.find(|b| b.key() == (account, start)) {
                balance.set_named(false);
            }
        }
    }

    /// Opens, for an enrolment, the balances of all cycles that are not closed and on a day of which the SIM is enrolled.
    pub(super) fn open_enrolled_balances(&mut self, number: u32, now: Now) {
        let today = self.today();
        let sim = self.roster.get(number);
        let first = sim.assignments().next().map_or(today, |a| a.from);
        let first = first.max(self.closed.first_open_day());
        let rules = self.programme.cohort(sim.cohort);
        let mut open = Vec::new();
        for allowance in rules.iter().flat_map(|rules| &rules.allowances) {
            let mut day = first.min(today);
            while day <= today {
                let cycle = Cycle::of(allowance.every, day, sim.activation, &self.calendar);
                if sim.is_enrolled_in(cycle) && !self.closed.has(cycle.end) {
                    open.push((allowance.account, cycle));
                }
                day = cycle.end;
            }
        }
        for (account, cycle) in open {
            let known = self.roster.get(number).balances.len();
            let place = self.open_balance(number, account, cycle);
            if place == known {
                let sim = self.roster.get_mut(number);
                let balance = &mut sim.balances[place];
                self.booking
                    .touch(number, &mut sim.next_waiting, balance, now.offset);
            }
        }
    }
}
