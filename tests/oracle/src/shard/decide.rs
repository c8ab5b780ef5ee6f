//! Decisions (section 9).

use super::{Because, By, Shard};
use crate::names::Class;
use crate::said::Decision;
use crate::sim::{Action, Blocked, Told, Unsaid};

impl Shard {
    /// What would have to be said of a class: the wanted state, and whether it is stricter than what was said last.
    fn differs(&mut self, sim: usize, class: Class) -> Option<(Action, bool)> {
        let wanted = self.wanted(sim, class);
        let told = self.sims[sim].told.get_mut(&class)?;
        let stricter = told.last.is_some_and(|last| wanted.is_stricter_than(last));
        if !stricter {
            told.unsaid = None;
        }
        let says = told.unsaid.is_none() && told.last != Some(wanted);
        says.then_some((wanted, stricter))
    }

    /// Says of a SIM what differs from what was said last (X3).
    pub(super) fn decide(&mut self, sim: usize, because: &Because) {
        for class in Class::DECIDED {
            let Some((wanted, stricter)) = self.differs(sim, class) else {
                continue;
            };
            let new_cut = stricter && because.by == By::Row;
            if new_cut && self.breaker_holds(sim, class, because) {
                continue;
            }
            self.emit(sim, class, wanted, because);
        }
    }

    /// Says all classes, whatever they are: at an enrolment (X3).
    pub(super) fn decide_all(&mut self, sim: usize, because: &Because) {
        self.sims[sim].forget_unsaid();
        for class in Class::DECIDED {
            let wanted = self.wanted(sim, class);
            self.emit(sim, class, wanted, because);
        }
    }

    /// A command about more than one SIM: all new cuts are counted before one is emitted (B3).
    pub(super) fn decide_many(&mut self, sims: &[usize], because: &Because) {
        let mut wanted = Vec::new();
        for &sim in sims {
            for class in Class::DECIDED {
                if let Some((action, stricter)) = self.differs(sim, class) {
                    wanted.push((sim, class, action, stricter));
                }
            }
        }
        let cuts: Vec<(usize, Class)> = wanted
            .iter()
            .filter(|wanted| wanted.3)
            .map(|&(sim, class, ..)| (sim, class))
            .collect();
        self.hold_many(&cuts, because);
        for (sim, class, action, _) in wanted {
            let held = self.sims[sim]
                .told
                .get(&class)
                .is_some_and(|told| told.unsaid == Some(Unsaid::Held));
            if !held {
                self.emit(sim, class, action, because);
            }
        }
    }

    fn emit(&mut self, sim: usize, class: Class, action: Action, because: &Because) {
        let (allowance, cycle) = self.deciding(sim, class, action);
        let until_ms = self.until(sim, class, action);
        let cohort = self.sims[sim]
            .cohort(self.steps.assignments)
            .unwrap_or_default()
            .to_owned();
        let restore_over = self.rules_of(sim).map_or(0, |rules| rules.restore_over_ms);
        let name = self.sims[sim].name;
        let Some(told) = self.sims[sim].told.get_mut(&class) else {
            return;
        };
        let last = told.last;
        let stricter = last.is_some_and(|last| action.is_stricter_than(last));
        let looser = last.is_some_and(|last| last.is_stricter_than(action));
        note(told, action, because.at);
        let sequence = told.sequence;
        self.number += 1;
        let spread = if because.reason == "reset" && looser {
            spread(name.0, restore_over)
        } else {
            0
        };
        let reason = because
            .if_stricter
            .filter(|_| stricter)
            .unwrap_or(because.reason);
        let decision = Decision {
            generation: self.generation,
            partition: self.partition,
            number: self.number,
            sim: name,
            class,
            action: action.word().to_owned(),
            kbit_s: if let Action::Throttle(kbit_s) = action {
                Some(kbit_s)
            } else {
                None
            },
            sequence,
            reason: reason.to_owned(),
            cohort,
            cycle,
            allowance,
            effective_at_ms: because.at,
            apply_after_ms: because.at.saturating_add(spread),
            until_ms,
            policy_version: self.rules.policy_version(),
            catalogue_version: self.rules.catalogue_version(),
            offset: because.offset,
            cause: because.cause.as_deref().cloned(),
        };
        self.findings
            .decisions
            .entry(self.partition)
            .or_default()
            .push(decision);
    }
}

/// Notes what was said, and for leaks when a block began and ended (L1).
fn note(told: &mut Told, action: Action, at: i64) {
    told.last = Some(action);
    told.sequence += 1;
    told.unsaid = None;
    if let Some(blocked) = &mut told.blocked {
        blocked.until = blocked.until.or(Some(at));
    }
    if action == Action::Block {
        told.blocked = Some(Blocked {
            from: at,
            until: None,
        });
    }
}

/// How long a looser state waits (X8).
fn spread(sim: [u8; 16], over: u64) -> i64 {
    let tail = sim
        .iter()
        .skip(8)
        .fold(0_u64, |tail, &byte| tail << 8 | u64::from(byte));
    let wait = tail.checked_rem(over).unwrap_or(0);
    i64::try_from(wait).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_waits_by_the_last_eight_bytes() {
        let mut sim = [0xff; 16];
        sim[8..].copy_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(spread(sim, 100), 58);
        assert_eq!(spread(sim, 0), 0);
    }

    #[test]
    fn the_next_decision_ends_a_block_and_another_block_begins_anew() {
        let mut told = Told::default();
        note(&mut told, Action::Block, 10);
        note(&mut told, Action::Allow, 20);
        note(&mut told, Action::Throttle(1), 30);
        let blocked = told.blocked.unwrap();
        assert_eq!(
            (blocked.from, blocked.until, told.sequence),
            (10, Some(20), 3)
        );
        note(&mut told, Action::Block, 40);
        assert_eq!(told.blocked.unwrap().until, None);
    }
}
