//! The cells of `place_hour` of the open booked day.

use serde::{Deserialize, Serialize};

use super::cells::Added;
use crate::facts::{Fact, PlaceHour};
use crate::fixed_hash::FixedMap;
use crate::interned::Interned;
use crate::registry::Class;
use crate::zone::Day;

/// What a cell of `place_hour` is of: the province by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct PlaceKey {
    pub(crate) province: u32,
    pub(crate) cohort: u32,
    pub(crate) usage_day: Day,
    pub(crate) hour: u8,
    pub(crate) class: Class,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PlaceCell {
    key: PlaceKey,
    uplink_bytes: u64,
    downlink_bytes: u64,
    version: u64,
    #[serde(skip)]
    dirty: bool,
}

/// In the order of their first row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Places {
    cells: Vec<PlaceCell>,
    #[serde(skip)]
    numbers: FixedMap<PlaceKey, u32>,
    #[serde(skip)]
    waiting: Vec<u32>,
}

impl Places {
    /// Adds a row to its cell.
    pub(crate) fn add(&mut self, key: PlaceKey, added: Added) {
        let next = self.cells.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            assert!(next < u32::MAX, "a booked day has fewer than 2³² cells");
            self.cells.push(PlaceCell {
                key,
                uplink_bytes: 0,
                downlink_bytes: 0,
                version: 0,
                dirty: false,
            });
        }
        let cell = &mut self.cells[number as usize];
        cell.uplink_bytes += added.uplink;
        cell.downlink_bytes += added.downlink;
        cell.version = added.version;
        if !std::mem::replace(&mut cell.dirty, true) {
            self.waiting.push(number);
        }
    }

    /// How many wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The numbers of those that wait, the next to be taken last.
    pub(crate) fn numbers_waiting(&self) -> &[u32] {
        &self.waiting
    }

    /// Takes one that waits.
    pub(crate) fn take(
        &mut self,
        booked_day: Day,
        provinces: &Interned<String>,
        cohorts: &Interned<String>,
    ) -> Option<Fact> {
        let number = self.waiting.pop()?;
        let cell = &mut self.cells[number as usize];
        assert!(cell.dirty, "a cell that waits is dirty");
        cell.dirty = false;
        Some(Fact::PlaceHour(PlaceHour {
            version: cell.version,
            province: provinces.value(cell.key.province).clone(),
            cohort: cohorts.value(cell.key.cohort).clone(),
            usage_day: cell.key.usage_day.date(),
            hour: cell.key.hour,
            class: cell.key.class,
            booked_day: booked_day.date(),
            uplink_bytes: cell.uplink_bytes,
            downlink_bytes: cell.downlink_bytes,
        }))
    }

    /// Forgets all, of which none waits.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.numbers.clear();
    }

    /// Builds what a snapshot leaves out, with the numbers of those that wait.
    ///
    /// # Errors
    /// The parts of the snapshot contradict each other.
    pub(crate) fn reindex(&mut self, waiting: &[u32]) -> Result<(), &'static str> {
        for (number, cell) in self.cells.iter().enumerate() {
            if self.numbers.insert(cell.key, number as u32).is_some() {
                return Err("a place's cell stands twice");
            }
        }
        for number in waiting {
            let cell = self.cells.get_mut(*number as usize);
            cell.ok_or("an unknown place's cell waits")?.dirty = true;
        }
        self.waiting = waiting.to_vec();
        Ok(())
    }
}
