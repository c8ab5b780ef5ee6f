//! Balances, decisions and alerts: sections 6 to 8 of `docs/semantics.md`.

use std::collections::BTreeMap;

use super::alerts::{AlertStep, Alerts};
use super::{AlertChange, Balance, Decision, Order, Reason, RecordIdentity};
use crate::policy::{Action, Class, Cohort, OnExhausted, Programme};
use crate::population::Imsi;
use crate::zone::{Date, Zone, month_of, next_month, plus_days};

/// The classes that are decided, in this order.
const DECIDED: [Class; 3] = [Class::Education, Class::Other, Class::System];

/// Bytes by class, in the order of [`Class`].
type ByClass = [u64; 4];

/// An enrolled SIM.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) cohort: String,
    pub(super) province: String,
    pub(super) valid_from: Date,
    /// The first month that was not closed when the SIM was enrolled.
    open_from: Date,
    used: BTreeMap<Date, ByClass>,
    /// The last decision of each class of [`DECIDED`].
    last: [Option<(Action, u64)>; 3],
    alerts: BTreeMap<Date, Alerts>,
}

/// Everything that depends on a policy.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    programme: Option<Programme>,
    /// Cohorts whose enforcement has begun.
    begun: Vec<&'static str>,
    /// The month that is current by the clock.
    cycle: Option<Date>,
    pub(super) accounts: BTreeMap<Imsi, Account>,
    /// Bytes of SIMs that are not enrolled, by usage day.
    held: BTreeMap<Imsi, BTreeMap<Date, ByClass>>,
    pub(super) decisions: Vec<Decision>,
    pub(super) alerts: Vec<AlertChange>,
}

/// What a change of state is due to.
struct Why {
    reason: Reason,
    cause: Option<RecordIdentity>,
    at_ms: i64,
}

impl Why {
    /// A timer or a command.
    fn of(reason: Reason, at_ms: i64) -> Self {
        Why {
            reason,
            cause: None,
            at_ms,
        }
    }
}

impl Quotas {
    /// Runs every timer due at or before `now_ms`, in the order of deadlines.
    pub(super) fn run_timers(&mut self, zone: &Zone, now_ms: i64) {
        let mut cycle = *self
            .cycle
            .get_or_insert_with(|| month_of(zone.date(now_ms)));
        loop {
            let cycle_begins = zone.midnight(next_month(cycle));
            let enforcement = self.next_enforcement(zone);
            match enforcement {
                // At one deadline the cycle begins first.
                Some((begins, cohort)) if begins < cycle_begins && begins <= now_ms => {
                    self.begin_enforcement(cohort, begins);
                }
                _ if cycle_begins <= now_ms => {
                    cycle = next_month(cycle);
                    self.cycle = Some(cycle);
                    self.begin_cycle(cycle, cycle_begins);
                }
                _ => return,
            }
        }
    }

    fn next_enforcement(&self, zone: &Zone) -> Option<(i64, &'static str)> {
        let cohorts = self.programme.iter().flat_map(|p| &p.cohorts);
        cohorts
            .filter(|c| !self.begun.contains(&c.id))
            .filter_map(|c| Some((zone.midnight(c.enforce_from?), c.id)))
            .min()
    }

    fn begin_enforcement(&mut self, cohort: &'static str, at_ms: i64) {
        self.begun.push(cohort);
        for imsi in self.members(|account| account.cohort == cohort) {
            self.settle(imsi, Why::of(Reason::EnforcementStarted, at_ms), false);
        }
    }

    fn begin_cycle(&mut self, cycle: Date, at_ms: i64) {
        for imsi in self.members(|_| true) {
            self.resolve_before(imsi, cycle, at_ms);
            self.settle(imsi, Why::of(Reason::Reset, at_ms), false);
        }
    }

    /// A new programme replaces the one before.
    pub(super) fn set_programme(&mut self, zone: &Zone, programme: Programme, at_ms: i64) {
        let begun = programme.cohorts.iter().filter(|c| {
            c.enforce_from
                .is_some_and(|date| zone.midnight(date) <= at_ms)
        });
        self.begun = begun.map(|c| c.id).collect();
        self.programme = Some(programme);
        for imsi in self.members(|_| true) {
            self.settle(imsi, Why::of(Reason::PolicyChanged, at_ms), false);
        }
    }

    /// Enrols a SIM, or changes its cohort or place; held bytes since `valid_from` are taken over.
    pub(super) fn enrol(
        &mut self,
        zone: &Zone,
        imsi: Imsi,
        place: (&str, &str),
        valid_from: Date,
        at_ms: i64,
    ) {
        let new = !self.accounts.contains_key(&imsi);
        let mut open_from = month_of(valid_from);
        while self.is_closed(zone, open_from, at_ms) {
            open_from = next_month(open_from);
        }
        let account = self.accounts.entry(imsi).or_insert_with(|| Account {
            cohort: String::new(),
            province: String::new(),
            valid_from,
            open_from,
            used: BTreeMap::new(),
            last: [None; 3],
            alerts: BTreeMap::new(),
        });
        account.cohort = place.0.to_owned();
        account.province = place.1.to_owned();
        account.valid_from = valid_from;
        let held = self.held.remove(&imsi).unwrap_or_default();
        for (day, bytes) in held {
            if day >= valid_from && !self.is_closed(zone, month_of(day), at_ms) {
                self.add(imsi, day, bytes);
            } else {
                self.held.entry(imsi).or_default().insert(day, bytes);
            }
        }
        let reason = if new {
            Reason::Enrolled
        } else {
            Reason::PolicyChanged
        };
        self.settle(imsi, Why::of(reason, at_ms), new);
    }

    /// Whether a SIM counts on a usage day.
    pub(super) fn is_enrolled(&self, imsi: Imsi, usage_day: Date) -> bool {
        // Enrolled at an instant: at or after the local midnight of valid_from, hence on its date or a later one.
        self.accounts
            .get(&imsi)
            .is_some_and(|account| usage_day >= account.valid_from)
    }

    /// Whether a month (by its first day) is closed.
    pub(super) fn is_closed(&self, zone: &Zone, month: Date, at_ms: i64) -> bool {
        let days = self.programme.as_ref().map_or(7, |p| p.closes_after_days);
        at_ms >= zone.midnight(plus_days(next_month(month), days))
    }

    /// Keeps the bytes of a SIM that is not enrolled.
    pub(super) fn hold(&mut self, imsi: Imsi, usage_day: Date, class: Class, bytes: u64) {
        let day = self
            .held
            .entry(imsi)
            .or_default()
            .entry(usage_day)
            .or_default();
        day[class as usize] += bytes;
    }

    /// Counts a row into its cycle; only the current cycle decides and alerts.
    pub(super) fn count(
        &mut self,
        imsi: Imsi,
        usage_day: Date,
        class: Class,
        bytes: u64,
        row: (RecordIdentity, i64),
    ) {
        let mut by_class = ByClass::default();
        by_class[class as usize] = bytes;
        self.add(imsi, usage_day, by_class);
        if Some(month_of(usage_day)) == self.cycle {
            let (identity, at_ms) = row;
            self.settle(
                imsi,
                Why {
                    reason: Reason::Exhausted,
                    cause: Some(identity),
                    at_ms,
                },
                false,
            );
        }
    }

    fn add(&mut self, imsi: Imsi, usage_day: Date, bytes: ByClass) {
        if let Some(account) = self.accounts.get_mut(&imsi) {
            let used = account.used.entry(month_of(usage_day)).or_default();
            for (sum, more) in used.iter_mut().zip(bytes) {
                *sum += more;
            }
        }
    }

    fn members(&self, wanted: impl Fn(&Account) -> bool) -> Vec<Imsi> {
        self.accounts
            .iter()
            .filter(|(_, account)| wanted(account))
            .map(|(imsi, _)| *imsi)
            .collect()
    }

    /// Emits what differs between the wanted and the last emitted state, and the alerts that follow.
    fn settle(&mut self, imsi: Imsi, why: Why, even_if_same: bool) {
        let (Some(programme), Some(account), Some(cycle)) =
            (&self.programme, self.accounts.get_mut(&imsi), self.cycle)
        else {
            return;
        };
        let Some(cohort) = programme.cohorts.iter().find(|c| c.id == account.cohort) else {
            return;
        };
        let enforced = self.begun.contains(&cohort.id);
        let used = account.used.get(&cycle).copied().unwrap_or_default();
        for (class, last) in DECIDED.into_iter().zip(&mut account.last) {
            let action = wanted(programme, cohort, enforced, class, used);
            if even_if_same || last.is_some_and(|(emitted, _)| emitted != action) {
                let sequence = last.map_or(0, |(_, sequence)| sequence) + 1;
                *last = Some((action, sequence));
                self.decisions.push(Decision {
                    imsi,
                    class,
                    sequence,
                    action,
                    reason: why.reason,
                    cycle,
                    cause: why.cause.clone(),
                    at_ms: why.at_ms,
                });
            }
        }
        if enforced {
            let alerts = account.alerts.entry(cycle).or_default();
            let limit = cohort.allowance(Class::Education).map_or(0, |a| a.bytes);
            let used = charged(programme, Class::Education, used);
            let steps = alerts.settle(limit, used, cohort.thresholds.contains(&80));
            self.alerts.extend(changes(imsi, cycle, why.at_ms, steps));
        }
    }

    /// When a cycle begins, what fired before it resolves.
    fn resolve_before(&mut self, imsi: Imsi, cycle: Date, at_ms: i64) {
        let Some(account) = self.accounts.get_mut(&imsi) else {
            return;
        };
        for (earlier, alerts) in account.alerts.range_mut(..cycle) {
            let steps = alerts.resolve();
            self.alerts.extend(changes(imsi, *earlier, at_ms, steps));
        }
    }

    /// The last decision of each SIM and class.
    pub(super) fn orders(&self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (imsi, account) in &self.accounts {
            for (class, last) in DECIDED.into_iter().zip(account.last) {
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

    /// Every allowance of every enrolled SIM, month by month until the current one.
    pub(super) fn balances(&self) -> Vec<Balance> {
        let (Some(programme), Some(current)) = (&self.programme, self.cycle) else {
            return Vec::new();
        };
        let mut balances = Vec::new();
        for (imsi, account) in &self.accounts {
            let Some(cohort) = programme.cohorts.iter().find(|c| c.id == account.cohort) else {
                continue;
            };
            let mut cycle = account.open_from;
            while cycle <= current {
                let used = account.used.get(&cycle).copied().unwrap_or_default();
                for class in [Class::Education, Class::System, Class::Other] {
                    if let Some(allowance) = cohort.allowance(class) {
                        balances.push(Balance {
                            imsi: *imsi,
                            cycle,
                            allowance: class,
                            limit_bytes: allowance.bytes,
                            used_bytes: charged(programme, class, used),
                        });
                    }
                }
                cycle = next_month(cycle);
            }
        }
        balances
    }
}

/// An allowance's use: its class's bytes, and the unknown bytes where they are charged to it.
fn charged(programme: &Programme, class: Class, used: ByClass) -> u64 {
    let unknown = if programme.unknown_charged_to == class {
        used[Class::Unknown as usize]
    } else {
        0
    };
    used[class as usize] + unknown
}

fn wanted(
    programme: &Programme,
    cohort: &Cohort,
    enforced: bool,
    class: Class,
    used: ByClass,
) -> Action {
    let Some(allowance) = cohort.allowance(class) else {
        return Action::Allow;
    };
    if !enforced || class == Class::System || charged(programme, class, used) < allowance.bytes {
        return Action::Allow;
    }
    match allowance.on_exhausted {
        OnExhausted::Throttle { kbit_s } => Action::Throttle { kbit_s },
        OnExhausted::Block => Action::Block,
        OnExhausted::Notify => Action::Allow,
    }
}

/// Steps of a SIM's alerts as changes.
fn changes(
    imsi: Imsi,
    cycle: Date,
    at_ms: i64,
    steps: Vec<AlertStep>,
) -> impl Iterator<Item = AlertChange> {
    let change = move |(kind, revision, change)| AlertChange {
        imsi,
        cycle,
        kind,
        revision,
        change,
        at_ms,
    };
    steps.into_iter().map(change)
}
