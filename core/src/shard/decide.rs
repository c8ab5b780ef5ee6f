//! Decisions: the state that a SIM's class should be in, and the order to the carrier where that differs from the last.
//!
//! Rules: `docs/semantics.md`, section 9.

use super::rows::RowAt;
use super::{Effects, Now, Shard};
use crate::cycle::Cycle;
use crate::decision::{Action, AllowanceState, Cause, Decision, Reason, RecordIdentity};
use crate::facts::{DecisionRow, Fact};
use crate::ledger::Balance;
use crate::programme::AllowanceRules;
use crate::registry::Class;
use crate::roster::{Blocked, Decided, Hold, Sim};

/// Whether the breaker looks at a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// It does not: an enrolment, a command about one SIM, a midnight.
    Free,
    /// It counts it: a row.
    Row,
    /// It has counted it with the others of its command.
    Command,
    /// The decision goes out, whatever is held: the SIM leaves, or is enrolled.
    Through,
}

/// The place of a class among what is kept of its decisions.
pub(super) fn place(class: Class) -> usize {
    match class {
        Class::Education => 0,
        Class::Other => 1,
        Class::System | Class::Unknown => 2,
    }
}

impl Shard {
    /// Decides a class by a midnight or a command.
    pub(super) fn decide(
        &mut self,
        number: u32,
        class: Class,
        reason: Reason,
        gate: Gate,
        now: Now,
        effects: &mut Effects,
    ) {
        self.decide_for(number, class, reason, gate, None, now, effects);
    }

    /// Decides a class; a row may be the cause.
    #[allow(clippy::too_many_arguments, reason = "what a decision is made of")]
    pub(super) fn decide_for(
        &mut self,
        number: u32,
        class: Class,
        reason: Reason,
        gate: Gate,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let action = self.wanted(sim, class);
        let last = sim.decided[place(class)];
        let first_of_enrolment = reason == Reason::Enrolled;
        if last.sequence > 0 && !first_of_enrolment {
            let stricter = action.is_stricter_than(last.action());
            if !stricter || gate == Gate::Through {
                self.set_hold(number, class, Hold::None);
            } else if last.hold != Hold::None || self.holds(number, class, gate) {
                let hold = match last.hold {
                    Hold::None => Hold::Held,
                    standing => standing,
                };
                return self.set_hold(number, class, hold);
            }
            if action == last.action() {
                return;
            }
        } else {
            self.set_hold(number, class, Hold::None);
        }
        self.emit(number, class, action, reason, cause, now, effects);
    }

    #[allow(clippy::too_many_arguments, reason = "what a decision is made of")]
    fn emit(
        &mut self,
        number: u32,
        class: Class,
        action: Action,
        reason: Reason,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let last = sim.decided[place(class)];
        let mut decision = self.describe(sim, class, action, now);
        decision.reason = reason;
        let looser = last.sequence > 0 && last.action().is_stricter_than(action);
        if reason == Reason::Reset && looser {
            decision.apply_after_ms += self.restores_after_ms(sim);
        }
        if let Some(cause) = cause {
            decision.rule.push_str("; ");
            decision.rule.push_str(&self.traffic_in_words(cause));
            decision.cause = Some(self.cause(cause));
        }
        self.decisions += 1;
        decision.number = self.decisions;
        let sequence = last.sequence + 1;
        decision.sequence = sequence.into();
        let sim = self.roster.get_mut(number);
        sim.decided[place(class)] = Decided::new(action, sequence);
        // A class that is never cut is never blocked.
        if let Some(blocked) = sim.blocked.get_mut(place(class)) {
            match action {
                Action::Block => *blocked = Blocked::since(now.at_ms),
                _ if last.action() == Action::Block => blocked.end(now.at_ms),
                _ => {}
            }
        }
        let row = DecisionRow {
            version: now.offset,
            booked_day: self.booking.day.date(),
            decision: decision.clone(),
        };
        self.booking.finish(Fact::Decision(Box::new(row)));
        effects.decisions.push(decision);
    }

    /// The state that a class should be in.
    pub(super) fn wanted(&self, sim: &Sim, class: Class) -> Action {
        let rules = self.programme.cohort(sim.cohort);
        let Some(_) = rules.filter(|rules| rules.enforced && class != Class::System) else {
            return Action::Allow;
        };
        if sim.has_left {
            return Action::Block;
        }
        let opened = self.calendar.open_through(self.today(), sim.cohort, class);
        if opened.is_some() {
            return Action::Allow;
        }
        self.cut_wanted(sim, class)
    }

    /// The strictest of what the exhausted allowances of a class say, whatever shields it.
    pub(super) fn cut_wanted(&self, sim: &Sim, class: Class) -> Action {
        let exhausted = self.exhausted(sim, class);
        let actions = exhausted.map(AllowanceRules::action_when_exhausted);
        actions.fold(Action::Allow, |strictest, action| {
            if action.is_stricter_than(strictest) {
                action
            } else {
                strictest
            }
        })
    }

    /// The allowances of a class whose current cycles are exhausted.
    pub(super) fn exhausted<'a>(
        &'a self,
        sim: &'a Sim,
        class: Class,
    ) -> impl Iterator<Item = &'a AllowanceRules> {
        let rules = self.programme.cohort(sim.cohort).into_iter();
        let covering = rules.flat_map(move |rules| rules.covering(class));
        covering.filter(|allowance| match self.current(sim, allowance) {
            Some(balance) => balance.is_exhausted(),
            None => allowance.limit_bytes == 0,
        })
    }

    /// A SIM's balance of an allowance's current cycle.
    pub(super) fn current<'a>(
        &self,
        sim: &'a Sim,
        allowance: &AllowanceRules,
    ) -> Option<&'a Balance> {
        sim.balance(allowance.account, self.today())
    }

    /// An allowance's current cycle for a SIM.
    pub(super) fn current_cycle(&self, sim: &Sim, allowance: &AllowanceRules) -> Cycle {
        let today = self.today();
        Cycle::of(allowance.every, today, sim.activation, &self.calendar)
    }

    /// The allowance that a decision tells of: the first that wants a cut, else the first of the class, else of all.
    pub(super) fn deciding(
        &self,
        sim: &Sim,
        class: Class,
        action: Action,
    ) -> Option<&AllowanceRules> {
        let rules = self.programme.cohort(sim.cohort)?;
        let account = match action {
            Action::Allow => None,
            cut => self
                .exhausted(sim, class)
                .find(|allowance| allowance.action_when_exhausted() == cut)
                .map(|allowance| allowance.account),
        };
        let allowances = || rules.covering(class);
        let own = |a: &&AllowanceRules| a.scope != crate::registry::Scope::All;
        match account {
            Some(account) => rules.account(account),
            None => allowances().find(own).or_else(|| allowances().next()),
        }
    }

    /// A decision without its place in the sequences.
    fn describe(&self, sim: &Sim, class: Class, action: Action, now: Now) -> Decision {
        let deciding = self.deciding(sim, class, action);
        let (cycle, allowance) = match deciding {
            Some(allowance) => (
                self.current_cycle(sim, allowance).start.date(),
                self.allowance_state(sim, allowance),
            ),
            None => (self.today().month().first_date(), AllowanceState::default()),
        };
        Decision {
            generation: self.config.generation,
            partition: self.config.partition,
            number: 0,
            sim: sim.id,
            class,
            action,
            sequence: 0,
            reason: Reason::Enrolled,
            cohort: self.cohorts.value(sim.cohort).clone(),
            cycle,
            allowance,
            effective_at_ms: now.at_ms,
            apply_after_ms: now.at_ms,
            until_ms: self.until(sim, class, action),
            policy_version: self.programme.version().to_owned(),
            catalogue_version: self.catalogue.version().to_owned(),
            rule: self.rule_in_words(sim, class, deciding),
            offset: now.offset,
            cause: None,
        }
    }

    fn allowance_state(&self, sim: &Sim, allowance: &AllowanceRules) -> AllowanceState {
        let id = self.accounts.value(allowance.account.into()).id.clone();
        match self.current(sim, allowance) {
            Some(balance) => AllowanceState {
                id,
                limit_bytes: balance.limit_bytes,
                granted_bytes: balance.granted_bytes(),
                used_bytes: balance.used_bytes,
            },
            None => AllowanceState {
                id,
                limit_bytes: allowance.limit_bytes,
                ..AllowanceState::default()
            },
        }
    }

    /// How long behind a reset a SIM is restored: resets are spread by what the SIM is, the same each time.
    fn restores_after_ms(&self, sim: &Sim) -> i64 {
        let rules = self.programme.cohort(sim.cohort);
        let over_ms = rules.map_or(0, |rules| rules.restore_over_ms);
        let [.., a, b, c, d, e, f, g, h] = sim.id.0;
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let after_ms = hash.checked_rem(over_ms.into()).unwrap_or(0);
        // Below 2³².
        after_ms.cast_signed()
    }

    pub(super) fn cause(&self, cause: RowAt<'_>) -> Cause {
        let row = cause.row;
        let (Ok(source), Ok(node)) = (row.source(), row.node()) else {
            unreachable!("`check` has read the names of feed and node");
        };
        Cause {
            offset: cause.offset,
            row: cause.place,
            source,
            source_position: row.position(),
            record: RecordIdentity {
                node: node.as_str().to_owned(),
                charging_id: row.charging_id.get(),
                record_sequence: row.record_sequence.get(),
                opened_at_ms: row.opened_at_ms.get(),
                rating_group: row.rating_group.get(),
                service_id: row.service_id.get(),
                container_sequence: row.container_sequence.get(),
            },
        }
    }
}
