//! Totals by place and local hour: many, so kept and written in a compact form.
//!
//! In JSON: `places` is a list of `[province, cohort]`; `rows` of six: index into `places`, usage day (days since
//! 1970-01-01), hour, class, uplink bytes, downlink bytes.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::rows::Quick;
use crate::policy::Class;
use crate::zone::Date;

/// One total of rows `counted` and `late`, of all booked days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceHour<'a> {
    pub province: &'a str,
    pub cohort: &'a str,
    pub usage_day: Date,
    /// 0 to 23, local.
    pub hour: u8,
    pub class: Class,
    pub uplink_bytes: u64,
    pub downlink_bytes: u64,
}

type Row = (u16, i32, u8, Class, u64, u64);

/// All totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHours {
    places: Vec<(String, String)>,
    rows: Vec<Row>,
}

impl PlaceHours {
    /// Every total.
    pub fn iter(&self) -> impl Iterator<Item = PlaceHour<'_>> {
        self.rows.iter().filter_map(|row| {
            let (province, cohort) = self.places.get(usize::from(row.0))?;
            Some(PlaceHour {
                province,
                cohort,
                usage_day: Date::from_epoch_days(row.1)?,
                hour: row.2,
                class: row.3,
                uplink_bytes: row.4,
                downlink_bytes: row.5,
            })
        })
    }
}

/// Totals as they grow.
#[derive(Debug, Default)]
pub(super) struct GrowingPlaceHours {
    cells: HashMap<(u16, i32, u8, Class), (u64, u64), Quick>,
}

impl GrowingPlaceHours {
    /// Adds bytes (up, down) of a place (by its index), in an hour of a day.
    pub(super) fn add(
        &mut self,
        place: usize,
        (usage_day, hour, class): (Date, u8, Class),
        bytes: (u64, u64),
    ) {
        // Five cohorts in 75 provinces.
        let key = (place as u16, usage_day.to_epoch_days(), hour, class);
        let cell = self.cells.entry(key).or_default();
        cell.0 += bytes.0;
        cell.1 += bytes.1;
    }

    /// The totals in their final form.
    pub(super) fn finish(self, places: Vec<(String, String)>) -> PlaceHours {
        let row = |((place, day, hour, class), (up, down))| (place, day, hour, class, up, down);
        let mut rows: Vec<Row> = self.cells.into_iter().map(row).collect();
        rows.sort_unstable();
        PlaceHours { places, rows }
    }
}
