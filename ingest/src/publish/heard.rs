//! Which clock hours were told as *heard* (`docs/semantics.md`, P2): each is told before the rows that were delivered in
//! it, so that when a midnight passes the hours before it are known, however the rows were framed.

use std::collections::{BTreeMap, VecDeque};

use hissa_core::usage::{Source, UsageRow};

use super::sources::runs;

/// Milliseconds of a clock hour.
const HOUR_MS: i64 = 3_600_000;
/// Hours that a source remembers to have told. One that is forgotten is told again, which is harmless.
const REMEMBERED: usize = 64;

/// What was told since the start. It is not stored: a restart tells the hours of what it reads again.
#[derive(Default)]
pub(super) struct Heard {
    told: BTreeMap<Source, VecDeque<i64>>,
}

impl Heard {
    /// The hours of these rows (stubs among them) that were not told yet, by source, rising; from now on they are told.
    pub(super) fn new_hours(&mut self, rows: &[UsageRow]) -> BTreeMap<Source, Vec<i64>> {
        let mut new: BTreeMap<Source, Vec<i64>> = BTreeMap::new();
        for (source, run) in runs(rows) {
            let told = self.told.entry(source).or_default();
            let mut last = None;
            for row in run {
                let hour = row.delivered_at_ms.get().div_euclid(HOUR_MS);
                if last == Some(hour) || told.contains(&hour) {
                    continue;
                }
                last = Some(hour);
                if told.len() == REMEMBERED {
                    told.pop_front();
                }
                told.push_back(hour);
                new.entry(source).or_default().push(hour);
            }
        }
        for hours in new.values_mut() {
            hours.sort_unstable();
            hours.dedup();
        }
        new
    }
}
