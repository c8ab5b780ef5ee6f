//! Commands of the registry: `docs/registry.md`.

use super::decide::Gate;
use super::{Effects, Now, Shard};
use crate::calendar::Calendar;
use crate::cycle::Cycle;
use crate::decision::Reason;
use crate::ledger::Balance;
use crate::programme::{self, Programme};
use crate::registry::{self, CalendarEntries, Command, Period};
use crate::roster::CUT;

impl Shard {
    /// Applies a command; the clock stands at or behind its entry already.
    pub(super) fn command(
        &mut self,
        revision: u64,
        command: &Command,
        offset: u64,
        effects: &mut Effects,
    ) {
        let now = self.now(offset);
        match command {
            Command::Programme(told) => self.replace_programme(told, now, effects),
            Command::Calendar(told) => self.replace_calendar(told, now, effects),
            // Balances keep the class under which their rows were counted: a catalogue speaks of rows to come.
            Command::Catalogue(told) => self.catalogue.add(told.clone(), &mut self.services),
            Command::Feed(told) => self.sources.set_feed(told),
            Command::Enrol(told) => self.enrol(told, revision, now, effects),
            Command::Retire(told) => self.retire(told, revision, now, effects),
            Command::Opening(told) => self.open_with(told, now, effects),
            Command::Grant(told) => self.grant(told, now, effects),
            Command::Void(told) => self.void(told, now, effects),
            Command::Breaker(told) => self.order_breaker(told, now, effects),
            // `check` has made sure that it is the one that this binary knows.
            Command::Logic(_) => {}
        }
    }

    /// Replaces the programme: days and cycles follow its zone from now on, and every SIM is decided anew.
    fn replace_programme(&mut self, told: &registry::Programme, now: Now, effects: &mut Effects) {
        let Ok(zone) = programme::zone_of(told) else {
            unreachable!("`check` has read the zone");
        };
        self.zone = zone;
        self.zone.attend(now.at_ms);
        // Days that have begun in the new zone begin now, under the rules that held until now.
        let (today, _) = self.zone.day_of(now.at_ms);
        while self.today() < today {
            self.begin_day(self.today().plus(1), now.at_ms, now.offset, effects);
        }
        let (cohorts, accounts) = (&mut self.cohorts, &mut self.accounts);
        self.programme = Programme::new(told.clone(), self.booking.day, cohorts, accounts);
        self.close_cycles();
        self.find_holding_day();
        self.forget_held();
        for number in self.roster.numbers() {
            self.follow_rules(number, now);
        }
        self.decide_all(now, effects);
        self.find_next_due();
    }

    fn replace_calendar(&mut self, told: &CalendarEntries, now: Now, effects: &mut Effects) {
        self.calendar = Calendar::new(told.clone(), &mut self.cohorts);
        self.find_holding_day();
        self.move_terms();
        for number in self.roster.numbers() {
            self.turn_terms(number, now);
        }
        self.decide_all(now, effects);
        self.drop_terms();
    }

    /// Balances of terms end where the new calendar says; those of terms that it does not know, as they begin.
    fn move_terms(&mut self) {
        let Shard {
            accounts, calendar, ..
        } = self;
        let is_term = |b: &Balance| accounts.value(b.account.into()).period == Period::Term;
        let term = |b: &Balance| Cycle::of(Period::Term, b.start, b.start, calendar);
        for sim in self.roster.all_mut() {
            for balance in sim.balances.iter_mut().filter(|b| is_term(b)) {
                let term = term(balance);
                balance.set_end(match term.start == balance.start {
                    true => term.end,
                    false => balance.start,
                });
            }
        }
    }

    /// What is left of grants is that of the current terms, whichever the new calendar makes so.
    fn turn_terms(&mut self, number: u32, now: Now) {
        let today = self.today();
        let accounts = &self.accounts;
        let is_term = |b: &Balance| accounts.value(b.account.into()).period == Period::Term;
        let sim = self.roster.get_mut(number);
        let thresholds = self.programme.cohort(sim.cohort);
        let thresholds = thresholds.map_or(&[][..], |rules| &rules.thresholds);
        let mut current = Vec::new();
        for balance in sim.balances.iter_mut().filter(|b| is_term(b)) {
            if balance.cycle().contains(today) {
                current.push(balance.account);
            } else if balance.set_grants_left(0) {
                if balance.named {
                    balance.mark_reached(thresholds, now.at_ms);
                }
                self.booking
                    .touch(number, &mut sim.next_waiting, balance, now.offset);
            }
        }
        for account in current {
            let place = self.roster.get(number).place_of_balance(account, today);
            if self.refresh_grants(number, account, now)
                && let Some(place) = place
            {
                self.mark_anew(number, place, now);
            }
        }
    }

    /// Balances of terms that the new calendar does not know leave the state, and those that it lets close by now. Their
    /// alerts have ended.
    fn drop_terms(&mut self) {
        self.close_cycles();
        self.finish_cycles(|balance| balance.end == balance.start);
        for sim in self.roster.all_mut() {
            sim.balances.retain(|balance| balance.end > balance.start);
        }
    }

    /// Decides every SIM anew, for a command about more than one: the breaker counts before anything is emitted.
    pub(super) fn decide_all(&mut self, now: Now, effects: &mut Effects) {
        self.look_at_command();
        for number in self.roster.numbers() {
            for class in CUT {
                let reason = Reason::PolicyChanged;
                self.decide(number, class, reason, Gate::Command, now, effects);
            }
            self.update_quota_alerts(number, None, now, effects);
            self.watch_expiring(number, None, now, effects);
        }
        self.tell_tripped(None, now, effects);
    }
}
