//! One row: exactly one outcome, its cell, its balance. The rules' numbers are those of `docs/semantics.md`, section 4.

use super::{Effects, Now, Shard};
use crate::booking::CellKey;
use crate::calendar::Month;
use crate::ledger::Balance;
use crate::outcome::{Outcome, QuarantineReason, RejectReason};
use crate::registry::Class;
use crate::roster::Sim;
use crate::seen::Met;
use crate::usage::{UsageRow, utc_day};

/// A row that is being applied, and where it stands in the log.
#[derive(Clone, Copy)]
pub(super) struct RowAt<'a> {
    pub(super) row: &'a UsageRow,
    /// The place in its frame.
    pub(super) place: u32,
    pub(super) offset: u64,
    /// The numbers of its source and feed.
    source: usize,
    feed: usize,
}

impl Shard {
    /// Applies a row; the clock stands at or behind its delivery already.
    pub(super) fn apply_row(
        &mut self,
        row: &UsageRow,
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
            place,
            offset,
            source,
            feed: self.sources.feed_of(source),
        };
        match self.judge(at) {
            Judged::New => self.apply_new(at, effects),
            Judged::SetAside(_) if again => {}
            Judged::SetAside(outcome) => self.book(at, outcome, None, effects),
        }
    }

    /// Rules 1 to 5, which look at the row and at what was seen, and not at its SIM.
    fn judge(&mut self, at: RowAt<'_>) -> Judged {
        let row = at.row;
        if row.is_stub() {
            let Some(reason) = RejectReason::from_code(row.reject_reason) else {
                unreachable!("`check` has read the reason's code");
            };
            return Judged::SetAside(Outcome::Rejected(reason));
        }
        let identity = row.identity();
        let horizon = i32::from(self.config.horizon_days);
        let too_old = identity.opening_day < utc_day(self.clock_ms) - horizon;
        let delivered = row.delivered_at_ms.get();
        let future = row.ended_at_ms.get() > delivered + self.sources.tolerance_ms(at.feed);
        // What is set aside for these reasons is not entered, so that a plausible resend counts.
        let enter = !too_old && !future;
        Judged::SetAside(match self.seen.meet(identity, row.digest(), enter) {
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
        let id = row.sim();
        let (day, month) = self.calendar.day_of(row.usage_instant_ms());
        let (class, service) =
            self.catalogue
                .classify(row.rating_group.get(), row.service_id.get(), day);
        let number = self.roster.number(&id);
        let enrolled = number.filter(|number| self.roster.get(*number).enrolled_from <= day);
        let key = CellKey {
            sim: id,
            usage_day: day,
            class,
            service,
        };
        match enrolled {
            None if self.cycles.is_closed(month) => {
                // No enrolment can take these bytes over, so there is nothing to hold.
                self.book_bytes(at, Outcome::Held, key, effects);
            }
            None if self.held.admits(&id, self.config.held_sims_max) => {
                self.held.add(id, day, class, row.bytes());
                self.book_bytes(at, Outcome::Held, key, effects);
            }
            None => {
                let outcome = Outcome::Quarantined(QuarantineReason::HeldBound);
                self.book(at, outcome, None, effects);
            }
            Some(_) if self.cycles.is_closed(month) => {
                self.book_bytes(at, Outcome::Late, key, effects);
            }
            Some(number) => {
                self.book_bytes(at, Outcome::Counted, key, effects);
                self.credit(number, month, class, at, effects);
            }
        }
    }

    /// Books an outcome whose bytes stand in `sim_day`.
    fn book_bytes(&mut self, at: RowAt<'_>, outcome: Outcome, key: CellKey, effects: &mut Effects) {
        let (uplink, downlink) = (at.row.uplink_bytes.get(), at.row.downlink_bytes.get());
        self.booking.add(key, uplink, downlink, at.offset);
        self.book(at, outcome, Some(key.class), effects);
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
    }

    /// Adds a counted row to its SIM's balance. Where that reaches a threshold or the end of an allowance of the
    /// current cycle, decisions and alerts follow.
    fn credit(
        &mut self,
        number: u32,
        month: Month,
        class: Class,
        at: RowAt<'_>,
        effects: &mut Effects,
    ) {
        let sim = self.roster.get_mut(number);
        let place = match sim.balances.iter().position(|b| b.month == month) {
            Some(place) => place,
            None => {
                assert!(month > self.cycles.current, "an open month has its balance");
                let balance = new_balance(sim, month, self.clock_ms, &self.programme);
                sim.balances.push(balance);
                sim.balances.len() - 1
            }
        };
        let balance = &mut sim.balances[place];
        let credited = balance.credit(class, at.row.bytes(), at.offset);
        let Some(payer) = credited.payer else {
            return;
        };
        if credited.newly_dirty {
            self.booking.waiting.cycles.push((number, month, payer));
        }
        if !credited.mark {
            return;
        }
        let rules = self.programme.cohort(sim.cohort);
        let thresholds = rules.map_or(&[][..], |rules| &rules.thresholds);
        balance.mark_reached(payer, thresholds, self.clock_ms);
        if month == self.cycles.current {
            let now = Now {
                at_ms: self.clock_ms,
                offset: at.offset,
            };
            self.decide_exhausted(number, payer, at, now, effects);
            self.update_alerts(number, now, effects);
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

/// A balance that follows the programme as it stands.
pub(super) fn new_balance(
    sim: &Sim,
    month: Month,
    at_ms: i64,
    programme: &crate::programme::Programme,
) -> Balance {
    let mut balance = Balance::new(month);
    let rules = programme.cohort(sim.cohort);
    balance.follow(rules, programme.unknown_charged_to(), at_ms);
    balance
}
