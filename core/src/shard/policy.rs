//! Commands of the registry: the programme, the catalogue, feeds, enrolments.

use super::{Effects, Now, Shard};
use crate::cycle::closes_at;
use crate::decision::Reason;
use crate::programme::{self, Programme};
use crate::registry::{self, Command};
use crate::roster::DECIDED;

impl Shard {
    /// Applies a command; the clock stands at or behind its entry already.
    pub(super) fn command(
        &mut self,
        revision: u64,
        command: &Command,
        offset: u64,
        effects: &mut Effects,
    ) {
        let now = Now {
            at_ms: self.clock_ms,
            offset,
        };
        match command {
            Command::Programme(programme) => self.replace_programme(programme, now, effects),
            Command::Catalogue(catalogue) => {
                // Balances keep the class under which their rows were counted: a catalogue speaks of rows to come.
                self.catalogue.add(catalogue.clone(), &mut self.services);
            }
            Command::Feed(feed) => {
                self.sources
                    .set_tolerance(feed.id, feed.future_tolerance_ms);
            }
            Command::Enrol(enrolment) => self.enrol(enrolment, revision, now, effects),
            _ => {}
        }
    }

    /// Replaces the programme: days and months follow its zone from now on, and every SIM is decided anew.
    ///
    /// Booked day, current cycle and closings never go back, whatever a new zone or a longer `closes_after` would say.
    fn replace_programme(&mut self, source: &registry::Programme, now: Now, effects: &mut Effects) {
        let Ok(calendar) = programme::calendar_of(source) else {
            unreachable!("`check` has read the zone");
        };
        self.calendar = calendar;
        self.calendar.attend(now.at_ms);
        self.programme =
            Programme::new(source.clone(), &self.calendar, &mut self.cohorts, now.at_ms);
        let (day, month) = self.calendar.day_of(now.at_ms);
        if day > self.booking.day {
            self.open_booked_day(day);
        }
        while self.cycles.current < month {
            self.begin_cycles(now, effects);
        }
        let closes_after = self.programme.closes_after_days();
        while closes_at(&self.calendar, closes_after, self.cycles.open_from) <= now.at_ms {
            self.close_month();
        }
        for number in self.roster.numbers() {
            self.follow_programme(number, now);
            for class in DECIDED {
                self.decide(number, class, Reason::PolicyChanged, now, effects);
            }
            self.update_alerts(number, now, effects);
        }
        self.reset_timers();
    }
}
