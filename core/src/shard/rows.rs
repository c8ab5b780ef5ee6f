//! One row: exactly one outcome, its cell, its balance. The rules' numbers are those of `docs/semantics.md`, section 4.

use super::ahead::Ahead;
use super::decide::{Gate, place};
use super::{Effects, Shard};
use crate::booking::{Added, CellKey, PlaceKey};
use crate::decision::Reason;
use crate::facts::Flag;
use crate::outcome::{Outcome, QuarantineReason, RejectReason};
use crate::registry::{Class, Counter};
use crate::roster::CUT;
use crate::seen::Met;
use crate::usage::{UsageRow, utc_day};
use crate::zone::Day;

/// A row that is being applied, and where it stands in the log.
#[derive(Clone, Copy)]
pub(super) struct RowAt<'a> {
    pub(super) row: &'a UsageRow,
    ahead: &'a Ahead,
    /// The place in its frame.
    pub(super) place: u32,
    pub(super) offset: u64,
    /// The numbers of its source and feed.
    source: usize,
    pub(super) feed: usize,
}

impl Shard {
    /// Applies a row; the clock stands at or behind its delivery already.
    pub(super) fn apply_row(
        &mut self,
        row: &UsageRow,
        ahead: &Ahead,
        place: u32,
        offset: u64,
        effects: &mut Effects,
    ) {
        let Ok(source) = self.sources.number_of(row) else {
            unreachable!("`check` has read the feed's name");
        };
        let again = self.sources.meet(source, row.position());
        let at = RowAt {
            row,
            ahead,
            place,
            offset,
            source,
            feed: self.sources.feed_of(source),
        };
        match self.judge(at, again) {
            Judged::New => self.apply_new(at, effects),
            Judged::SetAside(_) if again => {}
            Judged::SetAside(outcome) => self.book(at, outcome, None, effects),
        }
    }

    /// Rules 1 to 5, which look at the row and at what was seen, and not at its SIM.
    fn judge(&mut self, at: RowAt<'_>, again: bool) -> Judged {
        let row = at.row;
        if row.is_stub() {
            let Some(reason) = RejectReason::from_code(row.reject_reason) else {
                unreachable!("`check` has read the reason's code");
            };
            return Judged::SetAside(Outcome::Rejected(reason));
        }
        let identity = at.ahead.identity;
        let horizon = i32::from(self.config.horizon_days);
        let too_old = identity.opening_day < utc_day(self.clock_ms) - horizon;
        let delivered = row.delivered_at_ms.get();
        let tolerance_ms = self.sources.tolerance_ms(at.feed, again);
        let future = row.ended_at_ms.get() > delivered + tolerance_ms;
        // What is set aside for these reasons is not entered, so that a plausible resend counts.
        let enter = !too_old && !future;
        Judged::SetAside(match self.seen.meet(identity, at.ahead.digest, enter) {
            Met::Same => Outcome::Duplicate,
            Met::Conflict => Outcome::Quarantined(QuarantineReason::Conflict),
            Met::New if too_old => Outcome::Quarantined(QuarantineReason::TooOld),
            Met::New if future => Outcome::Quarantined(QuarantineReason::Future),
            Met::New => return Judged::New,
        })
    }

    /// Rules 6 to 8: a row that nobody has seen and that is plausible.
    fn apply_new(&mut self, at: RowAt<'_>, effects: &mut Effects) {
        let row = at.row;
        let (day, month) = self.zone.day_of(row.usage_instant_ms());
        let (class, service) =
            self.catalogue
                .classify(row.rating_group.get(), row.service_id.get(), day);
        let bytes = self.bytes_of(at, effects);
        let key = CellKey {
            usage_day: day,
            class,
            service,
        };
        let number = at.ahead.sim;
        let enrolled = number.filter(|number| self.roster.get(*number).is_enrolled_on(day));
        let Some(number) = enrolled else {
            return self.apply_held(at, key, bytes, effects);
        };
        let outcome = match self.closed.has_month(month) {
            true => Outcome::Late,
            false => Outcome::Counted,
        };
        self.book_bytes(at, key, bytes);
        self.book(at, outcome, Some(class), effects);
        self.book_place(number, at, key, bytes);
        self.flag_leak(number, at, class, bytes, effects);
        let total = bytes.uplink + bytes.downlink;
        self.credit_row(number, at, day, class, total, effects);
        self.watch_row(number, at, day, class, total, effects);
    }

    /// A row of a SIM that is not enrolled on its usage day.
    fn apply_held(&mut self, at: RowAt<'_>, key: CellKey, bytes: Bytes, effects: &mut Effects) {
        let sim = at.row.sim();
        // What no enrolment can take over is not held.
        let holds = key.usage_day >= self.holding_from;
        if holds && !self.held.admits(&sim, self.config.held_sims_max) {
            let outcome = Outcome::Quarantined(QuarantineReason::HeldBound);
            return self.book(at, outcome, None, effects);
        }
        if holds {
            let total = bytes.uplink + bytes.downlink;
            self.held.add(sim, key.usage_day, key.class, total);
        }
        self.book_bytes(at, key, bytes);
        self.book(at, Outcome::Held, Some(key.class), effects);
    }

    /// The bytes that a row gives: its own, or the rise of a counter that runs through its session.
    fn bytes_of(&mut self, at: RowAt<'_>, effects: &mut Effects) -> Bytes {
        let row = at.row;
        // `check` has read the code.
        let told = row.counter().ok().flatten();
        let counter = told.unwrap_or_else(|| self.sources.counter(at.feed));
        if counter == Counter::Delta {
            return Bytes {
                uplink: row.uplink_bytes.get(),
                downlink: row.downlink_bytes.get(),
            };
        }
        let delivered_day = utc_day(row.delivered_at_ms.get());
        let rise = self.sessions.read(row, counter, delivered_day);
        if let Some(flag) = rise.flag {
            self.flag(at, flag, rise.uplink + rise.downlink, effects);
        }
        Bytes {
            uplink: rise.uplink,
            downlink: rise.downlink,
        }
    }

    fn flag(&mut self, at: RowAt<'_>, flag: Flag, bytes: u64, effects: &mut Effects) {
        self.booking.flag(at.feed, flag, bytes, at.offset);
        let feed = self.sources.feed_id(at.feed);
        effects.flags.push((feed, flag, bytes));
    }

    /// Flags bytes used behind a block: rule L1.
    fn flag_leak(
        &mut self,
        number: u32,
        at: RowAt<'_>,
        class: Class,
        bytes: Bytes,
        effects: &mut Effects,
    ) {
        let payer = self.programme.payer(class);
        let flag = match payer {
            Class::Education => Flag::LeakedEducation,
            Class::Other => Flag::LeakedOther,
            Class::System | Class::Unknown => return,
        };
        let blocked = self.roster.get(number).blocked[place(payer)];
        let Some((blocked_from_ms, blocked_until_ms)) = blocked.times() else {
            return;
        };
        let started_ms = at.row.started_at_ms.get();
        let until_ms = blocked_until_ms.unwrap_or(i64::MAX);
        if started_ms > blocked_from_ms + PROPAGATION_MS && started_ms < until_ms {
            self.flag(at, flag, bytes.uplink + bytes.downlink, effects);
        }
    }

    /// Books bytes in `sim_day`.
    fn book_bytes(&mut self, at: RowAt<'_>, key: CellKey, bytes: Bytes) {
        let (cells, added) = (&mut self.booking.cells, bytes.added(at));
        match at.ahead.sim {
            Some(number) => {
                let first = &mut self.roster.get_mut(number).first_cell;
                cells.add(number, first, key, added);
            }
            None => cells.add_of_stranger(at.row.sim(), key, added),
        }
    }

    /// Books bytes under the place where the SIM was on the usage day, as far as it is known.
    fn book_place(&mut self, number: u32, at: RowAt<'_>, key: CellKey, bytes: Bytes) {
        let sim = self.roster.get(number);
        let (cohort, place) = match sim.present.contains(key.usage_day) {
            true => (sim.cohort, sim.place),
            false => sim
                .speaks_of(key.usage_day)
                .map_or((sim.cohort, sim.place), |a| (a.cohort, a.place)),
        };
        let key = PlaceKey {
            province: self.province_of[place as usize],
            cohort,
            usage_day: key.usage_day,
            hour: self.zone.hour_of(at.row.usage_instant_ms()),
            class: key.class,
        };
        self.booking.places.add(key, bytes.added(at));
    }

    /// Books an outcome.
    fn book(
        &mut self,
        at: RowAt<'_>,
        outcome: Outcome,
        class: Option<Class>,
        effects: &mut Effects,
    ) {
        let bytes = at.row.bytes();
        self.sources.book(at.source, bytes);
        self.booking.book(at.feed, outcome, bytes, at.offset);
        let feed = self.sources.feed_id(at.feed);
        effects.tallies.add(feed, outcome, class, 1, bytes);
        if outcome == Outcome::Quarantined(QuarantineReason::Conflict) {
            self.count_conflict(at, effects);
        }
    }

    /// Adds a row to its SIM's balances. Where that reaches a threshold or the end of an allowance of a current cycle,
    /// decisions and alerts follow.
    fn credit_row(
        &mut self,
        number: u32,
        at: RowAt<'_>,
        day: Day,
        class: Class,
        bytes: u64,
        effects: &mut Effects,
    ) {
        let now = self.now(at.offset);
        let changed = self.credit(number, day, class, bytes, now);
        if changed.any() {
            for (changed, class) in changed.0.into_iter().zip(CUT) {
                if changed {
                    let (reason, cause) = (Reason::Exhausted, Some(at));
                    self.decide_for(number, class, reason, Gate::Row, cause, now, effects);
                }
            }
            self.tell_tripped(Some(at), now, effects);
            self.update_quota_alerts(number, Some(at), now, effects);
        }
        let sim = self.roster.get(number);
        if sim.rare().is_some_and(|rare| !rare.expiring.is_empty()) {
            self.watch_expiring(number, Some(at), now, effects);
        }
    }
}

/// A block is in force so long after it was decided.
const PROPAGATION_MS: i64 = 1_800_000;

/// The bytes that a row gives.
#[derive(Clone, Copy)]
struct Bytes {
    uplink: u64,
    downlink: u64,
}

impl Bytes {
    fn added(self, at: RowAt<'_>) -> Added {
        Added {
            uplink: self.uplink,
            downlink: self.downlink,
            version: at.offset,
        }
    }
}

/// What rules 1 to 5 say.
enum Judged {
    /// None of them applies; the row is entered in `seen`.
    New,
    /// The outcome, unless the row comes again.
    SetAside(Outcome),
}
