//! The programme in a form that a shard can ask: cohorts by number, allowances by class, midnights as instants.

use std::collections::BTreeSet;

use crate::calendar::{Calendar, Day, ZoneError};
use crate::cycle::CLOSES_AFTER_DAYS;
use crate::decision::Action;
use crate::interned::Interned;
use crate::registry::{self, Class, OnExhausted};

/// The classes that can have an allowance, in the order of [`Class::ALL`]; a class's place is its index.
pub(crate) const ALLOWANCES: [Class; 3] = [Class::Education, Class::System, Class::Other];

/// The longest time until a month closes.
const CLOSES_AFTER_DAYS_MAX: u16 = 366;

/// The compiled programme in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programme {
    /// As the registry told it; none before the first.
    source: Option<registry::Programme>,
    /// By cohort number; a cohort that enrolments name and the programme does not has no rules.
    cohorts: Vec<Option<CohortRules>>,
}

/// What a cohort may use.
#[derive(Clone, Debug)]
pub(crate) struct CohortRules {
    /// The local midnight from which on the cohort is enforced.
    pub(crate) enforce_at_ms: Option<i64>,
    /// Whether that midnight has come, by the shard's clock.
    pub(crate) enforced: bool,
    /// Percent, rising.
    pub(crate) thresholds: Vec<u16>,
    /// By the index of the class.
    pub(crate) allowances: [Option<AllowanceRules>; ALLOWANCES.len()],
}

/// A month's bytes of a class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllowanceRules {
    pub(crate) limit_bytes: u64,
    pub(crate) on_exhausted: OnExhausted,
}

impl AllowanceRules {
    /// What a class may do once its allowance is exhausted.
    pub(crate) fn action_when_exhausted(&self) -> Action {
        match self.on_exhausted {
            OnExhausted::Block => Action::Block,
            OnExhausted::Throttle { kbit_s } => Action::Throttle { kbit_s },
            OnExhausted::Notify => Action::Allow,
        }
    }
}

/// A programme that no shard can follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgrammeError {
    #[error(transparent)]
    Zone(#[from] ZoneError),
    #[error("months close {found} days after their end; name at most {CLOSES_AFTER_DAYS_MAX}")]
    ClosesAfter { found: u16 },
    #[error("unknown traffic is charged to `unknown`; name education, system or other")]
    ChargedToUnknown,
    #[error("the programme has two cohorts {0:?}; keep one")]
    CohortTwice(String),
    #[error("cohort {cohort:?} has two allowances {id:?}; keep one")]
    AllowanceTwice { cohort: String, id: String },
    #[error("the thresholds of cohort {cohort:?} do not rise; write them in order, each once")]
    Thresholds { cohort: String },
}

/// Checks what a shard would halt on.
///
/// # Errors
/// A zone that cannot be read; contradictions among the cohorts.
pub fn check(programme: &registry::Programme) -> Result<(), ProgrammeError> {
    calendar_of(programme)?;
    if programme.closes_after_days > CLOSES_AFTER_DAYS_MAX {
        return Err(ProgrammeError::ClosesAfter {
            found: programme.closes_after_days,
        });
    }
    if programme.unknown_charged_to == Class::Unknown {
        return Err(ProgrammeError::ChargedToUnknown);
    }
    let mut known = BTreeSet::new();
    for cohort in &programme.cohorts {
        if !known.insert(&cohort.id) {
            return Err(ProgrammeError::CohortTwice(cohort.id.clone()));
        }
        check_cohort(cohort)?;
    }
    Ok(())
}

fn check_cohort(cohort: &registry::Cohort) -> Result<(), ProgrammeError> {
    let mut classes = BTreeSet::new();
    for allowance in &cohort.allowances {
        let cohort = cohort.id.clone();
        if !classes.insert(allowance.id.clone()) {
            return Err(ProgrammeError::AllowanceTwice {
                cohort,
                id: allowance.id.clone(),
            });
        }
    }
    if !cohort.thresholds.is_sorted_by(|a, b| a < b) {
        return Err(ProgrammeError::Thresholds {
            cohort: cohort.id.clone(),
        });
    }
    Ok(())
}

/// The calendar of the programme's zone.
pub(crate) fn calendar_of(programme: &registry::Programme) -> Result<Calendar, ZoneError> {
    Calendar::from_tzif(&programme.timezone, &programme.tzif_hex)
}

impl Programme {
    /// Compiles a programme that passed [`check`]. A cohort is enforced from the start where its midnight lies at or
    /// before the clock.
    pub(crate) fn new(
        source: registry::Programme,
        calendar: &Calendar,
        names: &mut Interned<String>,
        clock_ms: i64,
    ) -> Programme {
        let mut cohorts = Vec::new();
        for cohort in &source.cohorts {
            let number = names.number(&cohort.id) as usize;
            if cohorts.len() <= number {
                cohorts.resize_with(number + 1, || None);
            }
            cohorts[number] = Some(CohortRules::new(cohort, calendar, clock_ms));
        }
        Programme {
            source: Some(source),
            cohorts,
        }
    }

    /// The rules of a cohort, where the programme has any.
    pub(crate) fn cohort(&self, number: u32) -> Option<&CohortRules> {
        self.cohorts.get(number as usize)?.as_ref()
    }

    /// The class whose allowance pays for unknown traffic: none before the first programme.
    pub(crate) fn unknown_charged_to(&self) -> Class {
        let source = self.source.as_ref();
        source.map_or(Class::Unknown, |source| source.unknown_charged_to)
    }

    /// Civil days from the end of a month until it closes.
    pub(crate) fn closes_after_days(&self) -> u16 {
        let source = self.source.as_ref();
        source.map_or(CLOSES_AFTER_DAYS, |source| source.closes_after_days)
    }

    /// The version in force; empty before the first.
    pub(crate) fn version(&self) -> &str {
        self.source
            .as_ref()
            .map_or("", |source| &source.policy_version)
    }

    /// The next midnight at which a cohort begins to be enforced.
    pub(crate) fn next_enforcement_ms(&self) -> Option<i64> {
        let waiting = self
            .cohorts
            .iter()
            .flatten()
            .filter(|rules| !rules.enforced);
        waiting.filter_map(|rules| rules.enforce_at_ms).min()
    }

    /// Marks the cohorts whose midnight it is, and says which ones they are, by number.
    pub(crate) fn begin_enforcement(&mut self, at_ms: i64) -> Vec<bool> {
        let mut begun = vec![false; self.cohorts.len()];
        for (begins, rules) in begun.iter_mut().zip(&mut self.cohorts) {
            if let Some(rules) = rules
                && !rules.enforced
                && rules.enforce_at_ms.is_some_and(|from| from <= at_ms)
            {
                rules.enforced = true;
                *begins = true;
            }
        }
        begun
    }

    pub(crate) fn source(&self) -> Option<&registry::Programme> {
        self.source.as_ref()
    }
}

impl CohortRules {
    fn new(cohort: &registry::Cohort, calendar: &Calendar, clock_ms: i64) -> CohortRules {
        let mut allowances = [None; ALLOWANCES.len()];
        for allowance in &cohort.allowances {
            allowances[(allowance.scope as usize).min(2)] = Some(AllowanceRules {
                limit_bytes: allowance.bytes,
                on_exhausted: allowance.on_exhausted,
            });
        }
        let enforce_at_ms = cohort
            .enforce_from
            .map(|date| calendar.midnight(Day::of(date)));
        CohortRules {
            enforce_at_ms,
            enforced: enforce_at_ms.is_some_and(|from| from <= clock_ms),
            thresholds: cohort.thresholds.clone(),
            allowances,
        }
    }

    /// The allowance of a class, if it has one.
    pub(crate) fn allowance(&self, class: Class) -> Option<&AllowanceRules> {
        self.allowances.get(class.index())?.as_ref()
    }
}
