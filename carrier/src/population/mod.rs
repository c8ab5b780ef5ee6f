//! The SIMs of the make-believe carrier: who holds them, where, in which device, and how they will be used.

mod cast;
mod identity;
mod parts;
mod schools;
mod unannounced;

pub use cast::Population;
pub use identity::{Device, DeviceKind, Imsi, TABLET_MODELS, iccid, msisdn, type_allocation_code};
pub use parts::RosterChange;
pub use schools::School;

use crate::zone::Date;

/// One SIM.
#[derive(Clone, Debug)]
pub struct Sim {
    pub imsi: Imsi,
    /// From 1; the serial number of its made-up identifiers.
    pub serial: u32,
    /// Number on the tablet's label.
    pub tablet: u32,
    /// Index into the programme's cohorts.
    pub cohort: usize,
    /// Index into [`Population::schools`].
    pub school: usize,
    pub device: Device,
    /// When it is entered into the registry, and from which local date it counts; none: never.
    pub enrolment: Option<Enrolment>,
    /// From which date on another SIM (an index) is in its tablet.
    pub replaced: Option<(Date, usize)>,
    /// The SIM (an index) that was in its tablet before.
    pub replaces: Option<usize>,
    pub habits: Habits,
}

/// How a SIM gets into the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolment {
    pub entered_at_ms: i64,
    pub valid_from: Date,
}

/// How a SIM is used.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Its rank among its like, as a standard normal deviate: demand is log-normal in it.
    pub rank: f64,
    /// Median of its like's monthly demand of education and unknown, bytes.
    pub median_bytes: f64,
    pub sigma: f64,
    /// A fixed demand, where it was cast to exhaust its allowance, or to come near.
    pub cast_bytes: Option<f64>,
    /// Days on which it is used, and sessions on such a day, relative to a pupil's.
    pub activity: f64,
    /// Never switched on: no record at all.
    pub never_activated: bool,
    /// No use in the first month but a sign of life now and then.
    pub idle: bool,
    /// Its gateway does not obey: what is blocked goes on.
    pub leaks: bool,
    /// Teaches on Wednesday and Saturday from 14 to 16.
    pub teaches: bool,
    /// Used abroad, or on another network.
    pub roaming: bool,
    /// Shared at night on this date (more than 2 GB, mostly not for learning).
    pub hotspot_on: Option<Date>,
    /// From this date on in another device.
    pub moved: Option<(Date, Device)>,
    /// First date of use: a SIM that turns up before it is enrolled.
    pub first_use: Option<Date>,
    /// Its gateway gives readings of counters instead of bytes.
    pub counters: Option<CounterFaults>,
}

/// What goes wrong with a SIM's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CounterFaults {
    /// On or soon after this date one of them begins anew.
    pub reset_on: Option<Date>,
    /// From the first date up to the second (exclusive) they are stuck at their end.
    pub stuck: Option<(Date, Date)>,
}

impl Sim {
    /// The device that the SIM is in on a date.
    pub fn device_on(&self, date: Date) -> Device {
        match self.habits.moved {
            Some((since, device)) if date >= since => device,
            _ => self.device,
        }
    }

    /// The label: `T-0412`.
    pub fn asset_tag(&self) -> String {
        format!("T-{:04}", self.tablet)
    }
}
