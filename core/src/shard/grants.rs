//! Grants that are entered, begin, end or are voided. Rules: `docs/semantics.md`, Q7 to Q9, and D4, step 4.

use super::decide::Gate;
use super::{Effects, Now, Shard};
use crate::decision::Reason;
use crate::registry::{self, Void};
use crate::roster::CUT;

impl Shard {
    /// Applies a `grant` command.
    pub(super) fn grant(&mut self, told: &registry::Grant, now: Now, effects: &mut Effects) {
        let grant = self.grants.add(told.clone(), false, &mut self.cohorts);
        if self.grants.get(grant).is_valid_on(self.today()) {
            self.turn(&[grant], Some(Reason::Granted), now, effects);
        }
    }

    /// Applies a `void` command.
    pub(super) fn void(&mut self, told: &Void, now: Now, effects: &mut Effects) {
        let Some(grant) = self.grants.number(&told.grant) else {
            unreachable!("`check` has refused a void of an unknown grant");
        };
        self.grants.void(grant);
        self.turn(&[grant], Some(Reason::PolicyChanged), now, effects);
    }

    /// Step 4 of a midnight: grants begin and end.
    pub(super) fn turn_grants(&mut self, now: Now, effects: &mut Effects) {
        let today = self.today();
        let turning = self.grants.all().iter().zip(0u32..);
        let turning = turning
            .filter(|(grant, _)| !grant.void && (grant.from == today || grant.until == today));
        let turning: Vec<u32> = turning.map(|(_, number)| number).collect();
        if !turning.is_empty() {
            self.turn(&turning, None, now, effects);
        }
    }

    /// Lets the SIMs that have one of these grants see what is left, and decides them. Without a reason: at a midnight.
    fn turn(&mut self, turning: &[u32], reason: Option<Reason>, now: Now, effects: &mut Effects) {
        let concerned = self.concerned(turning);
        for (number, accounts) in &concerned {
            for account in accounts {
                let place = self
                    .roster
                    .get(*number)
                    .place_of_balance(*account, self.today());
                if self.refresh_grants(*number, *account, now)
                    && let Some(place) = place
                {
                    self.mark_anew(*number, place, now);
                }
            }
        }
        let of_many = turning.iter().any(|g| self.grants.get(*g).cohort.is_some());
        let gate = match reason {
            Some(_) if of_many => Gate::Command,
            _ => Gate::Free,
        };
        if gate == Gate::Command {
            self.look_at_command();
        }
        for (number, _) in concerned {
            for class in CUT {
                let reason = reason.unwrap_or_else(|| self.turned(number, class));
                self.decide(number, class, reason, gate, now, effects);
            }
            self.update_quota_alerts(number, None, now, effects);
            self.watch_expiring(number, None, now, effects);
        }
        self.tell_tripped(None, now, effects);
    }

    /// Why a midnight's grants change a class: one that ends leaves less, one that begins more.
    fn turned(&self, number: u32, class: crate::registry::Class) -> Reason {
        let sim = self.roster.get(number);
        let last = sim.decided[super::decide::place(class)];
        match self.wanted(sim, class).is_stricter_than(last.action()) {
            true => Reason::Exhausted,
            false => Reason::Granted,
        }
    }

    /// The SIMs that have one of these grants, in order, with the accounts that the grants are for.
    fn concerned(&self, turning: &[u32]) -> Vec<(u32, Vec<u16>)> {
        let numbers = self.roster.numbers().filter_map(|number| {
            let sim = self.roster.get(number);
            if !self.grants.has(&sim.id, sim.cohort) {
                return None;
            }
            let own = self.grants.of(&sim.id, sim.cohort);
            let ids: Vec<&str> = turning
                .iter()
                .filter(|grant| own.contains(grant))
                .map(|grant| self.grants.get(*grant).source.allowance.as_str())
                .collect();
            let mut accounts: Vec<u16> = sim.balances.iter().map(|b| b.account).collect();
            accounts.sort_unstable();
            accounts.dedup();
            accounts.retain(|a| ids.contains(&self.accounts.value((*a).into()).id.as_str()));
            (!ids.is_empty()).then_some((number, accounts))
        });
        numbers.collect()
    }
}
