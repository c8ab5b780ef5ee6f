//! Programme, SIMs and balances, and who pays for a row (sections 7 and 8 of `docs/semantics.md`).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::account::{Account, ByClass, DECIDED, Enrolled, place};
use super::{AlertChange, AlertKind, Change, Decision};
use crate::policy::{Class, Cohort, Programme};
use crate::population::Imsi;
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
    pub(super) held: BTreeMap<Imsi, BTreeMap<Date, ByClass>>,
    /// Hours (UTC, since 1970) in which anything was delivered.
    pub(super) heard: HashSet<i64>,
    pub(super) decisions: Vec<Decision>,
    pub(super) alerts: Vec<AlertChange>,
    revisions: HashMap<(Imsi, AlertKind, String), u32>,
}

impl Quotas {
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
