//! The clock, and what it sets off. A timer's effects carry its deadline, so that neither framing nor republication
//! can matter.

use super::{Effects, NEVER, Now, Shard};
use crate::booking::Booking;
use crate::calendar::{Day, Month};
use crate::cycle::Cycles;
use crate::decision::Reason;
use crate::programme::ALLOWANCES;
use crate::roster::DECIDED;
use crate::timers::{Timer, next_due};
use crate::usage::utc_day;

impl Shard {
    /// Moves the clock to `to_ms`, if it lies behind, and runs every timer due at or before it first.
    pub(super) fn advance(&mut self, to_ms: i64, offset: u64, effects: &mut Effects) {
        if to_ms <= self.clock_ms {
            return;
        }
        if self.clock_ms == NEVER {
            self.begin_time(to_ms);
            return;
        }
        let day_before = utc_day(self.clock_ms);
        while self.next_due.0 <= to_ms {
            let (deadline, timer) = self.next_due;
            assert!(deadline >= self.clock_ms, "a timer runs at its deadline");
            self.clock_ms = deadline;
            self.calendar.attend(deadline);
            self.run(timer, deadline, offset, effects);
            self.reset_timers();
        }
        self.clock_ms = to_ms;
        if utc_day(to_ms) != day_before {
            self.calendar.attend(to_ms);
            self.seen.forget(utc_day(to_ms), self.config.horizon_days);
        }
    }

    /// The first instant that the shard hears of: nothing was due before it.
    fn begin_time(&mut self, at_ms: i64) {
        self.clock_ms = at_ms;
        self.seen.forget(utc_day(at_ms), self.config.horizon_days);
        self.calendar.attend(at_ms);
        let (day, _) = self.calendar.day_of(at_ms);
        self.booking = Booking::new(day);
        self.cycles = Cycles::at(&self.calendar, self.programme.closes_after_days(), at_ms);
        self.reset_timers();
    }

    /// Finds the next deadline anew.
    pub(crate) fn reset_timers(&mut self) {
        self.next_due = next_due(
            &self.calendar,
            &self.programme,
            self.booking.day,
            &self.cycles,
        );
    }

    fn run(&mut self, timer: Timer, deadline: i64, offset: u64, effects: &mut Effects) {
        let now = Now {
            at_ms: deadline,
            offset,
        };
        match timer {
            Timer::BookedDayEnds => self.open_booked_day(self.booking.day.plus(1)),
            Timer::CyclesBegin => self.begin_cycles(now, effects),
            Timer::MonthCloses => self.close_month(),
            Timer::EnforcementBegins => self.begin_enforcement(now, effects),
        }
    }

    /// Ends the booked day; what of it was not taken yet is finished.
    pub(super) fn open_booked_day(&mut self, day: Day) {
        self.finish_booked_day();
        self.booking.open(day);
    }

    /// Begins the next month for every SIM: alerts of the old cycle resolve, balances begin, classes are decided.
    pub(super) fn begin_cycles(&mut self, now: Now, effects: &mut Effects) {
        for number in self.roster.numbers() {
            self.resolve_alerts(number, now, effects);
        }
        let month = self.cycles.current.next();
        self.cycles.current = month;
        for number in self.roster.numbers() {
            self.open_balance(number, month, now);
            self.follow_programme(number, now);
            for class in DECIDED {
                self.decide(number, class, Reason::Reset, now, effects);
            }
            self.update_alerts(number, now, effects);
        }
    }

    /// Opens a SIM's balance of a month in which it is enrolled on a day at least.
    pub(super) fn open_balance(&mut self, number: u32, month: Month, now: Now) {
        let sim = self.roster.get_mut(number);
        if sim.enrolled_from < month.next().first_day() && sim.balance(month).is_none() {
            let balance = super::rows::new_balance(sim, month, now.at_ms, &self.programme);
            sim.balances.push(balance);
        }
    }

    /// Closes the first open month: its balances and held bytes leave the state.
    pub(super) fn close_month(&mut self) {
        let month = self.cycles.open_from;
        self.finish_cycles_of(month);
        self.cycles.open_from = month.next();
        for sim in self.roster.all_mut() {
            sim.balances.retain(|balance| balance.month > month);
        }
        self.held.forget_before(self.cycles.open_from);
    }

    fn begin_enforcement(&mut self, now: Now, effects: &mut Effects) {
        let begun = self.programme.begin_enforcement(now.at_ms);
        for number in self.roster.numbers() {
            let cohort = self.roster.get(number).cohort as usize;
            if begun.get(cohort) != Some(&true) {
                continue;
            }
            self.follow_programme(number, now);
            for class in DECIDED {
                self.decide(number, class, Reason::EnforcementStarted, now, effects);
            }
            self.update_alerts(number, now, effects);
        }
    }

    /// Lets a SIM's balances of the current cycle, and of those still to come, follow the programme, and touches
    /// their rows. A cycle that has ended keeps its limits.
    pub(super) fn follow_programme(&mut self, number: u32, now: Now) {
        let charged_to = self.programme.unknown_charged_to();
        let sim = self.roster.get_mut(number);
        let rules = self.programme.cohort(sim.cohort);
        for balance in &mut sim.balances {
            if balance.month >= self.cycles.current {
                balance.follow(rules, charged_to, now.at_ms);
            }
        }
        self.touch_cycles(number, self.cycles.current, now.offset);
    }

    /// Touches the rows of a SIM's balances from a month on.
    pub(super) fn touch_cycles(&mut self, number: u32, from: Month, offset: u64) {
        let sim = self.roster.get_mut(number);
        for balance in &mut sim.balances {
            if balance.month < from {
                continue;
            }
            for class in ALLOWANCES {
                let month = balance.month;
                let track = balance.track_mut(class);
                if track.limit_bytes.is_none() {
                    continue;
                }
                track.version = offset;
                if !track.dirty {
                    track.dirty = true;
                    self.booking.waiting.cycles.push((number, month, class));
                }
            }
        }
    }
}
