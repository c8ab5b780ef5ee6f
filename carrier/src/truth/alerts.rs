//! The two quota alerts of a SIM and cycle: section 8 of `docs/semantics.md`.

use super::{AlertKind, Change};

/// A change of one of them: its kind, its revision, what happened.
pub(super) type AlertStep = (AlertKind, u32, Change);

/// The two alerts of a SIM and cycle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alerts {
    quota_80: Alert,
    /// SimExhausted came first, so SimQuota80 never does.
    quota_80_passed_over: bool,
    exhausted: Alert,
}

#[derive(Clone, Copy, Debug, Default)]
struct Alert {
    revision: u32,
    firing: bool,
}

impl Alerts {
    /// What a use of the education allowance calls for; `warns_at_80` says whether 80 stands in the thresholds.
    pub(super) fn settle(&mut self, limit: u64, used: u64, warns_at_80: bool) -> Vec<AlertStep> {
        if limit == 0 {
            return Vec::new();
        }
        let exhausted = used >= limit;
        let reached_80 = u128::from(used) * 100 >= u128::from(limit) * 80;
        if exhausted && self.quota_80.revision == 0 {
            self.quota_80_passed_over = true;
        }
        let warned = reached_80 && warns_at_80 && !self.quota_80_passed_over;
        self.turn(exhausted, warned)
    }

    /// The cycle is over: what fires resolves.
    pub(super) fn resolve(&mut self) -> Vec<AlertStep> {
        self.turn(false, false)
    }

    fn turn(&mut self, exhausted: bool, warned: bool) -> Vec<AlertStep> {
        let exhausted = self.exhausted.turn(exhausted);
        let warned = self.quota_80.turn(warned);
        let exhausted =
            exhausted.map(|(revision, change)| (AlertKind::SimExhausted, revision, change));
        let warned = warned.map(|(revision, change)| (AlertKind::SimQuota80, revision, change));
        exhausted.into_iter().chain(warned).collect()
    }
}

impl Alert {
    fn turn(&mut self, firing: bool) -> Option<(u32, Change)> {
        if firing == self.firing {
            return None;
        }
        self.firing = firing;
        self.revision += 1;
        Some((
            self.revision,
            if firing {
                Change::Fire
            } else {
                Change::Resolve
            },
        ))
    }
}
