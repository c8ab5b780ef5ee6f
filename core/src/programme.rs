//! The programme in a form that a shard can ask: cohorts by number, allowances in their order.

use std::collections::BTreeSet;

use crate::cycle::{Account, CLOSES_AFTER_DAYS};
use crate::decision::Action;
use crate::interned::Interned;
use crate::registry::{self, Breaker, Class, OnExhausted, Period, Scope};
use crate::zone::{Day, Zone, ZoneError};

/// The longest time until a cycle closes.
const CLOSES_AFTER_DAYS_MAX: u16 = 366;
/// The longest cycle that is counted in days.
const PERIOD_DAYS_MAX: u16 = 366;

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
    /// The day from which on the cohort is enforced.
    pub(crate) enforce_from: Option<Day>,
    /// Whether that day has come, by the shard's clock.
    pub(crate) enforced: bool,
    /// Percent, rising.
    pub(crate) thresholds: Vec<u16>,
    /// In the programme's order.
    pub(crate) allowances: Vec<AllowanceRules>,
    pub(crate) restore_over_ms: u32,
    pub(crate) breaker: Breaker,
}

/// Bytes of a class, or of all traffic, in a period.
#[derive(Clone, Debug)]
pub(crate) struct AllowanceRules {
    /// The account's number.
    pub(crate) account: u16,
    pub(crate) scope: Scope,
    pub(crate) every: Period,
    pub(crate) limit_bytes: u64,
    pub(crate) rollover_max_bytes: u64,
    on_exhausted: OnExhausted,
}

impl AllowanceRules {
    /// What its classes may do once it is exhausted.
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
    #[error("cycles close {found} days after their end; name at most {CLOSES_AFTER_DAYS_MAX}")]
    ClosesAfter { found: u16 },
    #[error("unknown traffic is charged to `unknown`; name education, system or other")]
    ChargedToUnknown,
    #[error("the programme has two cohorts {0:?}; keep one")]
    CohortTwice(String),
    #[error("cohort {cohort:?} has two allowances {id:?}; keep one")]
    AllowanceTwice { cohort: String, id: String },
    #[error(
        "allowance {id:?} of cohort {cohort:?} is for every {found} days; name 1 to {PERIOD_DAYS_MAX}"
    )]
    Period {
        cohort: String,
        id: String,
        found: u16,
    },
    #[error(
        "allowance {id:?} of cohort {cohort:?} throttles to 0 kbit/s; name a rate, or block instead"
    )]
    Rate { cohort: String, id: String },
    #[error(
        "the thresholds of cohort {cohort:?} do not rise from 1 to 100 percent; write them in order, each once"
    )]
    Thresholds { cohort: String },
    #[error("the breaker of cohort {cohort:?} has a share of {found} ‰; name at most 1000")]
    Breaker { cohort: String, found: u16 },
}

/// Checks what a shard would halt on.
///
/// # Errors
/// A zone that cannot be read; contradictions among the cohorts.
pub fn check(programme: &registry::Programme) -> Result<(), ProgrammeError> {
    zone_of(programme)?;
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
    let mut ids = BTreeSet::new();
    for allowance in &cohort.allowances {
        let (cohort, id) = (cohort.id.clone(), allowance.id.clone());
        if !ids.insert(&allowance.id) {
            return Err(ProgrammeError::AllowanceTwice { cohort, id });
        }
        if let Period::Days(found) = allowance.every
            && !(1..=PERIOD_DAYS_MAX).contains(&found)
        {
            return Err(ProgrammeError::Period { cohort, id, found });
        }
        if allowance.on_exhausted == (OnExhausted::Throttle { kbit_s: 0 }) {
            return Err(ProgrammeError::Rate { cohort, id });
        }
    }
    let cohort_id = cohort.id.clone();
    let percents = &cohort.thresholds;
    if !percents.is_sorted_by(|a, b| a < b) || !percents.iter().all(|p| (1..=100).contains(p)) {
        return Err(ProgrammeError::Thresholds { cohort: cohort_id });
    }
    let found = cohort.breaker.share_permille;
    if found > 1000 {
        return Err(ProgrammeError::Breaker {
            cohort: cohort_id,
            found,
        });
    }
    Ok(())
}

/// The programme's zone.
pub(crate) fn zone_of(programme: &registry::Programme) -> Result<Zone, ZoneError> {
    Zone::from_tzif(&programme.timezone, &programme.tzif_hex)
}

impl Programme {
    /// Compiles a programme that passed [`check`]. A cohort is enforced where its day is today or was before.
    pub(crate) fn new(
        source: registry::Programme,
        today: Day,
        names: &mut Interned<String>,
        accounts: &mut Interned<Account>,
    ) -> Programme {
        let mut cohorts = Vec::new();
        for cohort in &source.cohorts {
            let number = names.number(&cohort.id) as usize;
            if cohorts.len() <= number {
                cohorts.resize_with(number + 1, || None);
            }
            cohorts[number] = Some(CohortRules::new(cohort, today, accounts));
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

    /// The rules of all cohorts that have any.
    pub(crate) fn all(&self) -> impl Iterator<Item = &CohortRules> {
        self.cohorts.iter().flatten()
    }

    /// The class whose allowances pay for a class: before the first programme, each its own.
    pub(crate) fn payer(&self, class: Class) -> Class {
        match (class, &self.source) {
            (Class::Unknown, Some(source)) => source.unknown_charged_to,
            _ => class,
        }
    }

    /// Civil days from the end of a cycle until it closes.
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

    /// Marks the cohorts whose day it is, and says which ones they are, by number.
    pub(crate) fn begin_enforcement(&mut self, today: Day) -> Vec<bool> {
        let begun = self.cohorts.iter_mut().map(|rules| {
            let begins = |rules: &&mut CohortRules| {
                !rules.enforced && rules.enforce_from.is_some_and(|from| from <= today)
            };
            match rules.as_mut().filter(begins) {
                Some(rules) => {
                    rules.enforced = true;
                    true
                }
                None => false,
            }
        });
        begun.collect()
    }

    /// Whether a type allocation code is a tablet's, beside those of the enrolled devices.
    pub(crate) fn is_tablet(&self, tac: u32) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|source| source.tablet_tacs.contains(&tac))
    }

    /// Whether a type allocation code is a router's.
    pub(crate) fn is_router(&self, tac: u32) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|source| source.router_tacs.contains(&tac))
    }

    pub(crate) fn source(&self) -> Option<&registry::Programme> {
        self.source.as_ref()
    }
}

impl CohortRules {
    fn new(cohort: &registry::Cohort, today: Day, accounts: &mut Interned<Account>) -> CohortRules {
        let allowances = cohort.allowances.iter().map(|allowance| {
            let account = Account {
                id: allowance.id.clone(),
                scope: allowance.scope,
                period: allowance.every,
            };
            let number = accounts.number(&account);
            assert!(number <= u32::from(u16::MAX), "fewer than 2¹⁶ accounts");
            AllowanceRules {
                account: number as u16,
                scope: allowance.scope,
                every: allowance.every,
                limit_bytes: allowance.bytes,
                rollover_max_bytes: allowance.rollover_max_bytes,
                on_exhausted: allowance.on_exhausted,
            }
        });
        let allowances = allowances.collect();
        let enforce_from = cohort.enforce_from.map(Day::of);
        CohortRules {
            enforce_from,
            enforced: enforce_from.is_some_and(|from| from <= today),
            thresholds: cohort.thresholds.clone(),
            allowances,
            restore_over_ms: cohort.restore_over_ms,
            breaker: cohort.breaker,
        }
    }

    /// The rules of an account, where the cohort has any.
    pub(crate) fn account(&self, account: u16) -> Option<&AllowanceRules> {
        self.allowances.iter().find(|a| a.account == account)
    }

    /// The allowances whose exhaustion cuts a class, in their order.
    pub(crate) fn covering(&self, class: Class) -> impl Iterator<Item = &AllowanceRules> {
        let covering = move |a: &&AllowanceRules| a.scope.covers(class);
        self.allowances.iter().filter(covering)
    }

    /// The allowance that quota alerts speak of.
    pub(crate) fn alerting(&self) -> Option<&AllowanceRules> {
        let mut allowances = self.allowances.iter();
        allowances.find(|allowance| allowance.scope == Scope::Education)
    }
}
