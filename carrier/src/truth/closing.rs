//! The books are closed: what was found becomes the truth.

use super::accounting::Accounting;
use super::{ConflictHour, FlagDay, OutcomeDay, Truth, indicators};
use crate::scenario::Scenario;

impl Accounting {
    /// Closes the books.
    pub fn finish(self, scenario: Option<Scenario>) -> Truth {
        let sim_days = self.cells.finish();
        let open_booked_day = self.quotas.today();
        let balances = self.quotas.balances();
        let enrolled = indicators::enrolled(&self.quotas);
        let province_months = indicators::province_months(&enrolled, &sim_days, open_booked_day);
        let planted = indicators::planted(&enrolled, &sim_days, &balances, open_booked_day);
        let orders = self.quotas.orders();
        let grants = self.quotas.grants();
        let replaced = self
            .quotas
            .sims
            .values()
            .filter(|s| s.valid_until.is_some());
        let (parts, radio, place_hours, nodes) = self.seen.finish(
            self.quotas.places,
            &self.quotas.alerts,
            replaced.count() as u64,
        );
        let mut decisions = self.quotas.decisions;
        decisions.sort();
        let mut alerts = self.quotas.alerts;
        alerts.sort();
        let outcome_day = |((booked_day, outcome), (rows, bytes))| OutcomeDay {
            booked_day,
            outcome,
            rows,
            bytes,
        };
        let flag_day = |((booked_day, flag), (rows, bytes))| FlagDay {
            booked_day,
            flag,
            rows,
            bytes,
        };
        let conflict = |(hour_at_ms, rows)| ConflictHour { hour_at_ms, rows };
        Truth {
            scenario,
            clock_ms: self.clock_ms,
            open_booked_day,
            messages: self.messages,
            received_rows: self.received.0,
            received_bytes: self.received.1,
            outcome_days: self.outcomes.into_iter().map(outcome_day).collect(),
            flag_days: self.flags.into_iter().map(flag_day).collect(),
            conflicts: self.conflicts.into_iter().map(conflict).collect(),
            sim_days,
            place_hours,
            decisions,
            alerts,
            orders,
            balances,
            grants,
            nodes,
            lost_records: 0,
            province_months,
            planted,
            parts,
            radio,
        }
    }
}
