//! What the watches of section 10 remember of a SIM.

use std::collections::{BTreeMap, BTreeSet};

use crate::day::Day;
use crate::names::Pseudonym;

/// The quota alerts of a cycle (W2, W3).
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub(crate) account: usize,
    pub(crate) allowance: String,
    pub(crate) start: Day,
    pub(crate) fires_80: bool,
    pub(crate) fires_exhausted: bool,
}

/// School days without use (W5).
#[derive(Clone, Debug, Default)]
pub(crate) struct Idle {
    pub(crate) days: u32,
    pub(crate) last_counted: Option<Day>,
    pub(crate) last_used: Option<Day>,
    /// Usage days with use that have not ended yet.
    pub(crate) used: BTreeSet<Day>,
    pub(crate) fires: Option<String>,
}

/// Another device than the enrolled one (W6).
#[derive(Clone, Debug, Default)]
pub(crate) struct Moved {
    /// The last evidence's source offset, and the first one's usage day.
    pub(crate) evidence: Option<(u64, Day)>,
    pub(crate) fires: Option<MovedAlert>,
}

/// A SimMoved that fires.
#[derive(Clone, Debug)]
pub(crate) struct MovedAlert {
    pub(crate) id: String,
    pub(crate) since: Day,
    pub(crate) device: Pseudonym,
    pub(crate) tac: u32,
}

/// Bytes of the days that are watched (W7).
#[derive(Clone, Debug, Default)]
pub(crate) struct Sharing {
    /// All bytes, and those of education.
    pub(crate) days: BTreeMap<Day, (u64, u64)>,
    /// Days that were found.
    pub(crate) found: BTreeSet<Day>,
    pub(crate) fires: Option<SharingAlert>,
}

/// A PossibleSharing that fires.
#[derive(Clone, Debug)]
pub(crate) struct SharingAlert {
    pub(crate) id: String,
    /// The latest day that was found.
    pub(crate) latest: Day,
    /// What was told last: usage day, bytes, those of education.
    pub(crate) told: (Day, u64, u64),
}

/// Whether a day's bytes look like sharing: more than 2 GB, at least 80 % of it not education.
pub(crate) fn looks_shared(all: u64, education: u64) -> bool {
    all > 2_000_000_000 && u128::from(all - education) * 100 >= u128::from(all) * 80
}

/// The days that are deaf (W4): of these hours, two or more in a row were not heard.
pub(crate) fn is_deaf(hours: &[i64], heard: &BTreeSet<i64>) -> bool {
    hours
        .windows(2)
        .any(|pair| pair.iter().all(|hour| !heard.contains(hour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hours_in_a_row_make_a_day_deaf_and_two_apart_do_not() {
        let hours = [7, 8, 9, 10];
        assert!(!is_deaf(&hours, &BTreeSet::from([8, 10])));
        assert!(is_deaf(&hours, &BTreeSet::from([7, 10])));
        assert!(!is_deaf(&hours, &BTreeSet::from([7, 8, 9])));
    }

    #[test]
    fn sharing_is_more_than_2_gb_with_four_fifths_not_education() {
        assert!(!looks_shared(2_000_000_000, 0));
        assert!(looks_shared(2_000_000_005, 400_000_001));
        assert!(!looks_shared(2_000_000_005, 400_000_002));
    }
}
