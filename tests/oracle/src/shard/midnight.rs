//! Midnights, and the seven steps of each (D4, D5, D6).

use super::{Because, Shard};
use crate::day::Day;
use crate::registry::Span;
use crate::watch::is_deaf;

impl Shard {
    /// Passes all midnights up to a day. Their effects carry the midnight as their time, or `at` where a new zone says a
    /// later date (D6).
    pub(super) fn pass_midnights(&mut self, until: Day, at: Option<i64>, offset: u64) {
        while self.today < until {
            let next = self.today.plus(1);
            self.midnight(
                next,
                at.unwrap_or_else(|| self.rules.zone.midnight(next)),
                offset,
            );
        }
    }

    fn midnight(&mut self, today: Day, at: i64, offset: u64) {
        self.end_of_day(today, &Because::new("", at, offset));
        // Which cycle is current, and which grants and entries hold, is asked of today, in every step.
        self.steps.cycles = today;
        self.steps.grants = today;
        self.steps.calendar = today;
        self.assignments_begin_and_end(today, at, offset);
        for sim in 0..self.sims.len() {
            if self.begin_cycles(sim, today, at) {
                let because = Because::new("reset", at, offset);
                self.settle(sim, &because);
                self.decide(sim, &because);
            }
        }
        self.grants_begin_and_end(today, at, offset);
        self.close(today);
        self.calendar_changes(today, at, offset);
        self.enforcement_begins(today, at, offset);
    }

    /// Step 1: the booked day ends.
    fn end_of_day(&mut self, today: Day, because: &Because) {
        let ended = self.today;
        self.today = today;
        let heard = !is_deaf(&self.rules.zone.school_hours(ended), &self.heard);
        for sim in 0..self.sims.len() {
            if self.has_left(sim) {
                self.sims[sim].idle.days = 0;
            } else {
                self.watch_idle(sim, ended, heard, because);
            }
            self.watch_sharing_end(sim, ended, because);
            self.watch_grant_end(sim, because);
            self.watch_grants(sim, because);
        }
        self.tell_held(because);
    }

    /// Step 2.
    fn assignments_begin_and_end(&mut self, today: Day, at: i64, offset: u64) {
        let yesterday = self.steps.assignments;
        let before: Vec<_> = self
            .sims
            .iter()
            .map(|sim| super::enrol::Standing::of(sim, yesterday))
            .collect();
        self.steps.assignments = today;
        for (sim, before) in before.into_iter().enumerate() {
            let begins = self.sims[sim].assignments.contains_key(&today);
            let present = self.sims[sim].present(today);
            let ends = present.is_some_and(|present| present.valid_until == Some(today));
            if !begins && !ends {
                continue;
            }
            let leaves = self.has_left(sim) && !before.has_left;
            let because = Because::new(
                if leaves { "retired" } else { "policy_changed" },
                at,
                offset,
            );
            self.reassign(sim, &before, &because);
            self.settle(sim, &because);
            self.decide(sim, &because);
        }
    }

    /// Step 4.
    fn grants_begin_and_end(&mut self, today: Day, at: i64, offset: u64) {
        for sim in 0..self.sims.len() {
            let (mut begins, mut ends) = (false, false);
            let cohort = self.sims[sim].cohort(today);
            for entry in &self.rules.grants {
                let has = self.rules.has(self.sims[sim].name, cohort, entry);
                begins |= has && entry.grant.valid_from == today;
                ends |= has && entry.grant.valid_until == today;
            }
            if !begins && !ends {
                continue;
            }
            let because = Because {
                if_stricter: Some("exhausted"),
                ..Because::new("granted", at, offset)
            };
            self.settle(sim, &because);
            self.decide(sim, &because);
        }
    }

    /// Step 6.
    fn calendar_changes(&mut self, today: Day, at: i64, offset: u64) {
        let changes =
            |span: &&Span| span.opens.is_some() && (span.from == today || span.to.plus(1) == today);
        let spans = self.rules.spans.clone();
        let changing: Vec<&Span> = spans.iter().filter(changes).collect();
        for sim in 0..self.sims.len() {
            let cohort = self.sims[sim].cohort(today).unwrap_or_default();
            if changing.iter().any(|span| span.is_for(cohort)) {
                self.decide(sim, &Because::new("calendar", at, offset));
            }
        }
    }

    /// Step 7.
    fn enforcement_begins(&mut self, today: Day, at: i64, offset: u64) {
        self.steps.enforcement = today;
        for sim in 0..self.sims.len() {
            let begins = self
                .rules_of(sim)
                .is_some_and(|cohort| cohort.enforce_from == Some(today));
            if begins {
                let because = Because::new("enforcement_started", at, offset);
                self.open_current(sim);
                self.touch_ended(sim, at);
                self.settle(sim, &because);
                self.decide(sim, &because);
            }
        }
    }
}
