//! Programme, SIMs and balances, and the commands about them (sections 7 and 8 of `docs/semantics.md`).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::account::{Account, ByClass, DECIDED, Enrolled, place};
use super::decide::Why;
use super::{AlertChange, AlertKind, Balance, Change, Decision, GrantUse, Order, Reason};
use crate::policy::{Class, Cohort, Programme};
use crate::population::{Device, Imsi};
use crate::zone::{Date, month_of, next_month, plus_days};

/// Everything that depends on a policy.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    pub(super) programme: Option<Programme>,
    /// The local date of the clock; none before the first command.
    pub(super) today: Option<Date>,
    /// Cohorts whose enforcement has begun.
    pub(super) begun: Vec<&'static str>,
    /// Places of the grants that are valid today.
    pub(super) valid_grants: Vec<usize>,
    pub(super) sims: BTreeMap<Imsi, Enrolled>,
    /// Provinces and cohorts of SIMs.
    pub(super) places: Vec<(String, String)>,
    /// Bytes of days on which SIMs are not enrolled.
    held: BTreeMap<Imsi, BTreeMap<Date, ByClass>>,
    /// Hours (UTC, since 1970) in which anything was delivered.
    pub(super) heard: HashSet<i64>,
    pub(super) decisions: Vec<Decision>,
    pub(super) alerts: Vec<AlertChange>,
    revisions: HashMap<(Imsi, AlertKind, String), u32>,
}

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
        let valid = |(place, grant): (usize, &crate::policy::Grant)| {
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

    /// Whether a SIM counts on a usage day.
    pub(super) fn is_enrolled(&self, imsi: Imsi, usage_day: Date) -> bool {
        self.sims.get(&imsi).is_some_and(|sim| sim.on(usage_day))
    }

    /// Whether a month (by its first day) is closed.
    pub(super) fn is_closed(&self, month: Date) -> bool {
        let days = self.programme.as_ref().map_or(7, |p| p.closes_after_days);
        self.today() >= plus_days(next_month(month), days)
    }

    /// Keeps the bytes of a SIM that is not enrolled.
    pub(super) fn hold(&mut self, imsi: Imsi, usage_day: Date, class: Class, bytes: u64) {
        let days = self.held.entry(imsi).or_default();
        days.entry(usage_day).or_default()[class as usize] += bytes;
    }

    /// Opens the balances of a month for which the SIM has none yet.
    pub(super) fn open_accounts(&mut self, imsi: Imsi, cycle: Date) {
        let Some((sim, cohort)) = of(&mut self.sims, self.programme.as_ref(), imsi) else {
            return;
        };
        if !sim.in_month(cycle) {
            return;
        }
        let accounts = sim.accounts.entry(cycle).or_default();
        for (class, account) in DECIDED.into_iter().zip(accounts) {
            if let (None, Some(allowance)) = (&account, cohort.allowance(class)) {
                *account = Some(Account {
                    limit: allowance.bytes,
                    ..Account::default()
                });
            }
        }
    }

    /// Charges bytes to the allowance that pays for them: first to what is left of the limit, then to grants.
    pub(super) fn charge(&mut self, imsi: Imsi, usage_day: Date, class: Class, bytes: u64) {
        let cycle = month_of(usage_day);
        if cycle >= month_of(self.today()) {
            self.open_accounts(imsi, cycle);
        }
        let payer = self.payer(class);
        let Some(programme) = &self.programme else {
            return;
        };
        let Some(sim) = self.sims.get_mut(&imsi) else {
            return;
        };
        let accounts = sim.accounts.get_mut(&cycle);
        let Some(account) = accounts.and_then(|all| all[place(payer)].as_mut()) else {
            return;
        };
        let mut unpaid = bytes - bytes.min(account.left());
        account.used += bytes;
        if payer != Class::Education {
            return;
        }
        for (grant, used) in programme.grants.iter().zip(&mut sim.grants_used) {
            let valid = grant.valid_from <= usage_day && usage_day < grant.valid_until;
            if valid && grant.cohort == sim.cohort {
                let paid = unpaid.min(grant.bytes_per_sim - *used);
                *used += paid;
                account.from_grants += paid;
                unpaid -= paid;
            }
        }
    }

    /// The class whose allowance pays for a class.
    pub(super) fn payer(&self, class: Class) -> Class {
        match (&self.programme, class) {
            (Some(programme), Class::Unknown) => programme.unknown_charged_to,
            _ => class,
        }
    }

    /// What is left for a SIM of the grants that are valid today.
    pub(super) fn left_of_grants(&self, sim: &Enrolled) -> u64 {
        let Some(programme) = &self.programme else {
            return 0;
        };
        let left = |place: &usize| {
            let grant = &programme.grants[*place];
            let had = grant.cohort == sim.cohort;
            if had {
                grant.bytes_per_sim - sim.grants_used[*place]
            } else {
                0
            }
        };
        self.valid_grants.iter().map(left).sum()
    }

    /// SIMs for which something holds.
    pub(super) fn members(&self, wanted: impl Fn(&Enrolled) -> bool) -> Vec<Imsi> {
        let members = self.sims.iter().filter(|(_, sim)| wanted(sim));
        members.map(|(imsi, _)| *imsi).collect()
    }

    /// The local date of the clock.
    pub(super) fn today(&self) -> Date {
        self.today.unwrap_or(Date::MIN)
    }

    /// Notes a change of an alert, under the next revision of its id.
    pub(super) fn alert(
        &mut self,
        imsi: Imsi,
        kind: AlertKind,
        of: String,
        change: Change,
        at_ms: i64,
    ) {
        let revision = self.revisions.entry((imsi, kind, of.clone())).or_default();
        *revision += 1;
        self.alerts.push(AlertChange {
            imsi,
            kind,
            of,
            revision: *revision,
            change,
            at_ms,
        });
    }

    /// The last decision of each SIM and class.
    pub(super) fn orders(&self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (imsi, sim) in &self.sims {
            for (class, last) in DECIDED.into_iter().zip(sim.last) {
                if let Some((action, sequence)) = last {
                    orders.push(Order {
                        imsi: *imsi,
                        class,
                        action,
                        sequence,
                    });
                }
            }
        }
        orders.sort();
        orders
    }

    /// Every balance that was opened.
    pub(super) fn balances(&self) -> Vec<Balance> {
        let mut balances = Vec::new();
        for (imsi, sim) in &self.sims {
            for (cycle, accounts) in &sim.accounts {
                let current = *cycle == month_of(self.today());
                for (class, account) in DECIDED.into_iter().zip(accounts) {
                    if let Some(account) = account {
                        let grants = if current && class == Class::Education {
                            self.left_of_grants(sim)
                        } else {
                            0
                        };
                        balances.push(Balance {
                            imsi: *imsi,
                            cycle: *cycle,
                            allowance: class,
                            standing: account.standing(grants),
                        });
                    }
                }
            }
        }
        balances.sort();
        balances
    }

    /// What became of the programme's grants.
    pub(super) fn grants(&self) -> Vec<GrantUse> {
        let grants = self
            .programme
            .iter()
            .flat_map(|p| p.grants.iter().enumerate());
        let sum = |(place, grant): (usize, &crate::policy::Grant)| {
            let of = self.sims.values().filter(|sim| sim.cohort == grant.cohort);
            let sims = of.clone().count() as u64;
            GrantUse {
                id: grant.id.clone(),
                sims,
                given_bytes: sims * grant.bytes_per_sim,
                used_bytes: of.map(|sim| sim.grants_used[place]).sum(),
            }
        };
        grants.map(sum).collect()
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

/// A SIM and its cohort's rules.
pub(super) fn of<'a>(
    sims: &'a mut BTreeMap<Imsi, Enrolled>,
    programme: Option<&'a Programme>,
    imsi: Imsi,
) -> Option<(&'a mut Enrolled, &'a Cohort)> {
    let sim = sims.get_mut(&imsi)?;
    let cohort = programme?.cohort(&sim.cohort)?;
    Some((sim, cohort))
}
