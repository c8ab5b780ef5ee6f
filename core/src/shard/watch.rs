//! What is watched of SIMs and feeds beside quotas. Rules: `docs/semantics.md`, W4 to W9.

use super::rows::RowAt;
use super::{Effects, Now, Shard};
use crate::alert::{AlertKind, Change, Conflict, Expiring, Idle, Moved, Sharing, Subject};
use crate::registry::Class;
use crate::roster::{AlertState, Sim};
use crate::usage::HOUR_MS;
use crate::watches::{IDLE_SCHOOL_DAYS, SHARING_CLEAN_DAYS};
use crate::zone::Day;

/// A grant that ends in so many days
const EXPIRING_DAYS: i32 = 7;
/// with more than this much of it left, in percent, is told of.
const EXPIRING_LEFT_PERCENT: u128 = 30;

impl Shard {
    /// Watches a row of an enrolled SIM, with the bytes that it gives.
    pub(super) fn watch_row(
        &mut self,
        number: u32,
        at: RowAt<'_>,
        day: Day,
        class: Class,
        bytes: u64,
        effects: &mut Effects,
    ) {
        let now = self.now(at.offset);
        if self.roster.get(number).has_left {
            return;
        }
        if bytes > 0 {
            self.watch_use(number, at, day, class, bytes, now, effects);
        }
        self.watch_device(number, at, day, now, effects);
    }

    #[allow(clippy::too_many_arguments, reason = "what a row says")]
    fn watch_use(
        &mut self,
        number: u32,
        at: RowAt<'_>,
        day: Day,
        class: Class,
        bytes: u64,
        now: Now,
        effects: &mut Effects,
    ) {
        let today = self.today();
        let is_router = self.programme.is_router(self.roster.get(number).device_tac);
        let sim = self.roster.get_mut(number);
        let used = class != Class::System && sim.watches.note_use(day);
        let education = if class == Class::Education { bytes } else { 0 };
        let shared = sim.add_day_use(day, today, bytes, education, is_router);
        if used && sim.rare().is_some_and(|rare| rare.idle.state.firing) {
            sim.rare_mut().idle.state.turn();
            let (kind, change) = (AlertKind::TabletIdle, Change::Resolve);
            self.tell_watch(number, kind, change, Some(at), now, effects);
        }
        let Some(shared) = shared else {
            return;
        };
        let sharing = &mut self.roster.get_mut(number).rare_mut().sharing;
        sharing.latest = sharing.latest.max(Some(day));
        sharing.told_day = Some(day);
        sharing.told_bytes = shared.bytes;
        sharing.told_education_bytes = shared.education_bytes;
        let change = sharing.alert.fire_or_update(day);
        let kind = AlertKind::PossibleSharing;
        self.tell_watch(number, kind, change, Some(at), now, effects);
    }

    fn watch_device(
        &mut self,
        number: u32,
        at: RowAt<'_>,
        day: Day,
        now: Now,
        effects: &mut Effects,
    ) {
        let device = device_hash(&at.row.device);
        let today = self.today();
        let sim = self.roster.get(number);
        if device == 0 || sim.device == 0 {
            return;
        }
        if device == sim.device {
            if sim.rare().is_some_and(|rare| rare.moved.records > 0) {
                self.forget_moved(number, Some(at), now, effects);
            }
            return;
        }
        let tac = at.row.device_tac.get();
        if tac == sim.device_tac || self.programme.is_tablet(tac) {
            return;
        }
        let moved = &mut self.roster.get_mut(number).rare_mut().moved;
        if moved.note(at.row.source_offset.get(), day, device, tac) {
            let change = moved.alert.fire_or_update(today);
            let kind = AlertKind::SimMoved;
            self.tell_watch(number, kind, change, Some(at), now, effects);
        }
    }

    /// Forgets the evidence that a SIM is in another device, and resolves what fires.
    pub(super) fn forget_moved(
        &mut self,
        number: u32,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get_mut(number);
        if sim.rare().is_none() {
            return;
        }
        let moved = &mut sim.rare_mut().moved;
        if moved.alert.state.firing {
            moved.alert.state.turn();
            self.tell_watch(
                number,
                AlertKind::SimMoved,
                Change::Resolve,
                cause,
                now,
                effects,
            );
        }
        self.roster.get_mut(number).rare_mut().moved.forget();
    }

    /// Watches a day that ended, at the midnight behind it; `deaf`: not enough was heard to tell.
    pub(super) fn watch_day(
        &mut self,
        number: u32,
        ended: Day,
        deaf: bool,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        if !deaf && self.calendar.is_school_day(ended, sim.cohort) {
            let enrolled = sim.is_enrolled_on(ended) && !sim.has_left;
            let sim = self.roster.get_mut(number);
            if !enrolled {
                sim.watches.end_idle_days();
            } else if sim.watches.count_school_day(ended)
                && !sim.rare().is_some_and(|rare| rare.idle.state.firing)
            {
                sim.rare_mut().idle.fire(ended.plus(1));
                self.tell_watch(
                    number,
                    AlertKind::TabletIdle,
                    Change::Fire,
                    None,
                    now,
                    effects,
                );
            }
        }
        if let Some(rare) = self.roster.get(number).rare() {
            let over = |latest: Day| ended.0 - latest.0 >= SHARING_CLEAN_DAYS;
            let sharing = rare.sharing;
            if sharing.alert.state.firing && sharing.latest.is_some_and(over) {
                let sim = self.roster.get_mut(number);
                sim.rare_mut().sharing.alert.state.turn();
                self.tell_watch(
                    number,
                    AlertKind::PossibleSharing,
                    Change::Resolve,
                    None,
                    now,
                    effects,
                );
            }
        }
        self.watch_grants_near_end(number, now, effects);
    }

    /// Everything about a SIM that leaves is over.
    pub(super) fn end_watches(&mut self, number: u32, now: Now, effects: &mut Effects) {
        self.resolve_quota_alerts(number, now, effects);
        self.roster.get_mut(number).watches.end_idle_days();
        if self.roster.get(number).rare().is_none() {
            return;
        }
        let rare = self.roster.get_mut(number).rare_mut();
        if rare.idle.state.firing {
            rare.idle.state.turn();
            self.tell_watch(
                number,
                AlertKind::TabletIdle,
                Change::Resolve,
                None,
                now,
                effects,
            );
        }
        self.forget_moved(number, None, now, effects);
        let rare = self.roster.get_mut(number).rare_mut();
        if rare.sharing.alert.state.firing {
            rare.sharing.alert.state.turn();
            self.tell_watch(
                number,
                AlertKind::PossibleSharing,
                Change::Resolve,
                None,
                now,
                effects,
            );
        }
        self.end_expiring(number, true, None, now, effects);
    }

    /// Tells of an alert as it stands.
    fn tell_watch(
        &self,
        number: u32,
        kind: AlertKind,
        change: Change,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let Some(rare) = sim.rare() else {
            unreachable!("what is told stands there");
        };
        let (alert, subject) = match kind {
            AlertKind::TabletIdle => (rare.idle, self.idle(sim)),
            AlertKind::SimMoved => {
                let moved = Moved {
                    tablet: self.tablet(sim),
                    since: rare.moved.first_day.unwrap_or(Day::FIRST).date(),
                    device_tac: rare.moved.device_tac,
                };
                (rare.moved.alert, Subject::SimMoved(moved))
            }
            _ => {
                let sharing = Sharing {
                    tablet: self.tablet(sim),
                    usage_day: rare.sharing.told_day.unwrap_or(Day::FIRST).date(),
                    bytes: rare.sharing.told_bytes,
                    education_bytes: rare.sharing.told_education_bytes,
                };
                (rare.sharing.alert, Subject::PossibleSharing(sharing))
            }
        };
        let day = alert.day.unwrap_or(Day::FIRST).date();
        let id = format!("{}/{day}", sim.id);
        let cause = cause.map(|cause| self.cause(cause));
        self.tell(
            &id,
            alert.state.revision,
            change,
            subject,
            cause,
            now,
            effects,
        );
    }

    fn idle(&self, sim: &Sim) -> Subject {
        Subject::TabletIdle(Idle {
            tablet: self.tablet(sim),
            last_used_on: sim.watches.last_used().map(Day::date),
            school_days: IDLE_SCHOOL_DAYS,
        })
    }

    /// Fires for grants that end in 7 days with much of them left, and resolves what is no longer so.
    fn watch_grants_near_end(&mut self, number: u32, now: Now, effects: &mut Effects) {
        let today = self.today();
        let sim = self.roster.get(number);
        if !self.grants.has(&sim.id, sim.cohort) || sim.has_left {
            return;
        }
        for grant in self.grants.of(&sim.id, sim.cohort) {
            let rules = self.grants.get(grant);
            let near = rules.until.plus(-EXPIRING_DAYS) == today && !rules.void;
            if !near || !self.has_much_left(number, grant) {
                continue;
            }
            let expiring = &mut self.roster.get_mut(number).rare_mut().expiring;
            let mut state = AlertState::default();
            state.turn();
            expiring.push((grant, state));
            self.tell_expiring(number, grant, state, None, now, effects);
        }
    }

    fn has_much_left(&self, number: u32, grant: u32) -> bool {
        let given = self.grants.get(grant).source.bytes;
        let left = given - self.roster.get(number).used_of(grant);
        u128::from(left) * 100 > u128::from(given) * EXPIRING_LEFT_PERCENT
    }

    /// Resolves the alerts of grants that have ended, are used, or are no longer the SIM's.
    pub(super) fn watch_expiring(
        &mut self,
        number: u32,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        self.end_expiring(number, false, cause, now, effects);
    }

    /// The same, or all of them where the SIM leaves.
    fn end_expiring(
        &mut self,
        number: u32,
        leaves: bool,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let today = self.today();
        let sim = self.roster.get(number);
        let firing = sim.rare().map(|rare| rare.expiring.clone());
        for (grant, mut state) in firing.unwrap_or_default() {
            let sim = self.roster.get(number);
            let rules = self.grants.get(grant);
            let has = rules.cohort.is_none_or(|cohort| cohort == sim.cohort);
            let stays = !leaves && !sim.has_left;
            let goes_on = has
                && stays
                && rules.is_valid_before_end(today)
                && self.has_much_left(number, grant);
            if goes_on || !state.firing {
                continue;
            }
            state.turn();
            let expiring = &mut self.roster.get_mut(number).rare_mut().expiring;
            expiring.retain(|(other, _)| *other != grant);
            self.tell_expiring(number, grant, state, cause, now, effects);
        }
    }

    fn tell_expiring(
        &self,
        number: u32,
        grant: u32,
        state: AlertState,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get(number);
        let rules = self.grants.get(grant);
        let subject = Subject::GrantExpiring(Expiring {
            tablet: self.tablet(sim),
            grant: rules.source.id.clone(),
            donor: rules.source.donor.clone(),
            given_bytes: rules.source.bytes,
            left_bytes: rules.source.bytes - sim.used_of(grant),
            valid_until: rules.source.valid_until,
        });
        let change = match state.firing {
            true => Change::Fire,
            false => Change::Resolve,
        };
        let id = format!("{}/{}", sim.id, rules.source.id);
        let cause = cause.map(|cause| self.cause(cause));
        self.tell(&id, state.revision, change, subject, cause, now, effects);
    }

    /// Counts a conflict of the clock hour; the first is told.
    pub(super) fn count_conflict(&mut self, at: RowAt<'_>, effects: &mut Effects) {
        let hour_at_ms = self.clock_ms - self.clock_ms.rem_euclid(HOUR_MS);
        let conflicts = self.sources.conflicts_mut(at.feed);
        conflicts.hour_at_ms = hour_at_ms;
        conflicts.records += 1;
        if conflicts.records == 1 {
            let now = self.now(at.offset);
            let cause = Some(self.cause(at));
            self.tell_conflicts(at.feed, 1, Change::Fire, cause, now, effects);
            self.find_next_due();
        }
    }

    /// Tells of the conflicts of a clock hour that ends, where they were more than one.
    pub(super) fn end_conflict_hour(&mut self, at_ms: i64, offset: u64, effects: &mut Effects) {
        let now = Now { at_ms, offset };
        for feed in 0..self.sources.feeds() {
            let conflicts = *self.sources.conflicts_mut(feed);
            if conflicts.records == 0 || conflicts.hour_at_ms + HOUR_MS > at_ms {
                continue;
            }
            if conflicts.records > 1 {
                self.tell_conflicts(feed, 2, Change::Update, None, now, effects);
            }
            self.sources.conflicts_mut(feed).records = 0;
        }
    }

    fn tell_conflicts(
        &mut self,
        feed: usize,
        revision: u32,
        change: Change,
        cause: Option<crate::decision::Cause>,
        now: Now,
        effects: &mut Effects,
    ) {
        let conflicts = *self.sources.conflicts_mut(feed);
        let feed = self.sources.feed_id(feed);
        let subject = Subject::RecordConflict(Conflict {
            feed,
            hour_at_ms: conflicts.hour_at_ms,
            records: conflicts.records,
        });
        let partition = self.config.partition;
        let id = format!("{feed}/{partition}/{}", conflicts.hour_at_ms);
        self.tell(&id, revision, change, subject, cause, now, effects);
    }

    /// The clock, for effects of an entry.
    pub(super) fn now(&self, offset: u64) -> Now {
        Now {
            at_ms: self.clock_ms,
            offset,
        }
    }
}

/// The first half of a device's pseudonym; 0 where there is none.
pub(super) fn device_hash(device: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *device;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
