//! The registry's commands (section 12).

use std::sync::Arc;

use super::{Because, Shard};
use crate::registry::{Command, Grant, Message};
use crate::rules::{GrantEntry, Rules, TOLERANCE};
use crate::zone::Zone;

impl Rules {
    /// What a command about more than one SIM says from here on (R3).
    pub(super) fn apply(&mut self, command: &Command) {
        match command {
            Command::Programme(programme) => {
                self.zone = Zone::named(&programme.timezone).unwrap_or(self.zone);
                self.programme = Some(Arc::new(programme.clone()));
            }
            Command::Calendar { entries } => self.spans = Arc::new(entries.clone()),
            Command::Catalogue(catalogue) => self.catalogues.push(Arc::new(catalogue.clone())),
            Command::Feed(feed) => {
                // A feed's id has at most 16 bytes; none else can have rows.
                if let Ok(id) = feed.id.parse() {
                    let told = feed.future_tolerance_ms;
                    let least = self.least_tolerances.entry(id).or_insert(TOLERANCE);
                    *least = told.min(*least);
                    self.feeds.insert(id, feed.clone());
                }
            }
            Command::Grant(grant) => self.grants.push(GrantEntry {
                grant: grant.clone(),
                void: false,
            }),
            Command::Void { grant, .. } => {
                if let Some(place) = self.grant(grant) {
                    self.grants[place].void = true;
                }
            }
            _ => (),
        }
    }
}

impl Shard {
    /// Applies a command that was checked.
    pub(super) fn command(&mut self, revision: u64, message: &Message, offset: u64) {
        self.advance(message.entered_at_ms, offset);
        let at = self.now();
        let because = |reason: &'static str| Because::new(reason, at, offset);
        let command = &message.command;
        match command {
            Command::Programme(programme) => {
                if let Some(zone) = Zone::named(&programme.timezone) {
                    self.rules.zone = zone;
                    self.pass_midnights(zone.date(at), Some(at), offset);
                }
                self.rules.apply(command);
                self.number_accounts();
                self.close(self.today);
                let all: Vec<usize> = (0..self.sims.len()).collect();
                for &sim in &all {
                    self.follow_rules(sim, at);
                    self.open_current(sim);
                    self.touch_ended(sim, at);
                    self.settle(sim, &because("policy_changed"));
                }
                self.decide_many(&all, &because("policy_changed"));
            }
            Command::Calendar { .. } => {
                self.rules.apply(command);
                self.move_holding_day();
                let all: Vec<usize> = (0..self.sims.len()).collect();
                for &sim in &all {
                    self.touch_ended(sim, at);
                    // Alerts end with the standing of their cycle, so before it is over.
                    self.settle(sim, &because("policy_changed"));
                    self.drop_cycles(sim);
                }
                self.decide_many(&all, &because("policy_changed"));
            }
            Command::Catalogue(_) | Command::Feed(_) => self.rules.apply(command),
            Command::Enrol(enrol) => self.enrol(enrol, revision, at, offset),
            Command::Retire { sim, at: day } => self.retire(*sim, *day, revision, at, offset),
            Command::Opening(opening) => self.opening(opening, at, offset),
            Command::Grant(grant) => {
                self.rules.apply(command);
                self.grant_changes(grant, &because("granted"));
            }
            Command::Void { grant, .. } => {
                let known = self
                    .rules
                    .grant(grant)
                    .map(|place| self.rules.grants[place].grant.clone());
                self.rules.apply(command);
                if let Some(grant) = known {
                    self.grant_changes(&grant, &because("policy_changed"));
                }
            }
            Command::Breaker { action, cohort } => {
                self.breaker(*action, cohort, &because("released"))
            }
            Command::Logic { .. } => (),
        }
    }

    /// A grant is entered, or void: SIMs that it names are looked at.
    fn grant_changes(&mut self, grant: &Grant, because: &Because) {
        let named = |shard: &Shard, sim: usize| match (&grant.sim, &grant.cohort) {
            (Some(name), _) => shard.sims[sim].name == *name,
            (None, Some(cohort)) => shard.is_in(sim, cohort),
            (None, None) => false,
        };
        let sims: Vec<usize> = (0..self.sims.len())
            .filter(|&sim| named(self, sim))
            .collect();
        for &sim in &sims {
            self.settle(sim, because);
        }
        if grant.sim.is_some() {
            for sim in sims {
                self.decide(sim, because);
            }
        } else {
            self.decide_many(&sims, because);
        }
    }
}
