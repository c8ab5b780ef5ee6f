//! Commands about the programme and about SIMs (sections 7 and 8 of `docs/semantics.md`).

use std::collections::BTreeMap;

use super::account::{DECIDED, Enrolled, place};
use super::decide::Why;
use super::quotas::Quotas;
use super::{AlertKind, Reason};
use crate::policy::{Class, Grant, Programme};
use crate::population::{Device, Imsi};
use crate::zone::{Date, month_of, next_month};

/// A SIM that is enrolled.
#[derive(Clone, Copy, Debug)]
pub struct Enrolment<'a> {
    pub imsi: Imsi,
    pub cohort: &'a str,
    pub province: &'a str,
    pub device: Option<Device>,
    pub valid_from: Date,
}

/// What a SIM brings along into an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    pub imsi: Imsi,
    /// The allowance's class, which is its id.
    pub allowance: Class,
    pub used_bytes: u64,
    /// A day of the cycle that it is for.
    pub as_of: Date,
    pub revision: u32,
}

impl Quotas {
    /// A new programme replaces the one before.
    pub(super) fn set_programme(&mut self, programme: Programme, at_ms: i64) {
        let today = self.today();
        let begun = programme
            .cohorts
            .iter()
            .filter(|c| c.enforce_from.is_some_and(|from| from <= today));
        self.begun = begun.map(|c| c.id).collect();
        let valid = |(place, grant): (usize, &Grant)| {
            (grant.valid_from <= today && today < grant.valid_until).then_some(place)
        };
        self.valid_grants = programme
            .grants
            .iter()
            .enumerate()
            .filter_map(valid)
            .collect();
        let current = month_of(today);
        for sim in self.sims.values_mut() {
            sim.grants_used.resize(programme.grants.len(), 0);
            let Some(cohort) = programme.cohort(&sim.cohort) else {
                continue;
            };
            for (_, accounts) in sim.accounts.range_mut(current..) {
                for (class, account) in DECIDED.into_iter().zip(accounts) {
                    if let (Some(account), Some(allowance)) = (account, cohort.allowance(class)) {
                        account.limit = allowance.bytes + account.rolled;
                    }
                }
            }
        }
        self.programme = Some(programme);
        self.settle_all(|_| true, Reason::PolicyChanged, at_ms);
    }

    /// Enrols a SIM, or changes its cohort, place or device; what is held of its days is taken over.
    pub(super) fn enrol(&mut self, enrolment: &Enrolment<'_>, at_ms: i64) {
        let (imsi, today) = (enrolment.imsi, self.today());
        let grants = self.programme.as_ref().map_or(0, |p| p.grants.len());
        let known = self.sims.get(&imsi);
        let new = known.is_none_or(|sim| sim.has_left(today));
        let other_device = known.is_some_and(|sim| sim.device != enrolment.device);
        let sim = self.sims.entry(imsi).or_insert_with(|| Enrolled {
            cohort: String::new(),
            place: 0,
            device: None,
            valid_from: enrolment.valid_from,
            valid_until: None,
            accounts: BTreeMap::new(),
            grants_used: vec![0; grants],
            last: [None; 3],
            blocks: [None; 3],
            quota_alerts: Default::default(),
            idle: Default::default(),
            moved: Default::default(),
            sharing: Default::default(),
            expiring: None,
        });
        enrolment.cohort.clone_into(&mut sim.cohort);
        sim.place = place_of(&mut self.places, enrolment);
        sim.device = enrolment.device;
        sim.valid_from = enrolment.valid_from;
        sim.valid_until = None;
        if other_device && let Some((of, change)) = sim.moved.end() {
            self.alert(imsi, AlertKind::SimMoved, of.to_string(), change, at_ms);
        }
        let mut cycle = month_of(enrolment.valid_from);
        while cycle <= month_of(today) {
            if !self.is_closed(cycle) {
                self.open_accounts(imsi, cycle);
            }
            cycle = next_month(cycle);
        }
        self.take_over(imsi);
        let reason = if new {
            Reason::Enrolled
        } else {
            Reason::PolicyChanged
        };
        self.settle(imsi, Why::of(reason, at_ms), new);
    }

    fn take_over(&mut self, imsi: Imsi) {
        for (day, bytes) in self.held.remove(&imsi).unwrap_or_default() {
            if !self.is_enrolled(imsi, day) || self.is_closed(month_of(day)) {
                self.held.entry(imsi).or_default().insert(day, bytes);
                continue;
            }
            for class in [
                Class::Education,
                Class::System,
                Class::Other,
                Class::Unknown,
            ] {
                self.charge(imsi, day, class, bytes[class as usize]);
            }
        }
    }

    /// A SIM leaves at the midnight of a date that has begun.
    pub(super) fn retire(&mut self, imsi: Imsi, at: Date, at_ms: i64) {
        let Some(sim) = self.sims.get_mut(&imsi) else {
            return;
        };
        sim.valid_until = Some(sim.valid_until.map_or(at, |until| until.min(at)));
        self.end_alerts(imsi, at_ms);
        self.settle(imsi, Why::of(Reason::Retired, at_ms), false);
    }

    /// What a SIM brings along.
    pub(super) fn open(&mut self, opening: &Opening, at_ms: i64) {
        let cycle = month_of(opening.as_of);
        let open = !self.is_closed(cycle);
        let accounts = self.sims.get_mut(&opening.imsi);
        let accounts = accounts.and_then(|sim| sim.accounts.get_mut(&cycle));
        let account = accounts.and_then(|all| all[place(opening.allowance)].as_mut());
        if let Some(account) = account.filter(|_| open) {
            account.open_with(opening.used_bytes, opening.revision);
        }
        self.settle(opening.imsi, Why::of(Reason::PolicyChanged, at_ms), false);
    }
}

fn place_of(places: &mut Vec<(String, String)>, enrolment: &Enrolment<'_>) -> usize {
    let wanted = (enrolment.province, enrolment.cohort);
    let known = places
        .iter()
        .position(|place| (place.0.as_str(), place.1.as_str()) == wanted);
    known.unwrap_or_else(|| {
        places.push((wanted.0.to_owned(), wanted.1.to_owned()));
        places.len() - 1
    })
}
