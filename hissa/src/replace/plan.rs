//! What a replacement enters. Pure.

use hissa_core::registry::{Command, Enrolment, Opening, Retirement};
use hissa_core::sim::SimId;
use jiff::civil::Date;

use crate::import::commands::name;
use crate::import::cuts::{Balance, Rules};
use crate::import::plan::json;
use crate::import::registry_view::{TagEntry, sim_key, tag_key};
use crate::import::sim_history::SimHistory;
use crate::import::{ImportError, RegistryView};

/// One SIM takes the place of another.
pub struct Replacement<'v> {
    pub view: &'v RegistryView,
    pub old: SimId,
    pub new: SimId,
    /// The first day of the new one.
    pub at: Date,
}

/// Commands for the registry, and values for the directory.
pub type Entries = (Vec<Command>, Vec<(String, Option<String>)>);

impl Replacement<'_> {
    /// The old one retires, the new one is enrolled where it was (unless it is enrolled already), and brings along what
    /// is used. Entered before, it changes nothing; with other balances, it states them anew.
    ///
    /// # Errors
    /// The old SIM is not enrolled on that day.
    pub fn plan(&self, used: &[Balance]) -> Result<Entries, ImportError> {
        let (view, at) = (self.view, self.at);
        let old = view.sims.get(&self.old);
        let Some((history, place)) = old.and_then(|of| Some((of, place(of, at)?))) else {
            return Err(ImportError::Refused(vec![format!(
                "{} is not enrolled on {at}: name the SIM that is in the tablet until then, and the first day of the new one",
                name(view, self.old)
            )]));
        };
        let mut commands = Vec::new();
        if history.retired() != Some(at) {
            commands.push(Command::Retire(Retirement { sim: self.old, at }));
        }
        let enrolled = view
            .sims
            .get(&self.new)
            .and_then(|history| history.enrolled_on(at));
        if enrolled.is_none() {
            let ended_by_this = place.valid_until == Some(at);
            commands.push(Command::Enrol(Enrolment {
                sim: self.new,
                valid_from: at,
                valid_until: place.valid_until.filter(|_| !ended_by_this),
                ..place.clone()
            }));
            // Where the tablet was to go later, it goes still.
            let later = history.assignments().iter().filter(|of| of.valid_from > at);
            commands.extend(later.map(|later| {
                Command::Enrol(Enrolment {
                    sim: self.new,
                    ..later.clone()
                })
            }));
        }
        let cohort = enrolled.map_or(place.cohort.as_str(), |enrolled| &enrolled.cohort);
        commands.extend(self.openings(cohort, used));
        Ok((commands, self.directory(enrolled.is_some())?))
    }

    /// What the old SIM has used of each allowance of the new one's cohort, in the cycle of the day.
    fn openings(&self, cohort: &str, used: &[Balance]) -> Vec<Command> {
        let rules = Rules::registered(self.view);
        let allowances = rules.cohort(cohort).map(|cohort| &cohort.allowances);
        let opening = |allowance: &hissa_core::registry::Allowance| {
            let of = (self.new, allowance.id.clone());
            let last = self.view.openings.get(&of);
            let said = last.filter(|last| last.as_of == self.at);
            let balance = rules.current(used, allowance, self.at);
            let used_bytes = balance.map_or(0, |balance| balance.used_bytes);
            if used_bytes == said.map_or(0, |said| said.used_bytes) {
                return None;
            }
            Some(Command::Opening(Opening {
                sim: self.new,
                allowance: allowance.id.clone(),
                used_bytes,
                as_of: self.at,
                revision: last.map_or(1, |last| last.revision + 1),
            }))
        };
        allowances
            .into_iter()
            .flatten()
            .filter_map(opening)
            .collect()
    }

    /// The tag goes with the tablet, unless the new SIM has one of its own.
    fn directory(&self, is_enrolled: bool) -> Result<Vec<(String, Option<String>)>, ImportError> {
        let Some(entry) = self.view.entry(self.old) else {
            return Ok(Vec::new());
        };
        if is_enrolled || self.view.entry(self.new).is_some() {
            return Ok(Vec::new());
        }
        let tag = TagEntry { sim: self.new };
        Ok(vec![
            (sim_key(self.new), Some(json(&entry)?)),
            (tag_key(&entry.asset_tag), Some(json(&tag)?)),
        ])
    }
}

/// The assignment that a SIM has on a day, or would have, if it did not retire on it.
fn place(history: &SimHistory, at: Date) -> Option<&Enrolment> {
    history.enrolled_on(at).or_else(|| {
        let before = at.yesterday().ok()?;
        let retires = history.retired() == Some(at);
        retires.then(|| history.enrolled_on(before)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use hissa_core::registry::{Class, Cohort, Entered, OnExhausted, Place, Programme};

    use super::*;
    use crate::config::quantity;

    const OLD: SimId = SimId([1; 16]);
    const NEW: SimId = SimId([2; 16]);

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn enter(view: &mut RegistryView, commands: Vec<Command>) {
        for command in commands {
            let entered = Entered {
                entered_at_ms: 0,
                command,
            };
            view.enter(entered, false);
        }
    }

    fn view() -> RegistryView {
        let allowance = |id: &str, every: &str| hissa_core::registry::Allowance {
            id: id.into(),
            scope: hissa_core::registry::Scope::Education,
            bytes: 20,
            every: quantity::period(every).unwrap(),
            rollover_max_bytes: 0,
            on_exhausted: OnExhausted::Block,
        };
        let mut view = RegistryView::default();
        let programme = Programme {
            id: "p".into(),
            policy_version: "1".into(),
            timezone: "UTC".into(),
            tzif_hex: String::new(),
            closes_after_days: 7,
            unknown_charged_to: Class::Education,
            privacy_k: 10,
            tablet_tacs: Vec::new(),
            router_tacs: Vec::new(),
            cohorts: vec![Cohort {
                id: "a".into(),
                enforce_from: None,
                allowances: vec![allowance("education", "month"), allowance("daily", "day")],
                thresholds: Vec::new(),
                restore_over_ms: 0,
                breaker: hissa_core::registry::Breaker::default(),
            }],
        };
        let enrol = Command::Enrol(Enrolment {
            sim: OLD,
            device: None,
            device_tac: 35_209_912,
            cohort: "a".into(),
            valid_from: day("2026-02-01"),
            valid_until: Some(day("2026-07-01")),
            place: Place::default(),
        });
        enter(&mut view, vec![Command::Programme(programme), enrol]);
        let entry = r#"{"asset_tag":"T-1","school_name_fr":"","school_name_ar":"","alert_lang":"","admin_groups":[]}"#;
        view.record(&sim_key(OLD), Some(entry.into()));
        view
    }

    fn balance(allowance: &str, cycle: &str, used_bytes: u64) -> Balance {
        Balance {
            allowance: allowance.into(),
            cycle_start: day(cycle),
            limit_bytes: 20,
            granted_bytes: 0,
            used_bytes,
            exhausted: false,
        }
    }

    fn plan(view: &RegistryView, used: &[Balance]) -> Result<Entries, ImportError> {
        let replacement = Replacement {
            view,
            old: OLD,
            new: NEW,
            at: day("2026-03-10"),
        };
        replacement.plan(used)
    }

    fn lines(view: &RegistryView, commands: &[Command]) -> String {
        let plan = crate::import::commands::plan(view, commands.to_vec(), 0).unwrap();
        plan.difference.lines.join("\n")
    }

    #[test]
    fn the_balance_follows_the_tablet() {
        let view = view();
        // The day before is another cycle, and nothing of the new SIM's.
        let used = [
            balance("education", "2026-03-01", 12),
            balance("daily", "2026-03-09", 7),
        ];
        let (commands, directory) = plan(&view, &used).unwrap();
        insta::assert_snapshot!(lines(&view, &commands), @r"
        + T-1: retired from 2026-03-10 on
        + 02020202020202020202020202020202: enrolled in a from 2026-03-10 until 2026-07-01 (exclusive)
        + 02020202020202020202020202020202: brings along 12 bytes of education in the cycle of 2026-03-10
        ");
        assert_eq!(directory.len(), 2);
        assert_eq!(directory[1].0, "tag/T-1");
    }

    #[test]
    fn entered_again_only_what_is_used_since_is_stated() {
        let mut view = view();
        let (commands, directory) = plan(&view, &[balance("education", "2026-03-01", 12)]).unwrap();
        enter(&mut view, commands);
        for (key, value) in directory {
            view.record(&key, value);
        }
        let (commands, directory) = plan(&view, &[balance("education", "2026-03-01", 12)]).unwrap();
        assert_eq!((commands, directory), (Vec::new(), Vec::new()));
        let (commands, _) = plan(&view, &[balance("education", "2026-03-01", 13)]).unwrap();
        let [Command::Opening(opening)] = commands.as_slice() else {
            panic!("{commands:?}");
        };
        assert_eq!((opening.used_bytes, opening.revision), (13, 2));
    }

    #[test]
    fn a_sim_that_is_not_there_cannot_be_replaced() {
        let view = view();
        let replacement = Replacement {
            view: &view,
            old: NEW,
            new: OLD,
            at: day("2026-03-10"),
        };
        let why = replacement.plan(&[]).unwrap_err().to_string();
        assert!(why.contains("is not enrolled on 2026-03-10"), "{why}");
    }
}
