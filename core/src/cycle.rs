//! Cycles: calendar months, local midnight to local midnight, open until some days after their end.

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Month};

/// Civil days from the end of a month until it closes, before a programme has said so.
pub(crate) const CLOSES_AFTER_DAYS: u16 = 7;

/// Which months are open, and which one is current by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cycles {
    /// The month of the clock's local day.
    pub(crate) current: Month,
    /// The first month that is not closed. It never goes back: what was closed stays closed.
    pub(crate) open_from: Month,
}

impl Cycles {
    /// As they stand at the first instant that a shard hears of.
    pub(crate) fn at(calendar: &Calendar, closes_after_days: u16, at_ms: i64) -> Cycles {
        let (_, current) = calendar.day_of(at_ms);
        let mut open_from = current;
        while closes_at(calendar, closes_after_days, Month(open_from.0 - 1)) > at_ms {
            open_from = Month(open_from.0 - 1);
        }
        Cycles { current, open_from }
    }

    pub(crate) fn is_closed(&self, month: Month) -> bool {
        month < self.open_from
    }
}

/// The instant at which a month closes: the local midnight `closes_after_days` civil days after its end.
pub(crate) fn closes_at(calendar: &Calendar, closes_after_days: u16, month: Month) -> i64 {
    let end = month.next().first_day();
    calendar.midnight(end.plus(i32::from(closes_after_days)))
}
