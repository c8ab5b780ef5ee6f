//! One SIM's balance of one account and cycle: what is used, and how far that is from the quota.
//!
//! A balance holds all that its rows of `sim_cycle` say, so that a row not touched keeps its bytes. Rules:
//! `docs/semantics.md`, Q4 to Q14.
//!
//! Plain additions of bytes are checked: the one build profile has overflow checks.

mod terms;

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cycle::Cycle;
use crate::zone::Day;

pub(crate) use terms::{Reached, SharedTerms, Terms};

/// The balance of a cycle. What it has in common with others reads as its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Balance {
    /// All bytes: what the limit, grants and nobody pays for, and the opening.
    pub(crate) used_bytes: u64,
    stamp: Stamp,
    #[serde(with = "terms")]
    terms: Arc<Terms>,
    /// What most balances have nothing of.
    extras: Option<Box<Extras>>,
}

const _: () = assert!(size_of::<Balance>() == 32);

/// The offset of the last entry that touched the row, and whether the row waits to be taken, in the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
struct Stamp(u64);

/// Whether the row waits is no part of the state.
impl Serialize for Stamp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.0 >> 1).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Stamp, D::Error> {
        u64::deserialize(from).map(|version| Stamp(version << 1))
    }
}

impl Deref for Balance {
    type Target = Terms;

    fn deref(&self) -> &Terms {
        &self.terms
    }
}

/// What most balances have nothing of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Extras {
    /// Part of the limit.
    rolled_bytes: u64,
    /// Part of what is used: what grants paid.
    granted_used_bytes: u64,
    /// What grants paid, and what is left of those that may be used now.
    granted_bytes: u64,
    /// Part of what is used: what the SIM brought along, and the revision that said so.
    opening_bytes: u64,
    opening_revision: u32,
}

impl Balance {
    /// An empty balance that no rules name yet.
    pub(crate) fn new(account: u16, cycle: Cycle) -> Balance {
        Balance {
            used_bytes: 0,
            stamp: Stamp::default(),
            terms: Arc::new(Terms::new(account, cycle)),
            extras: None,
        }
    }

    /// The offset of the last entry that touched the row.
    pub(crate) fn version(&self) -> u64 {
        self.stamp.0 >> 1
    }

    /// Whether the row waits to be taken. No part of the state.
    pub(crate) fn waits(&self) -> bool {
        self.stamp.0 & 1 == 1
    }

    /// Touches the row, which waits from now on; says whether it did before.
    pub(crate) fn touch(&mut self, version: u64) -> bool {
        let waited = self.waits();
        // Offsets of a log are below 2⁶³.
        self.stamp = Stamp(version << 1 | 1);
        waited
    }

    /// Lets the row wait as it did when it was written; says whether it did before.
    pub(crate) fn wait(&mut self) -> bool {
        self.touch(self.version())
    }

    /// Takes the row; says whether it waited.
    pub(crate) fn take(&mut self) -> bool {
        let waited = self.waits();
        self.stamp = Stamp(self.version() << 1);
        waited
    }

    /// Changes what it may have in common with others: from now on for itself.
    fn change(&mut self, change: impl FnOnce(&mut Terms)) {
        let mut terms = Terms::clone(&self.terms);
        change(&mut terms);
        if terms != *self.terms {
            self.terms = Arc::new(terms);
        }
    }

    /// Sets whether the SIM's rules name the account.
    pub(crate) fn set_named(&mut self, named: bool) {
        self.change(|terms| terms.named = named);
    }

    /// Sets whether the cohort is observed only.
    pub(crate) fn set_observed(&mut self, observed: bool) {
        self.change(|terms| terms.observed = observed);
    }

    /// Sets the end (exclusive) of the cycle.
    pub(crate) fn set_end(&mut self, end: Day) {
        self.change(|terms| terms.end = end);
    }

    /// Account and first day: what tells a SIM's balances apart.
    pub(crate) fn key(&self) -> (u16, Day) {
        (self.account, self.start)
    }

    pub(crate) fn is_of(&self, account: u16, cycle: Cycle) -> bool {
        self.account == account && self.start == cycle.start
    }

    pub(crate) fn cycle(&self) -> Cycle {
        Cycle {
            start: self.start,
            end: self.end,
        }
    }

    /// What is left of the limit.
    pub(crate) fn limit_left(&self) -> u64 {
        self.limit_bytes.saturating_sub(self.without_grants())
    }

    /// What grants did not pay.
    fn without_grants(&self) -> u64 {
        self.used_bytes - self.granted_used_bytes()
    }

    /// What counts against the quota: what went over it does not.
    pub(crate) fn drawn_bytes(&self) -> u64 {
        self.without_grants().min(self.limit_bytes) + self.granted_used_bytes()
    }

    /// Limit and grants.
    pub(crate) fn quota_bytes(&self) -> u64 {
        self.limit_bytes + self.granted_bytes()
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.drawn_bytes() >= self.quota_bytes()
    }

    pub(crate) fn has_reached(&self, percent: u16) -> bool {
        is_reached(self.drawn_bytes(), self.quota_bytes(), percent)
    }

    /// Whether the next threshold, or the end, has come.
    pub(crate) fn is_at_mark(&self) -> bool {
        self.drawn_bytes() >= self.next_mark_bytes
    }

    pub(crate) fn granted_bytes(&self) -> u64 {
        self.extras.as_ref().map_or(0, |e| e.granted_bytes)
    }

    pub(crate) fn granted_used_bytes(&self) -> u64 {
        self.extras.as_ref().map_or(0, |e| e.granted_used_bytes)
    }

    pub(crate) fn rolled_bytes(&self) -> u64 {
        self.extras.as_ref().map_or(0, |e| e.rolled_bytes)
    }

    pub(crate) fn reached(&self) -> &[Reached] {
        &self.terms.reached
    }

    /// What the rules say of the row beside its limit: whether they name it, whether it is observed, and the thresholds.
    pub(crate) fn told_by_rules(&self) -> (bool, bool, Vec<Reached>) {
        (self.named, self.observed, self.reached().to_vec())
    }

    fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Adds bytes of which grants pay a part.
    pub(crate) fn use_bytes(&mut self, bytes: u64, granted_used_bytes: u64) {
        self.used_bytes += bytes;
        if granted_used_bytes > 0 {
            self.extras().granted_used_bytes += granted_used_bytes;
        }
    }

    /// Rolls bytes over into the cycle, which begins.
    pub(crate) fn roll_over(&mut self, bytes: u64) {
        if bytes > 0 {
            self.extras().rolled_bytes = bytes;
            self.change(|terms| terms.limit_bytes += bytes);
        }
    }

    /// Takes the limit of the rules.
    pub(crate) fn follow(&mut self, limit_bytes: u64, observed: bool) {
        let limit_bytes = limit_bytes + self.rolled_bytes();
        self.change(|terms| {
            terms.named = true;
            terms.observed = observed;
            terms.limit_bytes = limit_bytes;
        });
    }

    /// Sets what is left of the grants that may be used now; none in a cycle that is not current. Says whether that
    /// changes anything.
    pub(crate) fn set_grants_left(&mut self, left_bytes: u64) -> bool {
        let granted = self.granted_used_bytes() + left_bytes;
        if granted == self.granted_bytes() {
            return false;
        }
        self.extras().granted_bytes = granted;
        true
    }

    /// Replaces what the SIM brought along, where the revision is a later one; says whether it is.
    pub(crate) fn open_with(&mut self, used_bytes: u64, revision: u32) -> bool {
        let extras = self.extras();
        if revision <= extras.opening_revision {
            return false;
        }
        let old = std::mem::replace(&mut extras.opening_bytes, used_bytes);
        extras.opening_revision = revision;
        self.used_bytes = self.used_bytes - old + used_bytes;
        true
    }

    /// No byte comes to a mark before [`mark_reached`](Balance::mark_reached) finds the next one.
    pub(crate) fn mark_later(&mut self) {
        self.change(|terms| terms.next_mark_bytes = u64::MAX);
    }

    /// Notes the thresholds that the allowance has come to at `at_ms`, forgets those that do not stand any more or are
    /// no longer reached, and finds the next mark.
    pub(crate) fn mark_reached(&mut self, thresholds: &[u16], at_ms: i64) {
        let (drawn, quota) = (self.drawn_bytes(), self.quota_bytes());
        let stands = |percent| thresholds.contains(&percent) && is_reached(drawn, quota, percent);
        let mut reached = self.reached().to_vec();
        reached.retain(|old| stands(old.percent));
        let mut next = if drawn < quota { quota } else { u64::MAX };
        for percent in thresholds.iter().copied() {
            if !is_reached(drawn, quota, percent) {
                next = next.min(threshold_bytes(quota, percent));
            } else if !reached.iter().any(|old| old.percent == percent) {
                reached.push(Reached { percent, at_ms });
            }
        }
        reached.sort_by_key(|reached| reached.percent);
        reached.shrink_to_fit();
        self.change(|terms| {
            terms.reached = reached;
            terms.next_mark_bytes = next;
        });
    }
}

/// Whether a threshold is reached: drawn × 100 ≥ quota × percent.
pub(crate) fn is_reached(drawn_bytes: u64, quota_bytes: u64, percent: u16) -> bool {
    u128::from(drawn_bytes) * 100 >= u128::from(quota_bytes) * u128::from(percent)
}

/// The smallest number of drawn bytes at which a threshold is reached; u64's end where it lies beyond.
fn threshold_bytes(quota_bytes: u64, percent: u16) -> u64 {
    let product = u128::from(quota_bytes) * u128::from(percent);
    u64::try_from(product.div_ceil(100)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(limit: u64) -> Balance {
        let cycle = Cycle {
            start: Day(0),
            end: Day(31),
        };
        let mut balance = Balance::new(0, cycle);
        balance.follow(limit, false);
        balance
    }

    #[test]
    fn bytes_over_the_limit_are_not_paid_by_a_grant_that_comes_later() {
        let mut balance = balance(20);
        balance.use_bytes(25, 0);
        assert!(balance.is_exhausted());
        balance.set_grants_left(2);
        assert!(!balance.is_exhausted(), "a top-up restores");
        assert_eq!((balance.drawn_bytes(), balance.quota_bytes()), (20, 22));
        balance.use_bytes(3, 2);
        balance.set_grants_left(0);
        assert!(balance.is_exhausted());
        assert_eq!(balance.used_bytes, 28);
        assert_eq!(balance.granted_bytes(), 2);
    }

    #[test]
    fn thresholds_keep_their_time_and_are_forgotten_when_the_quota_rises() {
        let mut balance = balance(100);
        balance.use_bytes(80, 0);
        balance.mark_reached(&[50, 80, 100], 7);
        balance.follow(160, false);
        balance.mark_reached(&[50, 80, 100], 9);
        let reached = [Reached {
            percent: 50,
            at_ms: 7,
        }];
        assert_eq!(balance.reached(), reached);
        assert!(!balance.is_at_mark());
        balance.use_bytes(48, 0);
        assert!(balance.is_at_mark(), "80 % of 160");
    }

    #[test]
    fn an_opening_is_replaced_by_a_later_revision_alone() {
        let mut balance = balance(100);
        balance.use_bytes(5, 0);
        assert!(balance.open_with(40, 2));
        assert!(!balance.open_with(10, 2));
        assert!(!balance.open_with(10, 1));
        assert_eq!(balance.used_bytes, 45);
        assert!(balance.open_with(30, 3));
        assert_eq!(balance.used_bytes, 35);
    }
}
