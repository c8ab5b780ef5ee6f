//! Exactly one outcome for each row, and what it does (section 4).

use super::rows::Usage;
use super::{Because, By, Shard};
use crate::counter::{Reading, Rise, SessionKey};
use crate::day::Day;
use crate::findings::{FlagDay, PlaceHour, SimDay};
use crate::names::{Class, Outcome};
use crate::record::{Container, Counter};
use crate::row::Row;

/// How long after a block a row's bytes count as leaked (L1).
const CARRIER_TIME: i64 = 30 * 60_000;

impl Shard {
    /// O2 to O8, in their order.
    pub(super) fn row(&mut self, usage: &Usage<'_>) {
        let row = usage.row;
        let again = self.comes_again(row);
        let raw = usage.raw_bytes();
        let (identity, digest) = (usage.identity(), usage.digest());
        let oldest = Day::of_utc(self.now()).plus(-self.horizon_days);
        let end_most = row
            .delivered_at
            .saturating_add(self.rules.tolerance(row.source.feed, again));
        let seen = self.seen.get(&identity);
        let refused = if seen == Some(digest) {
            Some((Outcome::Duplicate, ""))
        } else if seen.is_some() {
            Some((Outcome::Quarantined, "conflict"))
        } else if Day::of_utc(usage.record.opened_at) < oldest {
            Some((Outcome::Quarantined, "too_old"))
        } else if usage.container.end > end_most {
            Some((Outcome::Quarantined, "future"))
        } else {
            None
        };
        if let Some((outcome, reason)) = refused {
            if !again {
                self.book(row, outcome, reason, raw);
                if reason == "conflict" {
                    self.watch_conflict(row, &usage.cause);
                }
            }
            return;
        }
        self.seen.enter(identity, digest);
        let rise = self.rise(usage);
        for flag in &rise.flags {
            self.flag(row, flag, rise.up + rise.down);
        }
        let day = self.rules.zone.date(usage.instant());
        let sim = self
            .by_name
            .get(&usage.sim)
            .copied()
            .filter(|&sim| self.sims[sim].is_enrolled(day));
        match sim {
            None => self.hold(usage, day, &rise),
            Some(sim) => self.add_up(usage, sim, day, &rise),
        }
    }

    /// A row's bytes (section 6).
    fn rise(&mut self, usage: &Usage<'_>) -> Rise {
        let Container {
            rating_group,
            service_id,
            up,
            down,
            sequence,
            ..
        } = *usage.container;
        let counter = usage
            .record
            .counter
            .unwrap_or_else(|| self.rules.counter(usage.row.source.feed));
        if counter == Counter::Delta {
            return Rise {
                up,
                down,
                flags: Vec::new(),
            };
        }
        let key = SessionKey {
            sim: usage.sim,
            node: usage.record.node.clone(),
            charging_id: usage.record.charging_id,
            rating_group,
            service_id,
        };
        let order = (usage.record.record_sequence, sequence);
        let delivered_on = Day::of_utc(usage.row.delivered_at);
        self.sessions.read(
            key,
            counter,
            Reading {
                order,
                up,
                down,
                delivered_on,
            },
        )
    }

    fn flag(&mut self, row: &Row, flag: &str, bytes: u64) {
        let key = FlagDay {
            partition: self.partition,
            feed: row.source.feed,
            booked_day: self.today,
            flag: flag.to_owned(),
        };
        let rows = self.findings.flag_day.entry(key).or_default();
        rows.cell.records += 1;
        rows.cell.bytes += bytes;
        rows.last = Some(super::books::last_row(row));
    }

    /// O6: the row waits for an enrolment (E5, E8).
    fn hold(&mut self, usage: &Usage<'_>, day: Day, rise: &Rise) {
        let container = usage.container;
        let (class, service) =
            self.rules
                .classify(container.rating_group, container.service_id, day);
        let service = service.to_owned();
        if day >= self.holding_day {
            if !self.held.contains_key(&usage.sim) && self.held.len() >= self.held_sims_max {
                self.book(
                    usage.row,
                    Outcome::Quarantined,
                    "held_bound",
                    usage.raw_bytes(),
                );
                return;
            }
            let held = self.held.entry(usage.sim).or_default();
            *held.entry((day, class)).or_default() += rise.up + rise.down;
        }
        self.book(usage.row, Outcome::Held, "", usage.raw_bytes());
        self.add_to_sim_day(usage, day, class, service, rise);
    }

    fn add_to_sim_day(
        &mut self,
        usage: &Usage<'_>,
        usage_day: Day,
        class: Class,
        service: String,
        rise: &Rise,
    ) {
        let key = SimDay {
            sim: usage.sim,
            usage_day,
            class,
            service,
            booked_day: self.today,
        };
        let bytes = self.findings.sim_day.entry(key).or_default();
        bytes.cell.up += rise.up;
        bytes.cell.down += rise.down;
        bytes.cell.records += 1;
        bytes.last = Some(super::books::last_row(usage.row));
    }

    /// O7 and O8.
    fn add_up(&mut self, usage: &Usage<'_>, sim: usize, day: Day, rise: &Rise) {
        let late = day.month_last() < self.closed_before;
        let outcome = if late {
            Outcome::Late
        } else {
            Outcome::Counted
        };
        self.book(usage.row, outcome, "", usage.raw_bytes());
        let container = usage.container;
        let (class, service) =
            self.rules
                .classify(container.rating_group, container.service_id, day);
        let service = service.to_owned();
        self.add_to_sim_day(usage, day, class, service, rise);
        self.add_to_place_hour(usage, sim, day, class, rise);
        let bytes = rise.up + rise.down;
        let charged = self.rules.charged(class);
        if let Some(flag) = charged.and_then(|charged| self.leaked(sim, charged, container.start)) {
            self.flag(usage.row, flag, bytes);
        }
        let at = self.now();
        self.charge(sim, day, charged, bytes, at);
        let because = Because {
            cause: Some(usage.cause.clone()),
            by: By::Row,
            ..Because::new("exhausted", at, usage.cause.offset)
        };
        self.watch_row(sim, usage, day, class, bytes, &because);
        self.settle(sim, &because);
        self.decide(sim, &because);
    }

    fn add_to_place_hour(
        &mut self,
        usage: &Usage<'_>,
        sim: usize,
        day: Day,
        class: Class,
        rise: &Rise,
    ) {
        // The SIM is enrolled on that day, so an assignment speaks of it.
        let Some(assignment) = self.sims[sim].speaking(day) else {
            return;
        };
        let key = PlaceHour {
            partition: self.partition,
            province: assignment.place("province"),
            cohort: assignment.cohort.clone(),
            usage_day: day,
            hour: self.rules.zone.hour(usage.instant()),
            class,
            booked_day: self.today,
        };
        let cell = self.findings.place_hour.entry(key).or_default();
        cell.up += rise.up;
        cell.down += rise.down;
    }

    /// The flag of bytes that a class let through though it was blocked (L1).
    fn leaked(&self, sim: usize, charged: Class, start: i64) -> Option<&'static str> {
        let blocked = self.sims[sim].told.get(&charged)?.blocked?;
        let leaked =
            start > blocked.from + CARRIER_TIME && blocked.until.is_none_or(|until| start < until);
        match charged {
            Class::Education if leaked => Some("leaked_education"),
            Class::Other if leaked => Some("leaked_other"),
            _ => None,
        }
    }
}
