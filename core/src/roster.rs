//! The SIMs that a shard knows, in the order of their first enrolment, which is the order of the log.

use serde::{Deserialize, Serialize};

use crate::booking::Link;
use crate::chunks::Chunks;
use crate::cycle::Cycle;
use crate::decision::Action;
use crate::ledger::Balance;
use crate::numbers::{Numbers, hash_of};
use crate::registry::Class;
use crate::sim::SimId;
use crate::watches::Watches;
use crate::zone::Day;

/// The classes that an enrolment decides, in the order in which it decides them.
pub(crate) const DECIDED: [Class; 3] = [Class::Education, Class::Other, Class::System];

/// The classes that can be cut.
pub(crate) const CUT: [Class; 2] = [Class::Education, Class::Other];

/// How long the alerts of cycles are remembered: longer than all but a term lasts.
const PAST_CYCLES_DAYS: i32 = 400;

/// One known SIM.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sim {
    pub(crate) id: SimId,
    /// Of the present assignment; the programme may not know the cohort.
    pub(crate) cohort: u32,
    pub(crate) place: u32,
    pub(crate) device: u64,
    pub(crate) device_tac: u32,
    /// The days of which the present assignment speaks, and on which the SIM is enrolled by it.
    pub(crate) present: Days,
    /// The first day on which another assignment may be the present one, or the SIM leaves.
    pub(crate) changes_on: Day,
    /// Whether the present assignment has ended.
    pub(crate) has_left: bool,
    /// The first `valid_from`.
    pub(crate) activation: Day,
    /// By the day from which they hold.
    pub(crate) assignments: Vec<Assignment>,
    /// What was last emitted, by the place of the class in [`DECIDED`].
    pub(crate) decided: [Decided; 3],
    /// Of the cycles that are not closed.
    pub(crate) balances: Vec<Balance>,
    pub(crate) quota_alerts: QuotaAlerts,
    pub(crate) watches: Watches,
    /// What was used of grants, by their numbers.
    pub(crate) grants_used: Vec<(u32, u64)>,
    /// In `sim_day` of the open booked day.
    #[serde(skip)]
    pub(crate) first_cell: Link,
    /// Among the SIMs with rows of `sim_cycle` that wait.
    #[serde(skip, default = "outside")]
    pub(crate) next_waiting: Link,
}

fn outside() -> Link {
    Link::OUTSIDE
}

/// Days, the end exclusive, in the form that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    pub(crate) from: Day,
    pub(crate) until: Day,
}

impl Days {
    pub(crate) fn contains(self, day: Day) -> bool {
        self.from <= day && day < self.until
    }
}

/// What the present assignment says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presence {
    pub(crate) cohort: u32,
    place: u32,
    pub(crate) device: u64,
    device_tac: u32,
    days: Days,
    changes_on: Day,
    pub(crate) has_left: bool,
}

/// Where a SIM belongs from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) from: Day,
    /// Exclusive; [`Day::LAST`] where it has no end.
    pub(crate) until: Day,
    pub(crate) cohort: u32,
    pub(crate) place: u32,
    /// The first half of the device's pseudonym, which is a cipher's and uniform; 0 where the device is not known.
    pub(crate) device: u64,
    pub(crate) device_tac: u32,
    pub(crate) revision: u64,
}

/// The last decision of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    #[serde(with = "action_code")]
    pub(crate) action: Action,
    pub(crate) hold: Hold,
    /// 0 before the first.
    pub(crate) sequence: u32,
    /// From when to when the class was last blocked; none: never, or still.
    pub(crate) blocked_from_ms: Option<i64>,
    pub(crate) blocked_until_ms: Option<i64>,
}

/// Whether a stricter decision waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Hold {
    #[default]
    None,
    /// The breaker holds it.
    Held,
    /// An operator has dropped it.
    Dropped,
}

impl Decided {
    pub(crate) const NOTHING: Decided = Decided {
        action: Action::Allow,
        hold: Hold::None,
        sequence: 0,
        blocked_from_ms: None,
        blocked_until_ms: None,
    };
}

// The shape of an action is made for JSON (tagged), which binary forms cannot read back.
mod action_code {
    use super::Action;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(action: &Action, to: S) -> Result<S::Ok, S::Error> {
        let code: u8 = match action {
            Action::Allow => 0,
            Action::Throttle { .. } => 1,
            Action::Block => 2,
        };
        (code, action.kbit_s()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Action, D::Error> {
        match <(u8, u32)>::deserialize(from)? {
            (0, _) => Ok(Action::Allow),
            (1, kbit_s) => Ok(Action::Throttle { kbit_s }),
            (2, _) => Ok(Action::Block),
            _ => Err(D::Error::custom("an unknown action of a decision")),
        }
    }
}

/// The quota alerts of one cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuotaAlerts {
    pub(crate) account: u16,
    /// First day of the cycle.
    pub(crate) start: Day,
    pub(crate) quota_80: AlertState,
    pub(crate) exhausted: AlertState,
    /// SimExhausted came first, so that SimQuota80 never fires in this cycle.
    pub(crate) quota_80_skipped: bool,
}

impl Default for QuotaAlerts {
    fn default() -> QuotaAlerts {
        QuotaAlerts {
            account: 0,
            start: Day::FIRST,
            quota_80: AlertState::default(),
            exhausted: AlertState::default(),
            quota_80_skipped: false,
        }
    }
}

/// One alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertState {
    /// The last revision; 0 before the first.
    pub(crate) revision: u32,
    pub(crate) firing: bool,
}

impl AlertState {
    /// From quiet to firing, or back: a revision each time.
    pub(crate) fn turn(&mut self) {
        self.firing = !self.firing;
        self.revision += 1;
    }
}

impl Sim {
    /// A SIM without assignments.
    pub(crate) fn new(id: SimId, activation: Day) -> Sim {
        Sim {
            id,
            cohort: 0,
            place: 0,
            device: 0,
            device_tac: 0,
            present: Days {
                from: Day::LAST,
                until: Day::LAST,
            },
            changes_on: Day::LAST,
            has_left: true,
            activation,
            assignments: Vec::new(),
            decided: [Decided::NOTHING; 3],
            balances: Vec::new(),
            quota_alerts: QuotaAlerts::default(),
            watches: Watches::default(),
            grants_used: Vec::new(),
            first_cell: Link::END,
            next_waiting: Link::OUTSIDE,
        }
    }

    /// Reads what a row will read of it.
    pub(crate) fn touch(&self) -> u64 {
        u64::from(self.cohort)
            .wrapping_add(self.device)
            .wrapping_add(self.balances.len() as u64)
            .wrapping_add(u64::from(self.has_left))
            .wrapping_add(u64::from(self.present.from.0.cast_unsigned()))
            .wrapping_add(
                self.decided
                    .iter()
                    .filter(|d| d.blocked_from_ms.is_some())
                    .count() as u64,
            )
            .wrapping_add(u64::from(self.watches.last_used.is_some()))
            .wrapping_add(u64::from(self.watches.rare().is_some()))
    }

    /// The assignment that speaks of a day, ended or not; none before the first.
    pub(crate) fn speaks_of(&self, day: Day) -> Option<&Assignment> {
        let behind = self.assignments.partition_point(|a| a.from <= day);
        self.assignments[..behind].last()
    }

    /// The assignment by which the SIM is enrolled on a day.
    pub(crate) fn enrolled_on(&self, day: Day) -> Option<&Assignment> {
        self.speaks_of(day)
            .filter(|assignment| day < assignment.until)
    }

    /// Whether the SIM is enrolled on a day; the common case looks at no list.
    pub(crate) fn is_enrolled_on(&self, day: Day) -> bool {
        self.present.contains(day) || self.enrolled_on(day).is_some()
    }

    /// Whether the SIM is enrolled on some day of a cycle.
    pub(crate) fn is_enrolled_in(&self, cycle: Cycle) -> bool {
        self.assignments.iter().enumerate().any(|(place, a)| {
            let next = self.assignments.get(place + 1);
            let until = next.map_or(a.until, |next| a.until.min(next.from));
            a.from < cycle.end && cycle.start < until && a.from < until
        })
    }

    /// The assignment of today; the earliest, where none has begun; none where there is none at all.
    pub(crate) fn present_assignment(&self, today: Day) -> Option<&Assignment> {
        self.speaks_of(today).or(self.assignments.first())
    }

    /// What the present assignment says on a day. The last cohort, place and device stay where none is left.
    pub(crate) fn presence(&self, today: Day) -> Presence {
        let present = self.present_assignment(today);
        // One that has left is not enrolled again before the midnight of what is still to come (E3).
        let was_enrolled = self.decided.iter().any(|decided| decided.sequence > 0);
        let comes_back = self.has_left && was_enrolled;
        let present = present.filter(|present| present.from <= today || !comes_back);
        let Some(present) = present else {
            let next = self.assignments.first();
            return Presence {
                cohort: self.cohort,
                place: self.place,
                device: self.device,
                device_tac: self.device_tac,
                days: Days {
                    from: Day::LAST,
                    until: Day::LAST,
                },
                changes_on: next.map_or(Day::LAST, |next| next.from),
                has_left: true,
            };
        };
        let next = self.assignments.iter().find(|a| a.from > present.from);
        let until = next.map_or(present.until, |next| next.from.min(present.until));
        // Each is a day on which something may be otherwise; a look too many does no harm.
        let next_from = next.map_or(Day::LAST, |next| next.from);
        let turns = [present.from, present.until, next_from].into_iter();
        Presence {
            cohort: present.cohort,
            place: present.place,
            device: present.device,
            device_tac: present.device_tac,
            days: Days {
                from: present.from,
                until,
            },
            changes_on: turns.filter(|day| *day > today).min().unwrap_or(Day::LAST),
            has_left: present.until <= today,
        }
    }

    fn set_presence(&mut self, presence: Presence) {
        (self.cohort, self.place) = (presence.cohort, presence.place);
        (self.device, self.device_tac) = (presence.device, presence.device_tac);
        self.present = presence.days;
        self.changes_on = presence.changes_on;
        self.has_left = presence.has_left;
    }

    /// The balance of an account for a day.
    pub(crate) fn balance(&self, account: u16, day: Day) -> Option<&Balance> {
        self.place_of_balance(account, day)
            .map(|place| &self.balances[place])
    }

    pub(crate) fn place_of_balance(&self, account: u16, day: Day) -> Option<usize> {
        let mut balances = self.balances.iter();
        balances.position(|b| b.account == account && b.cycle().contains(day))
    }

    /// Lets the quota alerts be those of another account and cycle: an id that comes back goes on with its revisions.
    pub(crate) fn turn_quota_alerts(&mut self, account: u16, start: Day) {
        let old = self.quota_alerts;
        self.quota_alerts = QuotaAlerts {
            account,
            start,
            ..QuotaAlerts::default()
        };
        if old.start == start {
            self.quota_alerts = QuotaAlerts { account, ..old };
            return;
        }
        let told = old.quota_80.revision.max(old.exhausted.revision) > 0;
        if !told && self.watches.rare().is_none_or(|rare| rare.quota.is_empty()) {
            return;
        }
        let past = &mut self.watches.rare_mut().quota;
        // A cycle that began so long ago does not come back, but that before the first term may.
        past.retain(|alerts| {
            alerts.start == Day::FIRST || alerts.start.plus(PAST_CYCLES_DAYS) > start
        });
        if let Some(place) = past.iter().position(|alerts| alerts.start == start) {
            let back = past.swap_remove(place);
            self.quota_alerts = QuotaAlerts { account, ..back };
        }
        if told {
            past.push(old);
        }
    }

    /// What was used of a grant.
    pub(crate) fn used_of(&self, grant: u32) -> u64 {
        let mut used = self.grants_used.iter();
        used.find(|(number, _)| *number == grant).map_or(0, |u| u.1)
    }

    /// Uses bytes of a grant.
    pub(crate) fn use_grant(&mut self, grant: u32, bytes: u64) {
        match self.grants_used.iter_mut().find(|u| u.0 == grant) {
            Some((_, used)) => *used += bytes,
            None => self.grants_used.push((grant, bytes)),
        }
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    sims: Chunks<Sim>,
    numbers: Numbers,
    /// By the number of the cohort: how many are in it and have not left.
    in_cohorts: Vec<u64>,
}

impl Roster {
    pub(crate) fn number(&self, id: &SimId) -> Option<u32> {
        let is_it = |number| self.get(number).id == *id;
        self.numbers.find(hash_of(id), is_it)
    }

    /// Reads where a SIM's number stands.
    pub(crate) fn touch(&self, id: &SimId) -> u64 {
        self.numbers.touch(hash_of(id))
    }

    /// Adds a SIM that is not known.
    pub(crate) fn enrol(&mut self, sim: Sim) -> u32 {
        assert!(self.number(&sim.id).is_none(), "a SIM is enrolled once");
        let hash = hash_of(&sim.id);
        if !sim.has_left {
            *self.of_cohort(sim.cohort) += 1;
        }
        let number = self.sims.push(sim);
        self.numbers.insert(hash, number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &Sim {
        self.sims.get(number)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> &mut Sim {
        self.sims.get_mut(number)
    }

    /// The numbers of all SIMs, in order.
    pub(crate) fn numbers(&self) -> std::ops::Range<u32> {
        // A list holds fewer than 2³¹.
        0..self.sims.len() as u32
    }

    pub(crate) fn all(&self) -> &Chunks<Sim> {
        &self.sims
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Sim> {
        self.sims.iter_mut()
    }

    /// Forgets where the cells of the booked day stand, which is over.
    pub(crate) fn forget_cells(&mut self) {
        for sim in self.sims.iter_mut() {
            sim.first_cell = Link::END;
        }
    }

    /// Sets what a SIM's present assignment says.
    pub(crate) fn set_presence(&mut self, number: u32, presence: Presence) {
        let sim = self.sims.get(number);
        let (cohort, has_left) = (sim.cohort, sim.has_left);
        if !has_left {
            *self.of_cohort(cohort) -= 1;
        }
        if !presence.has_left {
            *self.of_cohort(presence.cohort) += 1;
        }
        self.sims.get_mut(number).set_presence(presence);
    }

    fn of_cohort(&mut self, cohort: u32) -> &mut u64 {
        let place = cohort as usize;
        if self.in_cohorts.len() <= place {
            self.in_cohorts.resize(place + 1, 0);
        }
        &mut self.in_cohorts[place]
    }

    /// How many are in a cohort and have not left.
    pub(crate) fn in_cohort(&self, cohort: u32) -> u64 {
        let known = self.in_cohorts.get(cohort as usize);
        known.copied().unwrap_or(0)
    }

    /// How many have not left.
    pub(crate) fn enrolled(&self) -> u64 {
        self.in_cohorts.iter().sum()
    }
}

/// As they stand in a snapshot.
impl From<Chunks<Sim>> for Roster {
    fn from(sims: Chunks<Sim>) -> Roster {
        let mut roster = Roster::default();
        for (number, sim) in sims.iter().enumerate() {
            // A list holds fewer than 2³¹.
            roster.numbers.insert(hash_of(&sim.id), number as u32);
            if !sim.has_left {
                *roster.of_cohort(sim.cohort) += 1;
            }
        }
        roster.sims = sims;
        roster
    }
}
