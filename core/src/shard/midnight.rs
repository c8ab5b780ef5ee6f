//! What a midnight does, step by step: rule D4 of `docs/semantics.md`.

use super::decide::Gate;
use super::{Effects, Now, Shard};
use crate::cycle::Cycle;
use crate::decision::Reason;
use crate::registry::Period;
use crate::roster::{CUT, DECIDED};
use crate::zone::Day;

impl Shard {
    /// Begins a local day at `at_ms`: its midnight, or the command that named a zone in which it has begun.
    pub(super) fn begin_day(&mut self, today: Day, at_ms: i64, offset: u64, effects: &mut Effects) {
        let now = Now { at_ms, offset };
        self.end_booked_day(today, now, effects);
        self.begin_assignments(now, effects);
        self.begin_cycles(now, effects);
        self.turn_grants(now, effects);
        self.close_cycles();
        self.find_holding_day();
        self.forget_held();
        self.turn_calendar(now, effects);
        self.begin_enforcement(now, effects);
    }

    /// Step 1: the watches look at the day that ended, its rows are finished, and the next one opens.
    fn end_booked_day(&mut self, today: Day, now: Now, effects: &mut Effects) {
        let ended = self.booking.day;
        let deaf = self.heard.is_deaf(ended, &self.zone);
        self.heard.forget_before(now.at_ms);
        self.finish_booked_day();
        self.booking.open(today);
        self.roster.forget_cells();
        for number in self.roster.numbers() {
            self.watch_day(number, ended, deaf, now, effects);
        }
        self.tell_held(now, effects);
    }

    /// Step 2.
    fn begin_assignments(&mut self, now: Now, effects: &mut Effects) {
        let today = self.today();
        for number in self.roster.numbers() {
            if self.roster.get(number).changes_on <= today {
                self.reassign(number, now, effects);
            }
        }
    }

    /// Step 3.
    fn begin_cycles(&mut self, now: Now, effects: &mut Effects) {
        for number in self.roster.numbers() {
            self.end_balances(number, now, effects);
            let begun = self.begin_balances(number, now);
            if !begun {
                continue;
            }
            for class in DECIDED {
                self.decide(number, class, Reason::Reset, Gate::Free, now, effects);
            }
            self.update_quota_alerts(number, None, now, effects);
        }
    }

    /// Sets the grants of cycles that ended with this midnight to what was used of them, and resolves their alerts.
    fn end_balances(&mut self, number: u32, now: Now, effects: &mut Effects) {
        let today = self.today();
        let sim = self.roster.get_mut(number);
        let rules = self.programme.cohort(sim.cohort);
        let thresholds = rules.map_or(&[][..], |rules| &rules.thresholds);
        for balance in sim.balances.iter_mut() {
            if balance.end == today && balance.set_grants_left(0) {
                if balance.named {
                    balance.mark_reached(thresholds, now.at_ms);
                }
                self.booking
                    .touch(number, &mut sim.next_waiting, balance, now.offset);
            }
        }
        let sim = self.roster.get(number);
        let balance = sim.quota_alerts().and_then(|alerts| sim.balance_of(alerts));
        if balance.is_some_and(|b| b.end <= today) {
            self.resolve_quota_alerts(number, now, effects);
        }
    }

    /// Opens the balances of the cycles that begin today, with what is rolled over; says whether there was one.
    fn begin_balances(&mut self, number: u32, now: Now) -> bool {
        let today = self.today();
        let sim = self.roster.get(number);
        let Some(rules) = self.programme.cohort(sim.cohort) else {
            return false;
        };
        // Most midnights begin no cycle: that is told without a look at the lists.
        let mut begun = Vec::new();
        for allowance in &rules.allowances {
            let cycle = Cycle::of(allowance.every, today, sim.activation, &self.calendar);
            if cycle.start == today && sim.is_enrolled_in(cycle) {
                begun.push((allowance.account, allowance.rollover_max_bytes, cycle));
            }
        }
        for (account, rollover_max_bytes, cycle) in &begun {
            let sim = self.roster.get_mut(number);
            let before = sim.place_of_balance(*account, cycle.start.plus(-1));
            let left = before.map_or(0, |place| sim.balances[place].limit_left());
            let place = self.open_balance(number, *account, *cycle);
            let balance = &mut self.roster.get_mut(number).balances[place];
            balance.roll_over(left.min(*rollover_max_bytes));
        }
        if !begun.is_empty() {
            self.follow_rules_as_open(number, now);
        }
        !begun.is_empty()
    }

    /// Step 5: what is due closes, and leaves the state.
    pub(super) fn close_cycles(&mut self) {
        let today = self.today();
        let closes_after = self.programme.closes_after_days();
        self.closed.advance(today, closes_after);
        let closed = self.closed;
        self.finish_cycles(|balance| closed.has(balance.end));
        for sim in self.roster.all_mut() {
            sim.balances.retain(|balance| !closed.has(balance.end));
        }
        self.booking.terms.forget_unused();
    }

    /// Finds the first day whose bytes are held (E5).
    pub(super) fn find_holding_day(&mut self) {
        let (today, open) = (self.today(), self.closed.first_open_day());
        let closes_after = i32::from(self.programme.closes_after_days());
        let mut from = Cycle::month(open.month()).start;
        let allowances = self.programme.all().flat_map(|rules| &rules.allowances);
        for allowance in allowances {
            let start = match allowance.every {
                Period::Days(count) => today.plus(-(2 * i32::from(count) + closes_after)),
                every => Cycle::of(every, open, today, &self.calendar).start,
            };
            from = from.min(start);
        }
        self.holding_from = self.holding_from.max(from);
    }

    /// Forgets what is held of earlier days: at step 5, and where a programme is entered.
    pub(super) fn forget_held(&mut self) {
        self.held.forget_before(self.holding_from);
    }

    /// Step 6.
    fn turn_calendar(&mut self, now: Now, effects: &mut Effects) {
        let today = self.today();
        for number in self.roster.numbers() {
            let cohort = self.roster.get(number).cohort;
            if !self.calendar.changes_on(today, cohort) {
                continue;
            }
            for class in CUT {
                self.decide(number, class, Reason::Calendar, Gate::Free, now, effects);
            }
        }
    }

    /// Step 7.
    fn begin_enforcement(&mut self, now: Now, effects: &mut Effects) {
        let begun = self.programme.begin_enforcement(self.today());
        if !begun.contains(&true) {
            return;
        }
        for number in self.roster.numbers() {
            let cohort = self.roster.get(number).cohort as usize;
            if begun.get(cohort) != Some(&true) {
                continue;
            }
            self.follow_rules(number, now);
            for class in CUT {
                let reason = Reason::EnforcementStarted;
                self.decide(number, class, reason, Gate::Free, now, effects);
            }
            self.update_quota_alerts(number, None, now, effects);
        }
    }
}
