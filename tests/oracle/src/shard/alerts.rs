//! Alert changes: ids, revisions, and what ends when a SIM leaves (W1, W8, W9).

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{Because, Conflicts, Shard};
use crate::day::HOUR;
use crate::names::Feed;
use crate::row::Row;
use crate::said::{AlertChange, Cause};

impl Shard {
    /// Says one change of an alert.
    pub(super) fn say(
        &mut self,
        id: &str,
        kind: &str,
        change: &str,
        details: Value,
        because: &Because,
    ) {
        let revision = self.revisions.entry(id.to_owned()).or_default();
        *revision += 1;
        let change = AlertChange {
            generation: self.generation,
            partition: self.partition,
            id: id.to_owned(),
            revision: *revision,
            change: change.to_owned(),
            at_ms: because.at,
            on: self.rules.zone.date(because.at),
            offset: because.offset,
            policy_version: self.rules.policy_version(),
            catalogue_version: self.rules.catalogue_version(),
            cause: because.cause.as_deref().cloned(),
            kind: kind.to_owned(),
            details,
        };
        self.findings
            .alerts
            .entry(self.partition)
            .or_default()
            .push(change);
    }

    /// Details that every alert about a SIM has, and more.
    pub(super) fn about(&self, sim: usize, more: Value) -> Value {
        let today = self.steps.assignments;
        let it = &self.sims[sim];
        let present = || {
            (
                it.cohort(today).unwrap_or_default().to_owned(),
                it.school(today),
            )
        };
        let (cohort, school) = it.leaving.clone().unwrap_or_else(present);
        let mut details = Map::new();
        details.insert("sim".to_owned(), json!(it.name));
        details.insert("cohort".to_owned(), json!(cohort));
        details.insert("school".to_owned(), json!(school));
        if let Value::Object(more) = more {
            details.extend(more);
        }
        Value::Object(details)
    }

    /// A row in conflict (W8).
    pub(super) fn watch_conflict(&mut self, row: &Row, cause: &Rc<Cause>) {
        let feed = row.source.feed;
        let hour = self.now().div_euclid(HOUR);
        if let Some(conflicts) = self.conflicts.get_mut(&feed) {
            conflicts.records += 1;
            return;
        }
        self.conflicts.insert(feed, Conflicts { hour, records: 1 });
        let because = Because {
            cause: Some(cause.clone()),
            ..Because::new("", self.now(), cause.offset)
        };
        self.say_conflict(feed, hour, 1, "fire", &because);
    }

    /// The clock leaves the hour (W8).
    pub(super) fn leave_hour(&mut self, offset: u64) {
        for (feed, Conflicts { hour, records }) in std::mem::take(&mut self.conflicts) {
            if records > 1 {
                self.say_conflict(
                    feed,
                    hour,
                    records,
                    "update",
                    &Because::new("", (hour + 1) * HOUR, offset),
                );
            }
        }
    }

    fn say_conflict(
        &mut self,
        feed: Feed,
        hour: i64,
        records: u64,
        change: &'static str,
        because: &Because,
    ) {
        let hour_at = hour * HOUR;
        let id = format!("RecordConflict/{feed}/{}/{hour_at}", self.partition);
        let details = json!({"feed": feed, "hour_at_ms": hour_at, "records": records});
        self.say(&id, "RecordConflict", change, details, because);
    }

    /// A grant's end is near for a SIM (W9): step 1 of the midnight 7 days before.
    pub(super) fn watch_grant_end(&mut self, sim: usize, because: &Because) {
        for grant in 0..self.rules.grants.len() {
            let near = self.rules.grants[grant].grant.valid_until.plus(-7) == self.today;
            if near
                && !self.has_left(sim)
                && self.has_much_left(sim, grant)
                && self.sims[sim].expiring.insert(grant)
            {
                self.say_grant_end(sim, grant, "fire", because);
            }
        }
    }

    /// Whether a SIM has a grant of which more than 30 % is left.
    fn has_much_left(&self, sim: usize, grant: usize) -> bool {
        let entry = &self.rules.grants[grant];
        let cohort = self.sims[sim].cohort(self.steps.assignments);
        let left = u128::from(self.left(sim, grant));
        self.rules.has(self.sims[sim].name, cohort, entry)
            && left * 100 > u128::from(entry.grant.bytes) * 30
    }

    /// What was told of grants that end, and is no longer so.
    pub(super) fn watch_grants(&mut self, sim: usize, because: &Because) {
        for grant in self.sims[sim].expiring.clone() {
            let ended = self.rules.grants[grant].grant.valid_until <= self.steps.grants;
            if ended || self.has_left(sim) || !self.has_much_left(sim, grant) {
                self.sims[sim].expiring.remove(&grant);
                self.say_grant_end(sim, grant, "resolve", because);
            }
        }
    }

    fn say_grant_end(&mut self, sim: usize, grant: usize, change: &'static str, because: &Because) {
        let given = self.rules.grants[grant].grant.clone();
        let id = format!("GrantExpiring/{}/{}", self.sims[sim].name, given.id);
        let more = json!({"grant": given.id, "donor": given.donor, "given_bytes": given.bytes,
            "left_bytes": self.left(sim, grant), "valid_until": given.valid_until});
        self.say(&id, "GrantExpiring", change, self.about(sim, more), because);
    }

    /// A SIM has left: all that fires about it ends (W1).
    pub(super) fn leave(&mut self, sim: usize, because: &Because) {
        self.sims[sim].forget_unsaid();
        self.watch_quota(sim, because);
        self.sims[sim].idle.days = 0;
        self.end_idle(sim, because);
        self.end_moved(sim, because);
        self.end_sharing(sim, because);
        self.watch_grants(sim, because);
    }

    /// After anything that may have changed a SIM's balances.
    pub(super) fn settle(&mut self, sim: usize, because: &Because) {
        self.refresh(sim, because.at);
        self.watch_quota(sim, because);
        self.watch_grants(sim, because);
    }
}
