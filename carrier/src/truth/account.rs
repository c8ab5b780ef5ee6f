//! A SIM in the books: where it belongs, what it used, what was said of it.

use std::collections::BTreeMap;

use super::watches::{Idle, Moved, Sharing};
use super::{Change, Standing};
use crate::policy::{Action, Class};
use crate::population::Device;
use crate::zone::{Date, next_month, plus_days};

/// The classes that are decided and have allowances, in this order.
pub(super) const DECIDED: [Class; 3] = [Class::Education, Class::Other, Class::System];

/// The place of a class in [`DECIDED`].
pub(super) fn place(class: Class) -> usize {
    DECIDED.iter().position(|c| *c == class).unwrap_or_default()
}

/// Bytes by class, in the order of [`Class`].
pub(super) type ByClass = [u64; 4];

/// The use of an allowance in a month.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    pub(super) limit: u64,
    /// Part of the limit: what was left of the month before.
    pub(super) rolled: u64,
    pub(super) used: u64,
    pub(super) from_grants: u64,
    /// Part of `used`: what the SIM brought along, and the revision that says so.
    pub(super) opening: (u64, u32),
}

impl Account {
    /// What is left of the limit.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used - self.from_grants)
    }

    /// What was drawn on limit and grants; the rest went over.
    pub(super) fn drawn(&self) -> u64 {
        (self.used - self.from_grants).min(self.limit) + self.from_grants
    }

    /// Says what the SIM brought along; an older revision says nothing.
    pub(super) fn open_with(&mut self, bytes: u64, revision: u32) {
        if revision > self.opening.1 {
            self.used = self.used - self.opening.0 + bytes;
            self.opening = (bytes, revision);
        }
    }

    /// Its figures; `left_of_grants` is what grants still have for it.
    pub(super) fn standing(&self, left_of_grants: u64) -> Standing {
        Standing {
            limit_bytes: self.limit,
            granted_bytes: self.from_grants + left_of_grants,
            used_bytes: self.used,
        }
    }
}

/// A block of a class: since when, and until the decision that lifted it.
pub(super) type Block = (i64, Option<i64>);

/// The two quota alerts of the current cycle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QuotaAlerts {
    pub(super) quota_80: bool,
    pub(super) exhausted: bool,
    /// Both were found at once: SimQuota80 does not fire in this cycle any more.
    pub(super) passed_over: bool,
}

impl QuotaAlerts {
    /// What a standing calls for: the change of SimExhausted, and that of SimQuota80.
    pub(super) fn turn(
        &mut self,
        reached_80: bool,
        exhausted: bool,
    ) -> (Option<Change>, Option<Change>) {
        if exhausted && !self.exhausted && reached_80 && !self.quota_80 {
            self.passed_over = true;
        }
        let warned = reached_80 && !self.passed_over;
        (
            turned(&mut self.exhausted, exhausted),
            turned(&mut self.quota_80, warned),
        )
    }
}

fn turned(firing: &mut bool, wanted: bool) -> Option<Change> {
    let change = match (*firing, wanted) {
        (false, true) => Change::Fire,
        (true, false) => Change::Resolve,
        _ => return None,
    };
    *firing = wanted;
    Some(change)
}

/// A SIM that was enrolled.
#[derive(Clone, Debug)]
pub(super) struct Enrolled {
    pub(super) cohort: String,
    /// Index into the places (province, cohort).
    pub(super) place: usize,
    pub(super) device: Option<Device>,
    pub(super) valid_from: Date,
    /// Exclusive.
    pub(super) valid_until: Option<Date>,
    /// By month, in the order of [`DECIDED`].
    pub(super) accounts: BTreeMap<Date, [Option<Account>; 3]>,
    /// What was used of each of the programme's grants.
    pub(super) grants_used: Vec<u64>,
    /// The last decision of each class.
    pub(super) last: [Option<(Action, u64)>; 3],
    /// The latest block of each class.
    pub(super) blocks: [Option<Block>; 3],
    pub(super) quota_alerts: QuotaAlerts,
    pub(super) idle: Idle,
    pub(super) moved: Moved,
    pub(super) sharing: Sharing,
    /// The grant that is about to expire, by its place in the programme.
    pub(super) expiring: Option<usize>,
}

impl Enrolled {
    /// Whether it counts on a day.
    pub(super) fn on(&self, day: Date) -> bool {
        day >= self.valid_from && self.valid_until.is_none_or(|until| day < until)
    }

    /// Whether it counts on a day of the month.
    pub(super) fn in_month(&self, month: Date) -> bool {
        let last = plus_days(next_month(month), -1);
        self.valid_from <= last
            && self
                .valid_until
                .is_none_or(|until| until > month && until > self.valid_from)
    }

    /// Whether it has left by a day.
    pub(super) fn has_left(&self, today: Date) -> bool {
        self.valid_until.is_some_and(|until| until <= today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_that_comes_later_is_not_eaten_by_what_went_over() {
        let mut account = Account {
            limit: 20,
            used: 50,
            ..Account::default()
        };
        assert_eq!((account.left(), account.drawn()), (0, 20));
        let standing = account.standing(10);
        assert!(account.drawn() < standing.limit_bytes + standing.granted_bytes);
        account.used += 10;
        account.from_grants += 10;
        assert_eq!(account.drawn(), 30);
    }

    #[test]
    fn an_opening_replaces_the_one_before_it() {
        let mut account = Account {
            used: 7,
            ..Account::default()
        };
        for (bytes, revision, used) in [(100, 1, 107), (90, 1, 107), (120, 2, 127), (50, 1, 127)] {
            account.open_with(bytes, revision);
            assert_eq!(account.used, used);
        }
    }

    #[test]
    fn both_at_once_is_exhausted_alone() {
        let mut alerts = QuotaAlerts::default();
        assert_eq!(alerts.turn(true, true), (Some(Change::Fire), None));
        assert_eq!(alerts.turn(true, false), (Some(Change::Resolve), None));
        let mut alerts = QuotaAlerts::default();
        assert_eq!(alerts.turn(true, false), (None, Some(Change::Fire)));
        assert_eq!(alerts.turn(true, true), (Some(Change::Fire), None));
        assert_eq!(
            alerts.turn(false, false),
            (Some(Change::Resolve), Some(Change::Resolve))
        );
    }
}
