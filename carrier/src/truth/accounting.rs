//! The walk: one message or command after the other, each row to exactly one outcome.

use std::collections::{BTreeMap, HashMap};

use super::cells::Cells;
use super::indicators::{self, Enrolled};
use super::quota::Quotas;
use super::{
    AlertChange, Decision, Outcome, OutcomeDay, QuarantineReason, RecordIdentity, RejectReason,
    Truth,
};
use crate::policy::{Catalogue, Class, Programme};
use crate::population::Imsi;
use crate::record::{Container, NODES, Record};
use crate::scenario::Scenario;
use crate::zone::{Date, MINUTE_MS, Zone, month_of, utc_day};

/// Openings before this many days are too old.
const HORIZON_DAYS: i64 = 45;
/// A row may end this much later than its delivery.
const FUTURE_TOLERANCE_MS: i64 = 5 * MINUTE_MS;

/// What names a container, whichever feed brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Identity {
    node: usize,
    charging_id: u64,
    record_sequence: u32,
    opened_ms: i64,
    rating_group: u32,
    service_id: u32,
    sequence: u32,
}

/// What must be the same when a container comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    imsi: Imsi,
    uplink_bytes: u64,
    downlink_bytes: u64,
    first_ms: i64,
    last_ms: i64,
}

/// The carrier's own books. Give it commands and messages in the order of their times, commands first.
#[derive(Debug)]
pub struct Accounting {
    zone: Zone,
    clock_ms: i64,
    messages: u64,
    received: (u64, u64),
    catalogues: Vec<Catalogue>,
    seen: HashMap<Identity, Content>,
    outcomes: BTreeMap<(Date, Outcome), (u64, u64)>,
    cells: Cells,
    quotas: Quotas,
}

impl Accounting {
    /// Books in which nothing stands yet.
    pub fn new(zone: Zone) -> Self {
        Accounting {
            zone,
            clock_ms: i64::MIN,
            messages: 0,
            received: (0, 0),
            catalogues: Vec::new(),
            seen: HashMap::new(),
            outcomes: BTreeMap::new(),
            cells: Cells::default(),
            quotas: Quotas::default(),
        }
    }

    /// A programme is entered.
    pub fn programme(&mut self, entered_at_ms: i64, programme: Programme) {
        self.advance(entered_at_ms);
        self.quotas
            .set_programme(&self.zone, programme, self.clock_ms);
    }

    /// A catalogue is entered.
    pub fn catalogue(&mut self, entered_at_ms: i64, catalogue: Catalogue) {
        self.advance(entered_at_ms);
        self.catalogues.push(catalogue);
    }

    /// A SIM is enrolled in a cohort and province.
    pub fn enrol(
        &mut self,
        entered_at_ms: i64,
        imsi: Imsi,
        cohort: &str,
        province: &str,
        valid_from: Date,
    ) {
        self.advance(entered_at_ms);
        self.quotas.enrol(
            &self.zone,
            imsi,
            (cohort, province),
            valid_from,
            self.clock_ms,
        );
    }

    /// A record is delivered.
    pub fn record(&mut self, delivered_at_ms: i64, record: &Record) {
        self.advance(delivered_at_ms);
        self.messages += 1;
        for container in &record.containers {
            let outcome = self.row(delivered_at_ms, record, container);
            self.book(outcome, container.uplink_bytes + container.downlink_bytes);
        }
    }

    /// A message is delivered that cannot be decoded.
    pub fn broken(&mut self, delivered_at_ms: i64, reason: RejectReason) {
        self.advance(delivered_at_ms);
        self.messages += 1;
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

    /// All alert changes so far.
    pub fn alerts(&self) -> &[AlertChange] {
        &self.quotas.alerts
    }

    /// Outcomes so far: rows by outcome of all days.
    pub fn rows_of(&self, wanted: Outcome) -> u64 {
        self.outcomes
            .iter()
            .filter(|((_, outcome), _)| *outcome == wanted)
            .map(|(_, (rows, _))| rows)
            .sum()
    }

    fn advance(&mut self, now_ms: i64) {
        let now_ms = self.clock_ms.max(now_ms);
        self.quotas.run_timers(&self.zone, now_ms);
        self.clock_ms = now_ms;
    }

    fn book(&mut self, outcome: Outcome, bytes: u64) {
        let booked_day = self.zone.date(self.clock_ms);
        let books = self.outcomes.entry((booked_day, outcome)).or_default();
        books.0 += 1;
        books.1 += bytes;
        self.received.0 += 1;
        self.received.1 += bytes;
    }

    /// The outcome of a row: the first of the table in section 4 that applies.
    fn row(&mut self, delivered_at_ms: i64, record: &Record, container: &Container) -> Outcome {
        let identity = Identity {
            node: record.node,
            charging_id: record.charging_id,
            record_sequence: record.record_sequence,
            opened_ms: record.opened_ms,
            rating_group: container.rating_group,
            service_id: container.service_id,
            sequence: container.sequence,
        };
        let content = Content {
            imsi: record.imsi,
            uplink_bytes: container.uplink_bytes,
            downlink_bytes: container.downlink_bytes,
            first_ms: container.first_ms,
            last_ms: container.last_ms,
        };
        match self.seen.get(&identity) {
            Some(before) if *before == content => return Outcome::Duplicate,
            Some(_) => return Outcome::Quarantined(QuarantineReason::Conflict),
            None => {}
        }
        if utc_day(record.opened_ms) < utc_day(self.clock_ms) - HORIZON_DAYS {
            return Outcome::Quarantined(QuarantineReason::TooOld);
        }
        if container.last_ms > delivered_at_ms + FUTURE_TOLERANCE_MS {
            return Outcome::Quarantined(QuarantineReason::Future);
        }
        self.seen.insert(identity, content);

        let usage_ms = if container.last_ms > container.first_ms {
            container.last_ms - 1
        } else {
            container.first_ms
        };
        let usage_day = self.zone.date(usage_ms);
        let (class, service) = self.classify(container, usage_ms);
        let booked_day = self.zone.date(self.clock_ms);
        let bytes = (container.uplink_bytes, container.downlink_bytes);
        self.cells.add(
            record.imsi,
            (usage_day, booked_day),
            (class, service),
            bytes,
        );
        let bytes = bytes.0 + bytes.1;
        if !self.quotas.is_enrolled(record.imsi, usage_day) {
            self.quotas.hold(record.imsi, usage_day, class, bytes);
            return Outcome::Held;
        }
        if self
            .quotas
            .is_closed(&self.zone, month_of(usage_day), self.clock_ms)
        {
            return Outcome::Late;
        }
        let cause = named(&identity);
        self.quotas
            .count(record.imsi, usage_day, class, bytes, (cause, self.clock_ms));
        Outcome::Counted
    }

    /// Class and service by the catalogue: the newest version with a rule that holds; a service id beats none.
    fn classify(&self, container: &Container, usage_ms: i64) -> (Class, &'static str) {
        for catalogue in self.catalogues.iter().rev() {
            let matching = catalogue.rules.iter().filter(|rule| {
                rule.rating_group == container.rating_group
                    && rule.service_id.is_none_or(|id| id == container.service_id)
                    && usage_ms >= self.zone.midnight(rule.valid_from)
            });
            if let Some(rule) = matching.max_by_key(|rule| rule.service_id.is_some()) {
                return (rule.class, rule.service);
            }
        }
        (Class::Unknown, "")
    }

    /// Closes the books.
    pub fn finish(self, scenario: Option<Scenario>) -> Truth {
        let sim_days = self.cells.finish();
        let enrolled: Vec<Enrolled> = self
            .quotas
            .accounts
            .iter()
            .map(|(imsi, account)| Enrolled {
                imsi: *imsi,
                cohort: &account.cohort,
                province: &account.province,
                valid_from: account.valid_from,
            })
            .collect();
        let open_booked_day = self.zone.date(self.clock_ms);
        let balances = self.quotas.balances();
        let province_months = indicators::province_months(&enrolled, &sim_days, open_booked_day);
        let planted = indicators::planted(&enrolled, &sim_days, &balances, open_booked_day);
        let orders = self.quotas.orders();
        let mut decisions = self.quotas.decisions;
        decisions.sort();
        let mut alerts = self.quotas.alerts;
        alerts.sort();
        Truth {
            scenario,
            clock_ms: self.clock_ms,
            open_booked_day,
            messages: self.messages,
            received_rows: self.received.0,
            received_bytes: self.received.1,
            outcome_days: self
                .outcomes
                .into_iter()
                .map(|((booked_day, outcome), (rows, bytes))| OutcomeDay {
                    booked_day,
                    outcome,
                    rows,
                    bytes,
                })
                .collect(),
            sim_days,
            decisions,
            alerts,
            orders,
            balances,
            province_months,
            planted,
        }
    }
}

fn named(identity: &Identity) -> RecordIdentity {
    RecordIdentity {
        node: NODES[identity.node].to_owned(),
        charging_id: identity.charging_id,
        record_sequence: identity.record_sequence,
        opened_at_ms: identity.opened_ms,
        rating_group: identity.rating_group,
        service_id: identity.service_id,
        container_sequence: identity.sequence,
    }
}
