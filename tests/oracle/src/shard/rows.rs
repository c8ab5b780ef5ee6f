//! Rows: exactly one outcome each (section 4), and what it does.

use std::rc::Rc;

use super::{Because, By, Shard, World, halt};
use crate::check;
use crate::counter::{Reading, Rise, SessionKey};
use crate::day::Day;
use crate::findings::{FlagDay, PlaceHour, SimDay};
use crate::input::Why;
use crate::names::{Class, Outcome, Pseudonym};
use crate::pseudonym;
use crate::record::{self, Container, Counter, Record};
use crate::row::{self, Row};
use crate::said::{Cause, RecordName, SourcePosition};
use crate::seen::{Digest, Identity};

/// How long after a block a row's bytes count as leaked (L1).
const CARRIER_TIME: i64 = 30 * 60_000;

/// One container with all that is known of it before the rules are asked.
pub(super) struct Usage<'a> {
    pub(super) row: &'a Row,
    pub(super) sim: Pseudonym,
    /// The device and its type code, where the record names it.
    pub(super) device: Option<(Pseudonym, u32)>,
    pub(super) record: &'a Record,
    pub(super) container: &'a Container,
    pub(super) cause: Rc<Cause>,
}

impl Usage<'_> {
    /// D1.
    pub(super) fn instant(&self) -> i64 {
        let Container { start, end, .. } = *self.container;
        if end > start { end - 1 } else { start }
    }

    fn raw_bytes(&self) -> u64 {
        self.container.up + self.container.down
    }

    fn identity(&self) -> Identity {
        Identity {
            node: self.record.node.clone(),
            charging_id: self.record.charging_id,
            record_sequence: self.record.record_sequence,
            opened_at: self.record.opened_at,
            rating_group: self.container.rating_group,
            service_id: self.container.service_id,
            container_sequence: self.container.sequence,
        }
    }

    fn digest(&self) -> Digest {
        let Container {
            rating_group,
            service_id,
            start,
            end,
            up,
            down,
            ..
        } = *self.container;
        Digest {
            sim: self.sim,
            rating_group,
            service_id,
            up,
            down,
            start,
            end,
        }
    }
}

/// The carrier's record that was read last; its containers stand one behind the other.
type LastRead = Option<(Row, Result<Read, String>)>;

/// A record, its SIM, and its device with the type code.
type Read = (Record, Pseudonym, Option<(Pseudonym, u32)>);

impl Shard {
    /// An entry of rows.
    pub(super) fn rows(
        &mut self,
        world: &World<'_>,
        offset: u64,
        payload: &[u8],
    ) -> Result<(), Why> {
        let rows = row::rows(payload).ok_or_else(|| Why::Log("rows are torn".to_owned()))?;
        for row in &rows {
            check::time(row.delivered_at).map_err(halt("T4"))?;
        }
        let mut last: LastRead = None;
        for (index, row) in rows.iter().enumerate() {
            let same = last
                .as_ref()
                .is_some_and(|(last, _)| last.source == row.source && last.offset == row.offset);
            if !same {
                last = Some((*row, read(world, row)?));
            }
            let Some((_, read)) = &last else { continue };
            if let Some(code) = row.reject {
                self.stub(row, code, read.is_ok(), offset)?;
                continue;
            }
            let wrong = |what: String| Why::Log(format!("{:?}: {what}", books_place(row)));
            let (record, sim, device) = read
                .as_ref()
                .map_err(|why| wrong(format!("not rejected: {why}")))?;
            let container = usize::try_from(row.row)
                .ok()
                .and_then(|place| record.containers.get(place));
            let container =
                container.ok_or_else(|| wrong("there is no such container".to_owned()))?;
            if pseudonym::partition(*sim, self.partitions) != self.partition {
                return Err(wrong(format!("SIM {sim} belongs to another partition")));
            }
            let cause = Rc::new(cause_of(row, index, offset, record, container));
            self.advance(row.delivered_at, offset);
            self.row(&Usage {
                row,
                sim: *sim,
                device: *device,
                record,
                container,
                cause,
            });
        }
        Ok(())
    }

    /// O1.
    fn stub(&mut self, row: &Row, code: u8, reads: bool, offset: u64) -> Result<(), Why> {
        let wrong = |what: &str| Why::Log(format!("{:?}: {what}", books_place(row)));
        let reason = row::reason(code).ok_or_else(|| wrong("a stub without a reason"))?;
        // Which times are none is left to the log: RFC 3339 leaves room there.
        if reads && reason != "bad_time" {
            return Err(wrong(&format!(
                "rejected as {reason}, but the record can be read"
            )));
        }
        if self.partition != 0 {
            return Err(wrong("stubs go to partition 0 (A4)"));
        }
        self.advance(row.delivered_at, offset);
        if !self.comes_again(row) {
            self.book(row, Outcome::Rejected, reason, 0);
        }
        Ok(())
    }

    /// O2 to O8, in their order.
    fn row(&mut self, usage: &Usage<'_>) {
        let row = usage.row;
        let again = self.comes_again(row);
        let raw = usage.raw_bytes();
        let (identity, digest) = (usage.identity(), usage.digest());
        let oldest = Day::of_utc(self.now()).plus(-self.horizon_days);
        let end_most = row
            .delivered_at
            .saturating_add(self.rules.tolerance(row.source.feed));
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

fn read(world: &World<'_>, row: &Row) -> Result<Result<Read, String>, Why> {
    let source = row.source;
    let message = world.feed.message(
        &source.feed.to_string(),
        source.epoch,
        source.partition,
        row.offset,
    );
    let message =
        message.ok_or_else(|| Why::Log(format!("{:?} is not in the feed", books_place(row))))?;
    Ok(record::decode(&message).map(|record| {
        let sim = world.pseudonyms.of_imsi(&record.imsi);
        let device = record
            .imei
            .as_deref()
            .map(|imei| world.pseudonyms.of_imei(imei));
        (record, sim, device)
    }))
}

fn books_place(row: &Row) -> crate::findings::LastRow {
    super::books::last_row(row)
}

fn cause_of(row: &Row, index: usize, offset: u64, record: &Record, container: &Container) -> Cause {
    Cause {
        offset,
        row: u32::try_from(index).unwrap_or(u32::MAX),
        feed: row.source.feed,
        epoch: row.source.epoch,
        partition: row.source.partition,
        source_position: SourcePosition {
            offset: row.offset,
            row: row.row,
        },
        record: RecordName {
            node: record.node.clone(),
            charging_id: record.charging_id,
            record_sequence: record.record_sequence,
            opened_at_ms: record.opened_at,
            rating_group: container.rating_group,
            service_id: container.service_id,
            container_sequence: container.sequence,
        },
    }
}
