//! Commands as stories write them, and worlds that stories begin in.

use super::story::*;
use crate::registry::{
    Allowance, BreakerAction, BreakerOrder, CalendarEntries, CalendarEntry, CalendarKind, Class,
    Cohort, Command, Counter, Enrolment, Feed, Grant, OnExhausted, Opening, Period, Programme,
    Retirement, Scope, Void,
};
use crate::sim::DeviceId;

pub const BLOCK: OnExhausted = OnExhausted::Block;
pub const SLOW: OnExhausted = OnExhausted::Throttle { kbit_s: 512 };

/// An allowance: its id is the scope's word, until said otherwise.
pub fn bytes_of(scope: Scope, bytes: u64, every: Period, on_exhausted: OnExhausted) -> Allowance {
    Allowance {
        id: scope.as_str().to_owned(),
        scope,
        bytes,
        every,
        rollover_max_bytes: 0,
        on_exhausted,
    }
}

/// Bytes of education in a month, then 512 kbit/s.
pub fn monthly(bytes: u64) -> Allowance {
    bytes_of(Scope::Education, bytes, Period::Month, SLOW)
}

impl Allowance {
    pub fn called(self, id: &str) -> Allowance {
        let id = id.to_owned();
        Allowance { id, ..self }
    }

    pub fn rolls(self, rollover_max_bytes: u64) -> Allowance {
        Allowance {
            rollover_max_bytes,
            ..self
        }
    }
}

/// The cohort `rural`, enforced from 1 February on.
pub fn cohort(allowances: Vec<Allowance>) -> Cohort {
    Cohort {
        enforce_from: Some(date("2026-02-01")),
        allowances,
        ..rural()
    }
}

/// A programme of these cohorts.
pub fn rules(cohorts: Vec<Cohort>) -> Command {
    Command::Programme(programme(cohorts))
}

/// A programme of the cohort `rural` with these allowances.
pub fn rural_with(allowances: Vec<Allowance>) -> Command {
    rules(vec![cohort(allowances)])
}

/// Cohorts of a programme, enforced; SIMs 1 and 2 are of `rural` since 1 February. It is 2 February (a Monday), 00:00,
/// and what was told until then is forgotten.
pub fn world(cohorts: Vec<Cohort>) -> Story {
    world_of(Story::new(), programme(cohorts), 1..=2)
}

/// The same with SIMs and a shard and a programme of its own.
pub fn world_of(
    mut story: Story,
    programme: Programme,
    sims: std::ops::RangeInclusive<u8>,
) -> Story {
    let entered = "2026-01-31T12:00";
    story.command(entered, Command::Catalogue(catalogue()));
    story.command(entered, Command::Programme(programme));
    for number in sims {
        story.enrol(entered, number, "rural", "2026-02-01");
    }
    story.until("2026-02-02T00:00");
    story.hush();
    story
}

/// The world of one cohort with these allowances.
pub fn world_with(allowances: Vec<Allowance>) -> Story {
    world(vec![cohort(allowances)])
}

impl Story {
    /// Forgets what was told.
    pub fn hush(&mut self) {
        self.decisions.clear();
        self.alerts.clear();
    }
}

/// Bytes for each SIM of `rural` on top of `education`, in February, of priority 1.
pub fn grant(id: &str, bytes: u64) -> Grant {
    Grant {
        id: id.to_owned(),
        cohort: Some("rural".to_owned()),
        sim: None,
        allowance: "education".to_owned(),
        bytes,
        valid_from: date("2026-02-01"),
        valid_until: date("2026-03-01"),
        priority: 1,
        donor: "a friend".to_owned(),
    }
}

impl Grant {
    /// For one SIM alone.
    pub fn to(self, number: u8) -> Grant {
        Grant {
            cohort: None,
            sim: Some(sim(number)),
            ..self
        }
    }

    pub fn days(self, from: &str, until: &str) -> Grant {
        Grant {
            valid_from: date(from),
            valid_until: date(until),
            ..self
        }
    }
}

pub fn void(id: &str) -> Command {
    Command::Void(Void {
        grant: id.to_owned(),
        sim: None,
    })
}

pub fn breaker(action: BreakerAction) -> Command {
    Command::Breaker(BreakerOrder {
        action,
        cohort: "rural".to_owned(),
    })
}

/// Days of a kind, for all cohorts; they open nothing.
pub fn days(kind: CalendarKind, from: &str, to: &str) -> CalendarEntry {
    CalendarEntry {
        kind,
        from: date(from),
        to: date(to),
        cohorts: None,
        opens: vec![],
        quiet_hours: None,
    }
}

/// Exam days on which these classes are not cut.
pub fn open_days(from: &str, to: &str, opens: &[Class]) -> CalendarEntry {
    CalendarEntry {
        opens: opens.to_vec(),
        ..days(CalendarKind::Exam, from, to)
    }
}

pub fn calendar(entries: Vec<CalendarEntry>) -> Command {
    Command::Calendar(CalendarEntries { entries })
}

pub fn opening(number: u8, used_bytes: u64, as_of: &str, revision: u32) -> Opening {
    Opening {
        sim: sim(number),
        allowance: "education".to_owned(),
        used_bytes,
        as_of: date(as_of),
        revision,
    }
}

pub fn retirement(number: u8, at: &str) -> Command {
    Command::Retire(Retirement {
        sim: sim(number),
        at: date(at),
    })
}

/// An enrolment in `rural`, to be changed before it is told.
pub fn enrolling(number: u8, valid_from: &str) -> Enrolment {
    match enrolment(number, "rural", valid_from) {
        Command::Enrol(enrolment) => enrolment,
        other => panic!("{other:?}"),
    }
}

impl Enrolment {
    pub fn until(self, valid_until: &str) -> Enrolment {
        Enrolment {
            valid_until: Some(date(valid_until)),
            ..self
        }
    }

    pub fn of(self, cohort: &str) -> Enrolment {
        Enrolment {
            cohort: cohort.to_owned(),
            ..self
        }
    }

    pub fn in_device(self, number: u8, device_tac: u32) -> Enrolment {
        Enrolment {
            device: Some(DeviceId([number; 16])),
            device_tac,
            ..self
        }
    }

    pub fn in_province(mut self, province: &str) -> Enrolment {
        self.place.province = province.to_owned();
        self
    }

    pub fn told(self) -> Command {
        Command::Enrol(self)
    }
}

/// What the counts of the stories' feed are.
pub fn feed(counter: Counter) -> Command {
    Command::Feed(Feed {
        id: source().feed,
        future_tolerance_ms: 300_000,
        counter,
    })
}
