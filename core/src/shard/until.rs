//! When what is decided will change by itself, as far as is known now: rule X7 of `docs/semantics.md`.

use super::Shard;
use crate::decision::Action;
use crate::registry::Class;
use crate::roster::Sim;
use crate::zone::Day;

impl Shard {
    /// The next change of a class's state that is known now (UTC milliseconds).
    pub(super) fn until(&self, sim: &Sim, class: Class, action: Action) -> Option<i64> {
        if sim.has_left || class == Class::System {
            return None;
        }
        let anew = self.begins_anew(sim, class);
        let day = match action {
            Action::Allow => self.shielded_until(sim, class, anew)?,
            Action::Throttle { .. } | Action::Block => {
                let opens = self.calendar.opens_next(self.today(), sim.cohort, class);
                anew.into_iter().chain(opens).min()?
            }
        };
        Some(self.zone.midnight(day))
    }

    /// The day on which the last of the allowances that cut a class begins anew; none where one never does.
    fn begins_anew(&self, sim: &Sim, class: Class) -> Option<Day> {
        let mut latest = None;
        for allowance in self.exhausted(sim, class) {
            if allowance.action_when_exhausted() == Action::Allow {
                continue;
            }
            let end = self.current_cycle(sim, allowance).end;
            if allowance.limit_bytes == 0 || end == Day::LAST {
                return None;
            }
            latest = latest.max(Some(end));
        }
        latest
    }

    /// The day on which a class that is exhausted loses its last shield; none where it has no end, or begins anew before.
    fn shielded_until(&self, sim: &Sim, class: Class, anew: Option<Day>) -> Option<Day> {
        if self.cut_wanted(sim, class) == Action::Allow {
            return None;
        }
        let rules = self.programme.cohort(sim.cohort)?;
        let observed_until = match rules.enforced {
            true => None,
            false => Some(rules.enforce_from?),
        };
        let open_through = self.calendar.open_through(self.today(), sim.cohort, class);
        let open_until = open_through.map(|last| last.plus(1));
        let shielded_until = observed_until.max(open_until)?;
        anew.is_none_or(|anew| shielded_until < anew)
            .then_some(shielded_until)
    }
}
