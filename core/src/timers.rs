//! What is due as the clock moves: the next deadline, and which timer it is of.

use crate::calendar::Calendar;
use crate::calendar::Day;
use crate::cycle::{Cycles, closes_at};
use crate::programme::Programme;

/// The timers, in the order in which they run at one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    BookedDayEnds,
    CyclesBegin,
    MonthCloses,
    EnforcementBegins,
}

/// The next deadline (UTC milliseconds) and its timer.
pub(crate) fn next_due(
    calendar: &Calendar,
    programme: &Programme,
    booked_day: Day,
    cycles: &Cycles,
) -> (i64, Timer) {
    let closes_after = programme.closes_after_days();
    let closes = closes_at(calendar, closes_after, cycles.open_from);
    let mut due = [
        (calendar.midnight(booked_day.plus(1)), Timer::BookedDayEnds),
        (
            calendar.month_begins(cycles.current.next()),
            Timer::CyclesBegin,
        ),
        (closes, Timer::MonthCloses),
        (i64::MAX, Timer::EnforcementBegins),
    ];
    if let Some(at_ms) = programme.next_enforcement_ms() {
        due[3].0 = at_ms;
    }
    due.into_iter().fold(due[0], Ord::min)
}
