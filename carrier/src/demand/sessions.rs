//! A SIM's day as records: sessions, cut into partial records, with a container for each kind of traffic.

use super::calendar::{is_teaching_day, start_second};
use super::flows::{
    CODING, EDUCATION, EDUCATION_SHARE, Flow, OTHER, OTHER_OFTEN, OTHER_SHARE, SYSTEM,
    SYSTEM_OFTEN, SYSTEM_SHARE, UNKNOWN, UNKNOWN_OFTEN, UNKNOWN_SHARE,
};
use super::month::Day;
use crate::dice::{Dice, Purpose, whole};
use crate::population::Sim;
use crate::zone::{Date, MINUTE_MS, SECOND_MS, Zone};

/// Half of what a part of a session lasts, about.
const BEGINS_BEFORE_SECONDS: i64 = 15 * 60;

/// What a SIM whose blocks leak does with it.
const LEAK_APPETITE: f64 = 3.0;

/// A container before it is known whether a block stops it.
#[derive(Clone, Copy, Debug)]
pub struct PlannedContainer {
    pub flow: Flow,
    pub first_ms: i64,
    pub last_ms: i64,
    pub uplink_bytes: u64,
    pub downlink_bytes: u64,
}

/// A record before it is known whether a block stops it.
#[derive(Clone, Debug)]
pub struct PlannedRecord {
    /// Index into the population.
    pub sim: usize,
    /// The date of the session's begin, and which session of it.
    pub date: Date,
    pub session: u32,
    /// Which part of the session, from 0.
    pub part: u32,
    pub opened_ms: i64,
    pub closed_ms: i64,
    pub containers: Vec<PlannedContainer>,
}

/// Plans days.
pub struct Planner<'a> {
    pub seed: u64,
    pub zone: &'a Zone,
    pub enforce_from: Date,
    /// The catalogue knows the library from this date on; before it few use it.
    pub library_since: Date,
}

struct Session {
    start_ms: i64,
    length_ms: i64,
}

impl Planner<'_> {
    /// Appends the records of a SIM's day.
    pub fn plan(
        &self,
        index: usize,
        sim: &Sim,
        date: Date,
        day: Day,
        records: &mut Vec<PlannedRecord>,
    ) {
        let begin = records.len();
        let ordinal = date
            .signed_duration_since(Date::default())
            .num_days()
            .unsigned_abs();
        let mut dice = Dice::new(self.seed, Purpose::Day, u64::from(sim.serial), ordinal);
        let mut plan = DayPlan {
            planner: self,
            index,
            sim,
            date,
            dice: &mut dice,
            session: 0,
        };
        plan.usual(day, records);
        if sim.habits.teaches && day.sessions > 0 && is_teaching_day(date) {
            plan.teaching(records);
        }
        if sim.habits.hotspot_on == Some(date) {
            plan.hotspot(records);
        }
        if day.heartbeat {
            plan.heartbeat(records);
        }
        debug_assert!(records[begin..].iter().all(|r| r.opened_ms <= r.closed_ms));
    }
}

struct DayPlan<'a> {
    planner: &'a Planner<'a>,
    index: usize,
    sim: &'a Sim,
    date: Date,
    dice: &'a mut Dice,
    session: u32,
}

impl DayPlan<'_> {
    /// The day's usual sessions, whose records share the demanded bytes.
    fn usual(&mut self, day: Day, records: &mut Vec<PlannedRecord>) {
        let begin = records.len();
        for _ in 0..day.sessions {
            // Its bytes count at the ends of its parts: it begins a little before its hour.
            let second = start_second(self.date, self.dice) - BEGINS_BEFORE_SECONDS;
            let session = Session {
                start_ms: self.planner.zone.instant(self.date, second) + self.dice.span(1_000),
                length_ms: (8 + self.dice.span(48)) * MINUTE_MS + self.dice.span(60_000),
            };
            self.cut(&session, 25 * MINUTE_MS, records);
        }
        let weights: Vec<f64> = records[begin..]
            .iter()
            .map(|_| (0.6 * self.dice.normal()).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        for (record, weight) in records[begin..].iter_mut().zip(weights) {
            self.fill(record, day.bytes * weight / sum);
        }
    }

    /// Two hours of coding with a class: 600 to 900 MB.
    fn teaching(&mut self, records: &mut Vec<PlannedRecord>) {
        let start = 14 * 3_600 + self.dice.span(600);
        let session = Session {
            start_ms: self.planner.zone.instant(self.date, start),
            length_ms: 105 * MINUTE_MS,
        };
        let begin = records.len();
        self.cut(&session, 30 * MINUTE_MS, records);
        let bytes = self.dice.between(600e6, 900e6) / (records.len() - begin).max(1) as f64;
        for record in &mut records[begin..] {
            self.push(record, CODING, bytes);
        }
    }

    /// A tablet that serves as a hotspot from 22 to 02.
    fn hotspot(&mut self, records: &mut Vec<PlannedRecord>) {
        let session = Session {
            start_ms: self.planner.zone.instant(self.date, 22 * 3_600),
            length_ms: 225 * MINUTE_MS,
        };
        let begin = records.len();
        self.cut(&session, 30 * MINUTE_MS, records);
        for record in &mut records[begin..] {
            let bytes = self.dice.between(560e6, 700e6);
            self.push(record, OTHER[1], bytes);
        }
    }

    /// A device that nobody uses asks for the time.
    fn heartbeat(&mut self, records: &mut Vec<PlannedRecord>) {
        let session = Session {
            start_ms: self
                .planner
                .zone
                .instant(self.date, 9 * 3_600 + self.dice.span(20_000)),
            length_ms: 5 * SECOND_MS,
        };
        let begin = records.len();
        self.cut(&session, MINUTE_MS, records);
        for record in &mut records[begin..] {
            let bytes = self.dice.between(2e3, 60e3);
            self.push(record, SYSTEM[1], bytes);
        }
    }

    fn cut(&mut self, session: &Session, longest_ms: i64, records: &mut Vec<PlannedRecord>) {
        let end = session.start_ms + session.length_ms;
        let mut opened_ms = session.start_ms;
        let mut part = 0;
        while opened_ms < end {
            let closed_ms = (opened_ms + longest_ms).min(end);
            records.push(PlannedRecord {
                sim: self.index,
                date: self.date,
                session: self.session,
                part,
                opened_ms,
                closed_ms,
                containers: Vec::with_capacity(4),
            });
            opened_ms = closed_ms;
            part += 1;
        }
        self.session += 1;
    }

    fn fill(&mut self, record: &mut PlannedRecord, demanded: f64) {
        let education = demanded * EDUCATION_SHARE;
        let library = if self.date < self.planner.library_since {
            0.008
        } else {
            0.08
        };
        let weights = [0.4, 0.12, 0.2, 0.2, library];
        let main = EDUCATION[self.dice.weighted(&weights)];
        let second = EDUCATION[self.dice.weighted(&weights)];
        if main != second && self.dice.chance(0.3) {
            self.push(record, main, education * 0.7);
            self.push(record, second, education * 0.3);
        } else {
            self.push(record, main, education);
        }
        let unknown = UNKNOWN[self.dice.weighted(&[0.8, 0.2])];
        self.sometimes(record, unknown, UNKNOWN_OFTEN, demanded * UNKNOWN_SHARE);
        let system = SYSTEM[self.dice.weighted(&[0.7, 0.3])];
        self.sometimes(record, system, SYSTEM_OFTEN, demanded * SYSTEM_SHARE);
        let other = OTHER[self.dice.weighted(&[0.6, 0.4])];
        let leaking = self.sim.habits.leaks && self.date >= self.planner.enforce_from;
        let appetite = if leaking { LEAK_APPETITE } else { 1.0 };
        self.sometimes(
            record,
            other,
            OTHER_OFTEN,
            demanded * OTHER_SHARE * appetite,
        );
    }

    fn sometimes(&mut self, record: &mut PlannedRecord, flow: Flow, often: f64, mean_bytes: f64) {
        if self.dice.chance(often) {
            self.push(record, flow, mean_bytes / often);
        }
    }

    /// Adds a container; one that spans local midnight is closed there, sharp, and another one opened.
    fn push(&mut self, record: &mut PlannedRecord, flow: Flow, bytes: f64) {
        let span = record.closed_ms - record.opened_ms;
        let first_ms = record.opened_ms + self.dice.span(span / 20);
        let last_ms = if span <= 5 * SECOND_MS {
            // A single packet: its usage has no length.
            first_ms
        } else {
            record.closed_ms - self.dice.span(span / 20)
        };
        let zone = self.planner.zone;
        let midnight = zone.midnight(zone.date(last_ms));
        if first_ms < midnight && midnight < last_ms {
            let before = (midnight - first_ms) as f64 / (last_ms - first_ms) as f64;
            self.container(record, flow, first_ms, midnight, bytes * before);
            self.container(record, flow, midnight, last_ms, bytes * (1.0 - before));
        } else {
            self.container(record, flow, first_ms, last_ms, bytes);
        }
    }

    fn container(
        &mut self,
        record: &mut PlannedRecord,
        flow: Flow,
        first_ms: i64,
        last_ms: i64,
        bytes: f64,
    ) {
        let up = self.dice.between(0.07, 0.17);
        record.containers.push(PlannedContainer {
            flow,
            first_ms,
            last_ms,
            uplink_bytes: whole(bytes * up),
            downlink_bytes: whole(bytes * (1.0 - up)),
        });
    }
}
