//! One SIM's balance of one month: bytes per class, and how far each allowance is used.
//!
//! A balance holds all that its rows of `sim_cycle` say, so that a row not touched keeps its bytes. While its month is
//! current or still to come it follows the programme ([`Balance::follow`]); once the month has ended, limits stand.
//!
//! Plain additions of bytes are checked: the one build profile has overflow checks.

use serde::{Deserialize, Serialize};

use crate::calendar::Month;
use crate::programme::{ALLOWANCES, CohortRules};
use crate::registry::Class;

/// The balance of a month.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) month: Month,
    /// By the index of the class: `counted` bytes and held bytes taken over. `unknown` stands apart.
    bytes: [u64; Class::ALL.len()],
    /// The class whose allowance pays for `unknown`.
    unknown_charged_to: Class,
    /// By the index of the class.
    tracks: [Track; ALLOWANCES.len()],
}

/// How far an allowance is used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Track {
    /// None where the cohort has no allowance for the class.
    pub(crate) limit_bytes: Option<u64>,
    /// Whether the cohort was observed only.
    pub(crate) observed: bool,
    /// Thresholds reached, and when.
    pub(crate) reached: Vec<Reached>,
    /// The used bytes at which the next threshold is reached or the allowance is exhausted.
    next_mark_bytes: u64,
    /// The offset of the last entry that touched the row.
    pub(crate) version: u64,
    /// Whether the row waits to be taken. No part of the state.
    #[serde(skip)]
    pub(crate) dirty: bool,
}

/// A threshold reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reached {
    pub(crate) percent: u16,
    pub(crate) at_ms: i64,
}

/// What a row did to an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credited {
    /// The class whose allowance paid, where it has one.
    pub(crate) payer: Option<Class>,
    /// The row of `sim_cycle` was clean before.
    pub(crate) newly_dirty: bool,
    /// A threshold or the end of the allowance was reached.
    pub(crate) mark: bool,
}

impl Track {
    fn new() -> Track {
        Track {
            limit_bytes: None,
            observed: true,
            reached: Vec::new(),
            next_mark_bytes: u64::MAX,
            version: 0,
            dirty: false,
        }
    }
}

impl Balance {
    /// An empty balance that follows no programme yet.
    pub(crate) fn new(month: Month) -> Balance {
        Balance {
            month,
            bytes: [0; Class::ALL.len()],
            unknown_charged_to: Class::Unknown,
            tracks: [Track::new(), Track::new(), Track::new()],
        }
    }

    /// What an allowance has used: the bytes of its class, and those of `unknown` where they are charged to it.
    pub(crate) fn used(&self, allowance: Class) -> u64 {
        let own = self.bytes[allowance.index()];
        if allowance == self.unknown_charged_to && allowance != Class::Unknown {
            own + self.bytes[Class::Unknown.index()]
        } else {
            own
        }
    }

    pub(crate) fn track_mut(&mut self, allowance: Class) -> &mut Track {
        &mut self.tracks[allowance.index()]
    }

    /// Adds a row's bytes.
    pub(crate) fn credit(&mut self, class: Class, bytes: u64, version: u64) -> Credited {
        self.bytes[class.index()] += bytes;
        let payer = match class {
            Class::Unknown => self.unknown_charged_to,
            _ => class,
        };
        let used = self.used(payer);
        match self.tracks.get_mut(payer.index()) {
            Some(track) if track.limit_bytes.is_some() => {
                track.version = version;
                let newly_dirty = !track.dirty;
                track.dirty = true;
                Credited {
                    payer: Some(payer),
                    newly_dirty,
                    mark: used >= track.next_mark_bytes,
                }
            }
            _ => Credited {
                payer: None,
                newly_dirty: false,
                mark: false,
            },
        }
    }

    /// Adds bytes that were held before the enrolment. [`follow`](Balance::follow) comes after the last of them.
    pub(crate) fn take_over(&mut self, class: Class, bytes: u64) {
        self.bytes[class.index()] += bytes;
    }

    /// Takes limits and thresholds from the programme. Thresholds that are reached now and were not before are reached
    /// at `at_ms`; those that are no longer reached are forgotten.
    pub(crate) fn follow(
        &mut self,
        rules: Option<&CohortRules>,
        unknown_charged_to: Class,
        at_ms: i64,
    ) {
        self.unknown_charged_to = unknown_charged_to;
        for class in ALLOWANCES {
            let used = self.used(class);
            let track = &mut self.tracks[class.index()];
            let allowance = rules.and_then(|rules| rules.allowance(class));
            track.limit_bytes = allowance.map(|allowance| allowance.limit_bytes);
            track.observed = rules.is_none_or(|rules| !rules.enforced);
            let thresholds = rules.map_or(&[][..], |rules| &rules.thresholds);
            let limit = track.limit_bytes;
            track.reached.retain(|old| {
                let stands = thresholds.contains(&old.percent);
                stands && limit.is_some_and(|limit| is_reached(used, limit, old.percent))
            });
            self.mark_reached(class, thresholds, at_ms);
        }
    }

    /// Notes the thresholds that the allowance has come to, and where the next mark stands.
    pub(crate) fn mark_reached(&mut self, allowance: Class, thresholds: &[u16], at_ms: i64) {
        let used = self.used(allowance);
        let track = &mut self.tracks[allowance.index()];
        track.next_mark_bytes = u64::MAX;
        let Some(limit) = track.limit_bytes else {
            return;
        };
        if used < limit {
            track.next_mark_bytes = limit;
        }
        for percent in thresholds.iter().copied() {
            if !is_reached(used, limit, percent) {
                let mark = threshold_bytes(limit, percent);
                track.next_mark_bytes = track.next_mark_bytes.min(mark);
            } else if !track.reached.iter().any(|old| old.percent == percent) {
                track.reached.push(Reached { percent, at_ms });
            }
        }
        track.reached.sort_by_key(|reached| reached.percent);
    }
}

/// Whether a threshold is reached: used × 100 ≥ limit × percent.
pub(crate) fn is_reached(used_bytes: u64, limit_bytes: u64, percent: u16) -> bool {
    u128::from(used_bytes) * 100 >= u128::from(limit_bytes) * u128::from(percent)
}

/// The smallest number of used bytes at which a threshold is reached; u64's end where it lies beyond.
fn threshold_bytes(limit_bytes: u64, percent: u16) -> u64 {
    let product = u128::from(limit_bytes) * u128::from(percent);
    u64::try_from(product.div_ceil(100)).unwrap_or(u64::MAX)
}
