//! Totals by SIM, usage day, booked day, class and service: many, so kept and written in a compact form.
//!
//! In JSON: `services` is a list of `[class, service]`; `sims` maps each IMSI to rows of six numbers: usage day and
//! booked day (days since 1970-01-01), index into `services`, uplink bytes, downlink bytes, records.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::rows::Quick;
use crate::policy::Class;
use crate::population::Imsi;
use crate::zone::Date;

/// One total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimDay<'a> {
    pub imsi: Imsi,
    pub usage_day: Date,
    pub booked_day: Date,
    pub class: Class,
    /// Empty for `unknown`.
    pub service: &'a str,
    pub uplink_bytes: u64,
    pub downlink_bytes: u64,
    pub records: u64,
}

/// Usage day, booked day, service; bytes up and down, records.
type Row = (i32, i32, u16, u64, u64, u64);

/// All totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimDays {
    services: Vec<(Class, String)>,
    sims: BTreeMap<Imsi, Vec<Row>>,
}

impl SimDays {
    /// Every total, in the order of IMSI, usage day, booked day.
    pub fn iter(&self) -> impl Iterator<Item = SimDay<'_>> {
        self.sims
            .iter()
            .flat_map(|(imsi, rows)| rows.iter().map(|row| self.cell(*imsi, row)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sims.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sims.is_empty()
    }

    fn cell(&self, imsi: Imsi, row: &Row) -> SimDay<'_> {
        let (class, service) = match self.services.get(usize::from(row.2)) {
            Some((class, service)) => (*class, service.as_str()),
            None => (Class::Unknown, ""),
        };
        SimDay {
            imsi,
            usage_day: from_epoch_day(row.0),
            booked_day: from_epoch_day(row.1),
            class,
            service,
            uplink_bytes: row.3,
            downlink_bytes: row.4,
            records: row.5,
        }
    }
}

/// What a total is of: IMSI, usage day, booked day, service.
type Key = (Imsi, i32, i32, u16);

/// Totals as they grow.
#[derive(Debug, Default)]
pub(super) struct Cells {
    services: Vec<(Class, &'static str)>,
    cells: HashMap<Key, (u64, u64, u64), Quick>,
}

impl Cells {
    /// Adds a row's bytes.
    pub(super) fn add(
        &mut self,
        imsi: Imsi,
        days: (Date, Date),
        traffic: (Class, &'static str),
        bytes: (u64, u64),
    ) {
        let service = match self.services.iter().position(|s| *s == traffic) {
            Some(index) => index,
            None => {
                self.services.push(traffic);
                self.services.len() - 1
            }
        };
        // A catalogue has far fewer than 65,536 services.
        let key = (imsi, epoch_day(days.0), epoch_day(days.1), service as u16);
        let cell = self.cells.entry(key).or_default();
        cell.0 += bytes.0;
        cell.1 += bytes.1;
        cell.2 += 1;
    }

    /// The totals in their final form.
    pub(super) fn finish(self) -> SimDays {
        let mut sims: BTreeMap<Imsi, Vec<_>> = BTreeMap::new();
        for ((imsi, usage_day, booked_day, service), (up, down, records)) in self.cells {
            let rows = sims.entry(imsi).or_default();
            rows.push((usage_day, booked_day, service, up, down, records));
        }
        for rows in sims.values_mut() {
            rows.sort_unstable();
        }
        let services = self
            .services
            .into_iter()
            .map(|(class, name)| (class, name.to_owned()))
            .collect();
        SimDays { services, sims }
    }
}

fn epoch_day(date: Date) -> i32 {
    date.to_epoch_days()
}

fn from_epoch_day(day: i32) -> Date {
    Date::from_epoch_days(day).unwrap_or_default()
}
