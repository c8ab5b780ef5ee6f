//! One known SIM.

use serde::{Deserialize, Serialize};

use super::assignments::{Assignment, Days, Kept};
use super::balances::Balances;
use super::decided::{Blocked, Decided};
use super::quota::QuotaAlerts;
use crate::booking::Link;
use crate::ledger::Balance;
use crate::sim::SimId;
use crate::watches::{Rare, Watches};
use crate::zone::Day;

/// One known SIM. There are many, so what few of them have stands elsewhere. What a row of education reads stands first,
/// in three cache lines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(C, align(64))]
pub(crate) struct Sim {
    pub(crate) id: SimId,
    pub(crate) device: u64,
    /// The days of which the present assignment speaks, and on which the SIM is enrolled by it.
    pub(crate) present: Days,
    /// Of the present assignment; the programme may not know the cohort.
    pub(crate) cohort: u32,
    pub(crate) place: u32,
    pub(crate) device_tac: u32,
    /// In `sim_day` of the open booked day.
    #[serde(skip)]
    pub(crate) first_cell: Link,
    /// Among the SIMs with rows of `sim_cycle` that wait.
    #[serde(skip, default = "outside")]
    pub(crate) next_waiting: Link,
    /// Whether the present assignment has ended.
    pub(crate) has_left: bool,
    pub(super) kept: Kept,
    pub(super) more: Option<Box<More>>,
    pub(crate) watches: Watches,
    /// The first `valid_from`.
    pub(crate) activation: Day,
    /// Of the cycles that are not closed.
    pub(crate) balances: Balances,
    /// From when to when a class was last blocked, by its place in [`CUT`](super::CUT).
    pub(crate) blocked: [Blocked; 2],
    /// Of the only assignment.
    pub(super) assignment_revision: u64,
    /// What was last emitted, by the place of the class in [`DECIDED`](super::DECIDED).
    pub(crate) decided: [Decided; 3],
    /// The first day on which another assignment may be the present one, or the SIM leaves.
    pub(crate) changes_on: Day,
}

const _: () = assert!(size_of::<Sim>() == 256);
// The begin of a block, that is: most SIMs' education is not blocked.
const _: () = assert!(std::mem::offset_of!(Sim, blocked) + size_of::<Blocked>() / 2 <= 192);

fn outside() -> Link {
    Link::OUTSIDE
}

/// What few SIMs have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct More {
    /// By the day from which they hold, where the present one does not say all.
    pub(super) assignments: Vec<Assignment>,
    /// What was used of grants, by their numbers.
    grants_used: Vec<(u32, u64)>,
    /// Where something was told under the present cycle.
    pub(super) quota_alerts: Option<QuotaAlerts>,
    watched: Rare,
}

impl More {
    pub(super) fn is_nothing(&self) -> bool {
        *self == More::default()
    }
}

impl Sim {
    /// A SIM without assignments.
    pub(crate) fn new(id: SimId, activation: Day) -> Sim {
        Sim {
            id,
            device: 0,
            cohort: 0,
            place: 0,
            device_tac: 0,
            present: Days::NONE,
            changes_on: Day::LAST,
            activation,
            has_left: true,
            kept: Kept::Listed,
            assignment_revision: 0,
            blocked: [Blocked::NEVER; 2],
            decided: [Decided::NOTHING; 3],
            balances: Balances::default(),
            watches: Watches::default(),
            more: None,
            first_cell: Link::END,
            next_waiting: Link::OUTSIDE,
        }
    }

    /// Reads the cache lines that a row will read.
    pub(crate) fn touch(&self) -> u64 {
        let lines = [self.cohort, self.watches.touch(), self.blocked[0].touch()];
        lines.into_iter().map(u64::from).sum()
    }

    /// What is rarely watched; none where the SIM has nothing rare.
    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.more.as_ref().map(|more| &more.watched)
    }

    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        &mut self.more.get_or_insert_default().watched
    }

    /// The balance of an account for a day.
    pub(crate) fn balance(&self, account: u16, day: Day) -> Option<&Balance> {
        self.place_of_balance(account, day)
            .map(|place| &self.balances[place])
    }

    /// The balance of the cycle that alerts are of.
    pub(crate) fn balance_of(&self, alerts: QuotaAlerts) -> Option<&Balance> {
        let mut balances = self.balances.iter();
        balances.find(|b| b.account == alerts.account && b.start == alerts.start)
    }

    pub(crate) fn place_of_balance(&self, account: u16, day: Day) -> Option<usize> {
        let mut balances = self.balances.iter();
        balances.position(|b| b.account == account && b.cycle().contains(day))
    }

    /// What was used of a grant.
    pub(crate) fn used_of(&self, grant: u32) -> u64 {
        let mut used = self.more.iter().flat_map(|more| &more.grants_used);
        used.find(|(number, _)| *number == grant).map_or(0, |u| u.1)
    }

    /// Uses bytes of a grant.
    pub(crate) fn use_grant(&mut self, grant: u32, bytes: u64) {
        let all = &mut self.more.get_or_insert_default().grants_used;
        match all.iter_mut().find(|u| u.0 == grant) {
            Some((_, used)) => *used += bytes,
            None => all.push((grant, bytes)),
        }
    }
}
