//! What many balances have in common: account, cycle and limit, kept once for all balances that agree on it. A balance
//! with bytes from elsewhere has its terms for itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Balance;
use crate::cycle::Cycle;
use crate::zone::Day;

/// What a balance is of, and what the rules say of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The account's number.
    pub(crate) account: u16,
    /// Whether the SIM's rules name the account.
    pub(crate) named: bool,
    /// Whether the cohort was observed only.
    pub(crate) observed: bool,
    pub(crate) start: Day,
    /// Exclusive.
    pub(crate) end: Day,
    /// With what was rolled over.
    pub(crate) limit_bytes: u64,
    /// The drawn bytes at which the next threshold is reached or the allowance is exhausted.
    pub(super) next_mark_bytes: u64,
    /// Thresholds reached, and when.
    pub(super) reached: Vec<Reached>,
    pub(super) own: Own,
}

/// What most balances have nothing of, and what is one SIM's own where it has something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Own {
    /// Part of the limit.
    pub(super) rolled_bytes: u64,
    /// Part of what is used: what grants paid.
    pub(super) granted_used_bytes: u64,
    /// What grants paid, and what is left of those that may be used now.
    pub(super) granted_bytes: u64,
    /// Part of what is used: what the SIM brought along, and the revision that said so.
    pub(super) opening_bytes: u64,
    pub(super) opening_revision: u32,
}

/// A threshold reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Reached {
    pub(crate) percent: u16,
    pub(crate) at_ms: i64,
}

impl Terms {
    /// Of a balance that no rules name yet.
    pub(super) fn new(account: u16, cycle: Cycle) -> Terms {
        Terms {
            account,
            named: false,
            observed: true,
            start: cycle.start,
            end: cycle.end,
            limit_bytes: 0,
            next_mark_bytes: u64::MAX,
            reached: Vec::new(),
            own: Own::default(),
        }
    }

    /// Whether other balances may well have the same. Also with thresholds, all of which a limit of 0 reaches at once,
    /// and with grants, which a cohort's SIMs have alike until they use them.
    fn are_common(&self) -> bool {
        let granted_bytes = self.own.granted_bytes;
        self.own
            == Own {
                granted_bytes,
                ..Own::default()
            }
    }
}

/// All terms that balances share. No part of the state.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedTerms {
    known: BTreeSet<Arc<Terms>>,
}

impl SharedTerms {
    /// Lets a balance share its terms where it has them for itself alone.
    pub(crate) fn share(&mut self, balance: &mut Balance) {
        if Arc::strong_count(&balance.terms) == 1 && balance.terms.are_common() {
            self.look_up(balance);
        }
    }

    #[cold]
    fn look_up(&mut self, balance: &mut Balance) {
        match self.known.get(&*balance.terms) {
            Some(known) => balance.terms = Arc::clone(known),
            None => {
                self.known.insert(Arc::clone(&balance.terms));
            }
        }
    }

    /// Forgets the terms that no balance has any more.
    pub(crate) fn forget_unused(&mut self) {
        self.known.retain(|terms| Arc::strong_count(terms) > 1);
    }
}

/// Each balance with its own.
pub(super) fn serialize<S: Serializer>(terms: &Arc<Terms>, to: S) -> Result<S::Ok, S::Error> {
    terms.as_ref().serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Terms>, D::Error> {
    Terms::deserialize(from).map(Arc::new)
}
