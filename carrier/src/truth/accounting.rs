//! The walk: one message or command after the other, each row to exactly one outcome.

use std::collections::BTreeMap;

use super::cells::Cells;
use super::commands::{Enrolment, Opening};
use super::counters::{Counters, Rise};
use super::decide::Why;
use super::planted::Seen;
use super::quotas::Quotas;
use super::rows::{Identity, Rows};
use super::{AlertChange, Decision, Flag, Outcome};
use super::{QuarantineReason, Reason, RejectReason};
use crate::policy::{Catalogue, Class, Programme};
use crate::population::Imsi;
use crate::record::{Container, Counter, Record};
use crate::zone::{Date, HOUR_MS, Zone, month_of};

/// A row may leak so much later than its block was decided: until then the block may be on its way.
pub(super) const PROPAGATION_MS: i64 = HOUR_MS / 2;

/// The carrier's own books. Give it commands and messages in the order of their times, commands first.
#[derive(Debug)]
pub struct Accounting {
    pub(super) zone: Zone,
    pub(super) clock_ms: i64,
    pub(super) messages: u64,
    pub(super) received: (u64, u64),
    pub(super) rows: Rows,
    pub(super) counters: Counters,
    pub(super) outcomes: BTreeMap<(Date, Outcome), (u64, u64)>,
    pub(super) flags: BTreeMap<(Date, Flag), (u64, u64)>,
    pub(super) conflicts: BTreeMap<i64, u64>,
    pub(super) cells: Cells,
    pub(super) quotas: Quotas,
    pub(super) seen: Seen,
}

/// A row of outcome `counted` or `late`, with what belongs to it.
struct Used<'a> {
    record: &'a Record,
    container: &'a Container,
    usage_ms: i64,
    usage_day: Date,
    class: Class,
    uplink_bytes: u64,
    downlink_bytes: u64,
}

impl Accounting {
    /// Books in which nothing stands yet.
    pub fn new(zone: Zone) -> Self {
        Accounting {
            zone,
            clock_ms: i64::MIN,
            messages: 0,
            received: (0, 0),
            rows: Rows::default(),
            counters: Counters::default(),
            outcomes: BTreeMap::new(),
            flags: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            cells: Cells::default(),
            quotas: Quotas::default(),
            seen: Seen::default(),
        }
    }

    /// A programme is entered, its grants and its calendar with it.
    pub fn programme(&mut self, entered_at_ms: i64, programme: Programme) {
        self.advance(entered_at_ms);
        self.quotas.set_programme(programme, self.clock_ms);
    }

    /// A catalogue is entered.
    pub fn catalogue(&mut self, entered_at_ms: i64, catalogue: Catalogue) {
        self.advance(entered_at_ms);
        self.rows.catalogue(catalogue);
    }

    /// A SIM is enrolled.
    pub fn enrol(&mut self, entered_at_ms: i64, enrolment: &Enrolment<'_>) {
        self.advance(entered_at_ms);
        self.quotas.enrol(enrolment, self.clock_ms);
    }

    /// A SIM is out from the midnight of a date on that has begun.
    pub fn retire(&mut self, entered_at_ms: i64, imsi: Imsi, at: Date) {
        self.advance(entered_at_ms);
        self.quotas.retire(imsi, at, self.clock_ms);
    }

    /// A SIM brings something along.
    pub fn open(&mut self, entered_at_ms: i64, opening: &Opening) {
        self.advance(entered_at_ms);
        self.quotas.open(opening, self.clock_ms);
    }

    /// What a SIM has used of its allowances in the month of a date.
    pub fn used(&self, imsi: Imsi, date: Date) -> Vec<(Class, u64)> {
        self.quotas.used(imsi, month_of(date))
    }

    /// A record is delivered.
    pub fn record(&mut self, delivered_at_ms: i64, record: &Record) {
        self.advance(delivered_at_ms);
        self.hear(delivered_at_ms);
        self.seen.record(record);
        for container in &record.containers {
            let outcome = self.row(delivered_at_ms, record, container);
            self.book(outcome, container.uplink_bytes + container.downlink_bytes);
        }
    }

    /// A message is delivered that cannot be decoded.
    pub fn broken(&mut self, delivered_at_ms: i64, reason: RejectReason) {
        self.advance(delivered_at_ms);
        self.hear(delivered_at_ms);
        self.book(Outcome::Rejected(reason), 0);
    }

    /// Nothing more will be delivered before that time.
    pub fn quiet(&mut self, until_ms: i64) {
        self.advance(until_ms);
    }

    /// All decisions so far, in the order in which they were made.
    pub fn decisions(&self) -> &[Decision] {
        &self.quotas.decisions
    }

    /// All changes of alerts so far.
    pub fn alerts(&self) -> &[AlertChange] {
        &self.quotas.alerts
    }

    /// Outcomes so far: rows by outcome of all days.
    pub fn rows_of(&self, wanted: Outcome) -> u64 {
        let of = self
            .outcomes
            .iter()
            .filter(|((_, outcome), _)| *outcome == wanted);
        of.map(|(_, (rows, _))| rows).sum()
    }

    fn advance(&mut self, now_ms: i64) {
        let now_ms = self.clock_ms.max(now_ms);
        self.quotas.pass_midnights(&self.zone, now_ms);
        self.clock_ms = now_ms;
    }

    fn hear(&mut self, delivered_at_ms: i64) {
        self.messages += 1;
        self.quotas
            .heard
            .insert(delivered_at_ms.div_euclid(HOUR_MS));
    }

    fn book(&mut self, outcome: Outcome, bytes: u64) {
        let books = self
            .outcomes
            .entry((self.quotas.today(), outcome))
            .or_default();
        books.0 += 1;
        books.1 += bytes;
        self.received.0 += 1;
        self.received.1 += bytes;
        if outcome == Outcome::Quarantined(QuarantineReason::Conflict) {
            let hour = self.clock_ms - self.clock_ms.rem_euclid(HOUR_MS);
            *self.conflicts.entry(hour).or_default() += 1;
        }
    }

    fn flag(&mut self, flag: Flag, bytes: u64) {
        let books = self.flags.entry((self.quotas.today(), flag)).or_default();
        books.0 += 1;
        books.1 += bytes;
    }

    /// The outcome of a row: the first of the table in section 4 that applies.
    fn row(&mut self, delivered_at_ms: i64, record: &Record, container: &Container) -> Outcome {
        let identity = Identity::of(record, container);
        if let Some(outcome) = self.rows.refuse(
            &identity,
            record.imsi,
            container,
            (delivered_at_ms, self.clock_ms),
        ) {
            return outcome;
        }
        let rise = match record.counter {
            Counter::Delta => Rise {
                uplink_bytes: container.uplink_bytes,
                downlink_bytes: container.downlink_bytes,
                flags: Vec::new(),
            },
            Counter::Cumulative32 => {
                self.counters
                    .rise(record, container, delivered_at_ms, self.clock_ms)
            }
        };
        let bytes = rise.uplink_bytes + rise.downlink_bytes;
        for flag in rise.flags {
            self.flag(flag, bytes);
        }
        // A container closed at midnight sharp belongs to the day that ended.
        let usage_ms = (container.last_ms - 1).max(container.first_ms);
        let usage_day = self.zone.date(usage_ms);
        let (class, service) = self.rows.classify(container, usage_day);
        self.cells.add(
            record.imsi,
            (usage_day, self.quotas.today()),
            (class, service),
            (rise.uplink_bytes, rise.downlink_bytes),
        );
        if !self.quotas.is_enrolled(record.imsi, usage_day) {
            self.quotas.hold(record.imsi, usage_day, class, bytes);
            return Outcome::Held;
        }
        self.used_row(&Used {
            record,
            container,
            usage_ms,
            usage_day,
            class,
            uplink_bytes: rise.uplink_bytes,
            downlink_bytes: rise.downlink_bytes,
        });
        if self.quotas.is_closed(month_of(usage_day)) {
            return Outcome::Late;
        }
        self.quotas.charge(record.imsi, usage_day, class, bytes);
        let why = Why {
            reason: Reason::Exhausted,
            cause: Some(identity),
            at_ms: self.clock_ms,
        };
        self.quotas.settle(record.imsi, why, false);
        self.quotas.check_expiring(record.imsi, self.clock_ms);
        Outcome::Counted
    }

    /// What every row of an enrolled SIM does, whether its month is closed or not.
    fn used_row(&mut self, used: &Used<'_>) {
        let (imsi, bytes) = (used.record.imsi, used.uplink_bytes + used.downlink_bytes);
        let payer = self.quotas.payer(used.class);
        if self.quotas.is_leaked(imsi, payer, used.container.first_ms) {
            let flag = match payer {
                Class::Other => Flag::LeakedOther,
                _ => Flag::LeakedEducation,
            };
            self.flag(flag, bytes);
            self.seen.leaking(imsi);
        }
        let hour = self.zone.hour(used.usage_ms);
        if let Some(sim) = self.quotas.sims.get(&imsi) {
            self.seen.used(
                sim.place,
                (used.usage_day, hour, used.class),
                (used.uplink_bytes, used.downlink_bytes),
            );
            self.seen.in_device(used.record, sim.place, sim.device);
        }
        let message = self.messages;
        self.quotas.watch(
            imsi,
            used.record.device.map(|(device, _)| device),
            message,
            (used.usage_day, used.class, bytes),
            self.clock_ms,
        );
    }
}
