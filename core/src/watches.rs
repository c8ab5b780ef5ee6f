//! What is watched of a SIM beside its quota: use, the device that it is in, much use in a day, grants near their end.
//!
//! Rules: `docs/semantics.md`, section 10.

use serde::{Deserialize, Serialize};

use crate::alert::Change;
use crate::roster::{AlertState, QuotaAlerts, Sim};
use crate::zone::Day;

/// School days without use after which a tablet is idle.
pub(crate) const IDLE_SCHOOL_DAYS: u16 = 10;
/// Records in another device after which a SIM has moved.
const MOVED_RECORDS: u8 = 2;
/// More bytes than this in a day may be sharing,
const SHARING_BYTES: u64 = 2_000_000_000;
/// where this much of them, in percent, is not education.
const SHARING_PERCENT: u128 = 80;
/// Days without such a day after which it is over.
pub(crate) const SHARING_CLEAN_DAYS: i32 = 7;

/// What is watched of every SIM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watches {
    /// The latest usage day with use.
    last_used: MaybeDay,
    /// School days without use in a row, and the last that was counted.
    counted_to: MaybeDay,
    /// Today's and yesterday's use.
    days: [SmallDayUse; 2],
    idle_days: u16,
}

/// A day, or none: in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MaybeDay(Day);

impl MaybeDay {
    const NONE: MaybeDay = MaybeDay(Day(i32::MIN));

    fn day(self) -> Option<Day> {
        (self != MaybeDay::NONE).then_some(self.0)
    }
}

impl Default for MaybeDay {
    fn default() -> MaybeDay {
        MaybeDay::NONE
    }
}

/// More bytes than fit in a [`SmallDayUse`].
const MUCH: u32 = u32::MAX;

/// Bytes of a usage day; more than may be sharing stand with what few SIMs have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SmallDayUse {
    day: MaybeDay,
    /// [`MUCH`]: they stand elsewhere.
    bytes: u32,
    education_bytes: u32,
}

/// What is watched of few SIMs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rare {
    pub(crate) idle: Dated,
    /// Of other cycles than the present one: an id that comes back goes on with its revisions.
    pub(crate) quota: Vec<QuotaAlerts>,
    pub(crate) moved: Moved,
    pub(crate) sharing: Sharing,
    /// Today's and yesterday's use, where it is more than may be sharing.
    days: [DayUse; 2],
    /// By the number of the grant.
    pub(crate) expiring: Vec<(u32, AlertState)>,
}

/// An alert whose id has a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dated {
    pub(crate) day: Option<Day>,
    pub(crate) state: AlertState,
}

impl Dated {
    /// Fires under the id of a day; one that fires again on its day goes on with its revisions.
    pub(crate) fn fire(&mut self, day: Day) {
        if self.day != Some(day) {
            *self = Dated {
                day: Some(day),
                state: AlertState::default(),
            };
        }
        self.state.turn();
    }
}

impl Dated {
    /// Fires, or tells something new while it does.
    pub(crate) fn fire_or_update(&mut self, day: Day) -> Change {
        if self.state.firing {
            self.state.revision += 1;
            Change::Update
        } else {
            self.fire(day);
            Change::Fire
        }
    }
}

/// Evidence that a SIM is in another device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moved {
    pub(crate) alert: Dated,
    pub(crate) records: u8,
    pub(crate) first_day: Option<Day>,
    /// The source offset of the last record, and its device.
    last_offset: u64,
    device: u64,
    pub(crate) device_tac: u32,
}

impl Moved {
    /// Forgets the evidence. The alert stays: it may fire again on its day.
    pub(crate) fn forget(&mut self) {
        *self = Moved {
            alert: self.alert,
            ..Moved::default()
        };
    }

    /// Takes note of a record in another device; says whether there is something to be told.
    pub(crate) fn note(&mut self, offset: u64, day: Day, device: u64, tac: u32) -> bool {
        if self.alert.state.firing {
            let other = device != self.device;
            (self.device, self.device_tac) = (device, tac);
            return other;
        }
        if self.records > 0 && offset == self.last_offset {
            return false;
        }
        self.first_day.get_or_insert(day);
        self.records += 1;
        self.last_offset = offset;
        (self.device, self.device_tac) = (device, tac);
        self.records >= MOVED_RECORDS
    }
}

/// Days of much use that is mostly not education.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sharing {
    pub(crate) alert: Dated,
    /// The latest such day.
    pub(crate) latest: Option<Day>,
    /// The day last told, with its bytes.
    pub(crate) told_day: Option<Day>,
    pub(crate) told_bytes: u64,
    pub(crate) told_education_bytes: u64,
}

/// Bytes of a usage day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DayUse {
    pub(crate) bytes: u64,
    pub(crate) education_bytes: u64,
    /// Told already.
    told: bool,
}

impl DayUse {
    fn is_sharing(&self) -> bool {
        let other = u128::from(self.bytes - self.education_bytes);
        self.bytes > SHARING_BYTES && other * 100 >= u128::from(self.bytes) * SHARING_PERCENT
    }
}

impl Watches {
    /// Reads a part of it.
    pub(crate) fn touch(&self) -> u32 {
        self.days[0].bytes
    }

    /// The latest usage day with use.
    pub(crate) fn last_used(&self) -> Option<Day> {
        self.last_used.day()
    }

    /// Takes note of use on a day; says whether it ends the row of idle days.
    pub(crate) fn note_use(&mut self, day: Day) -> bool {
        self.last_used = MaybeDay(self.last_used.0.max(day));
        let ends = self.counted_to.day().is_some_and(|counted| day >= counted);
        if ends {
            self.idle_days = 0;
            self.counted_to = MaybeDay::NONE;
        }
        ends
    }

    /// Ends the row of idle days without use: the SIM was not enrolled.
    pub(crate) fn end_idle_days(&mut self) {
        self.idle_days = 0;
        self.counted_to = MaybeDay::NONE;
    }

    /// Counts a school day that ended; says whether the SIM is idle now for long enough, for the first time in a row.
    pub(crate) fn count_school_day(&mut self, day: Day) -> bool {
        if self.last_used().is_some_and(|used| used >= day) {
            return false;
        }
        self.idle_days = self.idle_days.saturating_add(1);
        self.counted_to = MaybeDay(day);
        self.idle_days == IDLE_SCHOOL_DAYS
    }
}

impl Sim {
    /// Adds a row's bytes to its usage day, of today's or yesterday's alone; returns the day's use where it is told for
    /// the first time that it may be sharing. A router's is not told.
    pub(crate) fn add_day_use(
        &mut self,
        day: Day,
        today: Day,
        bytes: u64,
        education_bytes: u64,
        is_router: bool,
    ) -> Option<DayUse> {
        if day != today && day != today.plus(-1) {
            return None;
        }
        // Of two days that follow each other one is even.
        let place = usize::from(day.0 & 1 == 1);
        let mut used = self.day_use(place, day);
        used.bytes += bytes;
        used.education_bytes += education_bytes;
        let shared = !used.told && !is_router && used.is_sharing();
        used.told |= shared;
        self.set_day_use(place, day, used);
        shared.then_some(used)
    }

    fn day_use(&self, place: usize, day: Day) -> DayUse {
        let small = self.watches.days[place];
        if small.day != MaybeDay(day) {
            return DayUse::default();
        }
        match self.rare() {
            Some(rare) if small.bytes == MUCH => rare.days[place],
            _ => DayUse {
                bytes: small.bytes.into(),
                education_bytes: small.education_bytes.into(),
                told: false,
            },
        }
    }

    fn set_day_use(&mut self, place: usize, day: Day, used: DayUse) {
        let small = &mut self.watches.days[place];
        small.day = MaybeDay(day);
        // Up to the bytes that may be sharing nothing is told, and they fit.
        if used.bytes <= SHARING_BYTES {
            small.bytes = used.bytes as u32;
            small.education_bytes = used.education_bytes as u32;
        } else {
            (small.bytes, small.education_bytes) = (MUCH, 0);
            self.rare_mut().days[place] = used;
        }
    }
}
