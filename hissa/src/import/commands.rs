//! Commands without a file behind them, against the registry: what `hissa grant`, `breaker` and `sim` enter, and what a
//! demo or a test enters.

use std::collections::{BTreeMap, HashSet};

use hissa_core::registry::{
    CalendarEntries, CalendarKind, Catalogue, Command, Enrolment, Grant, Logic, Opening, Programme,
    Void,
};
use hissa_core::sim::SimId;
use jiff::tz::TimeZone;

use super::ImportError;
use super::catalogue;
use super::describe;
use super::plan::Plan;
use super::registry_view::RegistryView;

/// The rules that this version knows.
const LOGIC: u32 = 1;

/// The plan that enters exactly these commands, in their order. Each is checked against the registry and against those
/// before it, for a shard halts on a command that contradicts itself or what went before. Pure.
///
/// # Errors
/// All that a shard would refuse, and what names a SIM, a cohort or a grant that is not there.
pub fn plan(
    view: &RegistryView,
    commands: Vec<Command>,
    entered_at_ms: i64,
) -> Result<Plan, ImportError> {
    let mut known = Known::of(view);
    let mut refused = Vec::new();
    let mut plan = Plan::default();
    for command in commands {
        if let Err(why) = known.check(&command, entered_at_ms) {
            refused.push(why);
        }
        plan.difference.add_new(|| words(view, &command));
        known.enter(&command);
        plan.commands.push(command);
    }
    if refused.is_empty() {
        Ok(plan)
    } else {
        Err(ImportError::Refused(refused))
    }
}

/// What people call a SIM, or its pseudonym.
pub fn name(view: &RegistryView, sim: SimId) -> String {
    view.entry(sim)
        .map_or_else(|| sim.to_string(), |entry| entry.asset_tag)
}

/// A command in a line.
fn words(view: &RegistryView, command: &Command) -> String {
    match command {
        Command::Programme(told) => {
            format!("programme {}, policy {}", told.id, told.policy_version)
        }
        Command::Calendar(told) => format!("calendar of {} entries", told.entries.len()),
        Command::Catalogue(told) => {
            format!("catalogue {} of {} rules", told.version, told.rules.len())
        }
        Command::Feed(feed) => describe::feed(feed),
        Command::Enrol(told) => {
            let end = match told.valid_until {
                Some(until) => format!(" until {until} (exclusive)"),
                None => String::new(),
            };
            let name = name(view, told.sim);
            format!(
                "{name}: enrolled in {} from {}{end}",
                told.cohort, told.valid_from
            )
        }
        Command::Retire(told) => {
            format!("{}: retired from {} on", name(view, told.sim), told.at)
        }
        Command::Opening(told) => format!(
            "{}: brings along {} bytes of {} in the cycle of {}",
            name(view, told.sim),
            told.used_bytes,
            told.allowance,
            told.as_of
        ),
        Command::Grant(grant) => {
            let sim = grant.sim.map(|sim| name(view, sim));
            let whose = sim.as_deref().or(grant.cohort.as_deref());
            describe::grant(grant, whose.unwrap_or("nobody"))
        }
        Command::Void(void) => format!("grant {} void: what is left of it falls away", void.grant),
        Command::Breaker(order) => {
            let what = match order.action {
                hissa_core::registry::BreakerAction::Release => "what is held goes out",
                hissa_core::registry::BreakerAction::Drop => "what is held stays unsaid",
            };
            format!("breaker of {}: {what}", order.cohort)
        }
        Command::Logic(logic) => format!("rules of version {} from here on", logic.version),
    }
}

/// What the registry would hold after the commands so far, as far as a check asks for it.
struct Known<'v> {
    view: &'v RegistryView,
    zone: TimeZone,
    programme: Option<Programme>,
    catalogues: Vec<Catalogue>,
    sims: HashSet<SimId>,
    /// Whether each is void, and the SIM it is for.
    grants: BTreeMap<String, (bool, Option<SimId>)>,
    openings: Vec<(SimId, String, u32)>,
}

impl Known<'_> {
    fn of(view: &RegistryView) -> Known<'_> {
        Known {
            view,
            zone: view.zone(),
            programme: view.programme.clone(),
            catalogues: view.catalogues.clone(),
            sims: HashSet::new(),
            grants: BTreeMap::new(),
            openings: Vec::new(),
        }
    }

    fn enter(&mut self, command: &Command) {
        match command {
            Command::Programme(told) => {
                let view = RegistryView {
                    programme: Some(told.clone()),
                    ..RegistryView::default()
                };
                self.zone = view.zone();
                self.programme = view.programme;
            }
            Command::Catalogue(told) => self.catalogues.push(told.clone()),
            Command::Enrol(told) => {
                self.sims.insert(told.sim);
            }
            Command::Grant(grant) => {
                self.grants.insert(grant.id.clone(), (false, grant.sim));
            }
            Command::Void(void) => {
                self.grants.insert(void.grant.clone(), (true, void.sim));
            }
            Command::Opening(told) => {
                self.openings
                    .push((told.sim, told.allowance.clone(), told.revision));
            }
            _ => {}
        }
    }

    fn check(&self, command: &Command, entered_at_ms: i64) -> Result<(), String> {
        match command {
            Command::Programme(told) => {
                hissa_core::programme::check(told).map_err(|why| why.to_string())
            }
            Command::Calendar(told) => check_calendar(told),
            Command::Catalogue(told) => {
                let refused = catalogue::judge(&self.catalogues, &self.zone, told, entered_at_ms);
                match refused.into_iter().next() {
                    None => Ok(()),
                    Some(refusal) => Err(format!("{}: {}", refusal.message, refusal.remedy)),
                }
            }
            Command::Feed(_) => Ok(()),
            Command::Enrol(told) => self.check_enrolment(told),
            Command::Retire(told) => self.check_sim(told.sim),
            Command::Opening(told) => self.check_opening(told),
            Command::Grant(grant) => self.check_grant(grant),
            Command::Void(void) => self.check_void(void),
            Command::Breaker(order) => self.check_cohort(&order.cohort),
            Command::Logic(Logic { version: LOGIC }) => Ok(()),
            Command::Logic(logic) => Err(format!(
                "rules of version {} are not known to this version of Hissa, which knows {LOGIC}",
                logic.version
            )),
        }
    }

    fn check_sim(&self, sim: SimId) -> Result<(), String> {
        if self.view.sims.contains_key(&sim) || self.sims.contains(&sim) {
            return Ok(());
        }
        let name = name(self.view, sim);
        Err(format!(
            "{name} was never enrolled: import the roster that has it first"
        ))
    }

    fn check_cohort(&self, id: &str) -> Result<(), String> {
        let Some(programme) = &self.programme else {
            return Err(ImportError::NoProgramme.to_string());
        };
        if programme.cohorts.iter().any(|cohort| cohort.id == id) {
            return Ok(());
        }
        let ids = programme.cohorts.iter().map(|cohort| cohort.id.as_str());
        let remedy = crate::config::grant::nearest(id, ids.clone()).unwrap_or_else(|| {
            let all: Vec<&str> = ids.collect();
            format!("it has {}", all.join(", "))
        });
        Err(format!(
            "the registered programme has no cohort `{id}`: {remedy}"
        ))
    }

    fn check_enrolment(&self, told: &Enrolment) -> Result<(), String> {
        if told
            .valid_until
            .is_some_and(|until| until <= told.valid_from)
        {
            return Err(format!(
                "an enrolment from {} ends before it begins: name a later day",
                told.valid_from
            ));
        }
        self.check_cohort(&told.cohort)
    }

    fn check_opening(&self, told: &Opening) -> Result<(), String> {
        self.check_sim(told.sim)?;
        let of = (told.sim, told.allowance.clone());
        let held = self.view.openings.get(&of).map(|last| last.revision);
        let so_far = self
            .openings
            .iter()
            .filter(|(sim, allowance, _)| (*sim, allowance) == (of.0, &of.1))
            .map(|(_, _, revision)| *revision);
        let last = so_far.chain(held).max().unwrap_or(0);
        if told.revision > last {
            return Ok(());
        }
        Err(format!(
            "an opening of {} has revision {} already: give this one {}",
            told.allowance,
            last,
            last + 1
        ))
    }

    fn check_grant(&self, grant: &Grant) -> Result<(), String> {
        let id = &grant.id;
        if self.grants.contains_key(id) || self.view.grants.contains_key(id) {
            return Err(format!(
                "grant {id} is registered already: give this one a new id"
            ));
        }
        if grant.bytes == 0 || grant.valid_until <= grant.valid_from {
            return Err(format!(
                "grant {id} gives nothing: it needs bytes, and a day between its begin ({}) and its end ({}, exclusive)",
                grant.valid_from, grant.valid_until
            ));
        }
        let cohort = match (&grant.cohort, grant.sim) {
            (Some(cohort), None) => {
                self.check_cohort(cohort)?;
                Some(cohort.as_str())
            }
            (None, Some(sim)) => {
                self.check_sim(sim)?;
                let history = self.view.sims.get(&sim);
                let present = history.and_then(|history| history.present(grant.valid_from));
                present.map(|present| present.cohort.as_str())
            }
            _ => {
                return Err(format!(
                    "grant {id} names a cohort or a SIM, not both or neither"
                ));
            }
        };
        self.check_allowance(cohort, &grant.allowance)
    }

    /// A grant to an allowance that the cohort does not have would wait for it for ever.
    fn check_allowance(&self, cohort: Option<&str>, allowance: &str) -> Result<(), String> {
        let cohorts = self
            .programme
            .iter()
            .flat_map(|programme| &programme.cohorts);
        let mut found = cohorts.filter(|known| Some(known.id.as_str()) == cohort);
        let Some(known) = found.next() else {
            return Ok(());
        };
        let ids: Vec<&str> = known.allowances.iter().map(|of| of.id.as_str()).collect();
        if ids.contains(&allowance) {
            return Ok(());
        }
        Err(format!(
            "cohort {} has no allowance `{allowance}`: it has {}",
            known.id,
            ids.join(", ")
        ))
    }

    fn check_void(&self, void: &Void) -> Result<(), String> {
        let id = &void.grant;
        let held = self.view.grants.get(id);
        let held = held.map(|held| (held.void, held.grant.sim));
        match self.grants.get(id).copied().or(held) {
            None => {
                let ids = self.view.grants.keys().map(String::as_str);
                let remedy = crate::config::grant::nearest(id, ids)
                    .unwrap_or_else(|| "`hissa grant list` shows them".into());
                Err(format!("no grant {id} is registered: {remedy}"))
            }
            Some((true, _)) => Err(format!("grant {id} is void already")),
            Some((false, sim)) if sim != void.sim => {
                Err(format!("grant {id} is for another SIM, or for a cohort"))
            }
            Some((false, _)) => Ok(()),
        }
    }
}

fn check_calendar(told: &CalendarEntries) -> Result<(), String> {
    if let Some(entry) = told.entries.iter().find(|entry| entry.to < entry.from) {
        return Err(format!("{} ends before it begins", describe::entry(entry)));
    }
    let mut terms: Vec<_> = told
        .entries
        .iter()
        .filter(|entry| entry.kind == CalendarKind::Term)
        .collect();
    terms.sort_by_key(|entry| entry.from);
    match terms.windows(2).find(|pair| pair[1].from <= pair[0].to) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "{} and {} overlap",
            describe::entry(pair[0]),
            describe::entry(pair[1])
        )),
    }
}
