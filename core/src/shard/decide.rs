//! Decisions: the state that a SIM's class should be in, and the order to the carrier where that differs from the last.

use super::rows::RowAt;
use super::{Effects, Now, Shard};
use crate::decision::{Action, AllowanceState, Cause, Decision, Reason, RecordIdentity};
use crate::facts::{DecisionRow, Fact};
use crate::programme::{AllowanceRules, CohortRules};
use crate::registry::{Class, OnExhausted};
use crate::roster::Sim;

impl Shard {
    /// Decides a class by a timer or a command.
    pub(super) fn decide(
        &mut self,
        number: u32,
        class: Class,
        reason: Reason,
        now: Now,
        effects: &mut Effects,
    ) {
        self.decide_for(number, class, reason, None, now, effects);
    }

    /// Decides a class whose allowance a row may have exhausted.
    pub(super) fn decide_exhausted(
        &mut self,
        number: u32,
        class: Class,
        cause: RowAt<'_>,
        now: Now,
        effects: &mut Effects,
    ) {
        self.decide_for(number, class, Reason::Exhausted, Some(cause), now, effects);
    }

    fn decide_for(
        &mut self,
        number: u32,
        class: Class,
        reason: Reason,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let action = self.wanted(sim, class);
        let last = sim.decided[class.index()];
        if last.sequence > 0 && last.action == action {
            return;
        }
        let mut decision = self.describe(sim, class, action, now);
        decision.reason = reason;
        if let Some(cause) = cause {
            decision.rule.push_str("; ");
            decision.rule.push_str(&self.traffic_in_words(cause));
            decision.cause = Some(self.cause(cause));
        }
        self.decisions += 1;
        decision.number = self.decisions;
        decision.sequence = last.sequence + 1;
        let decided = &mut self.roster.get_mut(number).decided[class.index()];
        decided.action = action;
        decided.sequence = decision.sequence;
        self.booking
            .waiting
            .finished
            .push_back(Fact::Decision(Box::new(DecisionRow {
                version: now.offset,
                booked_day: self.booking.day.date(),
                decision: decision.clone(),
            })));
        effects.decisions.push(decision);
    }

    /// The state that a class should be in.
    fn wanted(&self, sim: &Sim, class: Class) -> Action {
        match self.rules_of(sim, class) {
            Some((rules, allowance)) if rules.enforced && self.is_exhausted(sim, class) => {
                allowance.action_when_exhausted()
            }
            // Without an allowance, observed, or with bytes left. `system` is allowed whatever happens: tablets break
            // without it.
            _ => Action::Allow,
        }
    }

    /// The rules that a decision about a class rests on; none where it is always allowed.
    fn rules_of(&self, sim: &Sim, class: Class) -> Option<(&CohortRules, &AllowanceRules)> {
        let rules = self.programme.cohort(sim.cohort)?;
        let allowance = rules.allowance(class)?;
        (class != Class::System).then_some((rules, allowance))
    }

    fn is_exhausted(&self, sim: &Sim, class: Class) -> bool {
        let state = self.allowance_state(sim, class);
        state.used_bytes >= state.limit_bytes
    }

    /// Limit and use of a class's allowance in the current cycle, both 0 where it has none.
    fn allowance_state(&self, sim: &Sim, class: Class) -> AllowanceState {
        let rules = self.programme.cohort(sim.cohort);
        let allowance = rules.and_then(|rules| rules.allowance(class));
        let balance = sim.balance(self.cycles.current);
        allowance.map_or(AllowanceState::default(), |allowance| AllowanceState {
            id: class.as_str().to_owned(),
            granted_bytes: 0,
            limit_bytes: allowance.limit_bytes,
            used_bytes: balance.map_or(0, |balance| balance.used(class)),
        })
    }

    /// A decision without its place in the sequences.
    fn describe(&self, sim: &Sim, class: Class, action: Action, now: Now) -> Decision {
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
            cycle: self.cycles.current.first_date(),
            allowance: self.allowance_state(sim, class),
            effective_at_ms: now.at_ms,
            apply_after_ms: now.at_ms,
            offset: now.offset,
            until_ms: self.until(sim, class, action),
            policy_version: self.programme.version().to_owned(),
            catalogue_version: self.catalogue.version().to_owned(),
            rule: self.rule_in_words(sim, class),
            cause: None,
        }
    }

    /// The next change that is known now: an exhausted allowance begins anew with the next cycle, unless it has no
    /// bytes at all; one exhausted while observed is cut off where enforcement begins before that.
    fn until(&self, sim: &Sim, class: Class, action: Action) -> Option<i64> {
        let (rules, allowance) = self.rules_of(sim, class)?;
        let next_cycle = self.calendar.month_begins(self.cycles.current.next());
        let begins_anew = allowance.limit_bytes > 0;
        if action != Action::Allow {
            return begins_anew.then_some(next_cycle);
        }
        let enforced_from = rules.enforce_at_ms.filter(|_| !rules.enforced)?;
        let cut_off = self.is_exhausted(sim, class)
            && allowance.action_when_exhausted() != Action::Allow
            && (enforced_from < next_cycle || !begins_anew);
        cut_off.then_some(enforced_from)
    }

    /// The rule of the programme that decided.
    fn rule_in_words(&self, sim: &Sim, class: Class) -> String {
        let cohort = self.cohorts.value(sim.cohort);
        let what = class.as_str();
        if class == Class::System {
            return format!("{what} is always allowed");
        }
        let Some(rules) = self.programme.cohort(sim.cohort) else {
            return format!("cohort {cohort} does not stand in the programme: {what} is allowed");
        };
        let Some(allowance) = rules.allowance(class) else {
            return format!("cohort {cohort} has no allowance for {what}: it is allowed");
        };
        let limit = bytes_in_words(allowance.limit_bytes);
        let then = match allowance.on_exhausted {
            OnExhausted::Block => "blocked".to_owned(),
            OnExhausted::Throttle { kbit_s } => format!("throttled to {kbit_s} kbit/s"),
            OnExhausted::Notify => "allowed all the same".to_owned(),
        };
        let observed = match rules.enforce_at_ms {
            _ if rules.enforced => String::new(),
            Some(at_ms) => {
                let (day, _) = self.calendar.day_of(at_ms);
                format!(" (observed only, enforced from {})", day.date())
            }
            None => " (observed only)".to_owned(),
        };
        format!("cohort {cohort}: {limit} of {what} a month, then {then}{observed}")
    }

    /// The rule of the catalogue that gave a row its class.
    fn traffic_in_words(&self, cause: RowAt<'_>) -> String {
        let row = cause.row;
        let (day, _) = self.calendar.day_of(row.usage_instant_ms());
        self.catalogue
            .rule_in_words(row.rating_group.get(), row.service_id.get(), day)
    }

    fn cause(&self, cause: RowAt<'_>) -> Cause {
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

/// Bytes as people write them, exact: `20 GB`, `1500 MB`, `17 bytes`.
fn bytes_in_words(bytes: u64) -> String {
    match bytes {
        0 => "no byte".to_owned(),
        _ if bytes.is_multiple_of(1_000_000_000) => format!("{} GB", bytes / 1_000_000_000),
        _ if bytes.is_multiple_of(1_000_000) => format!("{} MB", bytes / 1_000_000),
        _ => format!("{bytes} bytes"),
    }
}
