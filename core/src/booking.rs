//! The cells of the booked day that is open, which of them wait to be taken, and rows that nothing touches any more.
//!
//! A booked day's cells leave the state when it ends; those not yet taken become finished rows first. So the memory of
//! a shard does not grow with the days.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::catalogue::ServiceNumber;
use crate::facts::{Fact, Flag, FlagDay, OutcomeDay, PlaceHour, SimDay};
use crate::fixed_hash::FixedMap;
use crate::interned::Interned;
use crate::ledger::Balance;
use crate::outcome::Outcome;
use crate::registry::Class;
use crate::sim::{FeedId, SimId};
use crate::zone::Day;

/// The cells of the open booked day and the books of all time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Booking {
    /// The booked day that is open.
    pub(crate) day: Day,
    /// In the order of their first row.
    cells: Vec<Cell>,
    /// In the order of their first row.
    places: Vec<PlaceCell>,
    /// By feed number, then the outcome's index.
    books: Vec<FeedBooks>,
    #[serde(skip)]
    numbers: FixedMap<CellKey, u32>,
    #[serde(skip)]
    place_numbers: FixedMap<PlaceKey, u32>,
    #[serde(skip)]
    pub(crate) waiting: Waiting,
}

/// What waits to be taken. No part of the state: two owners of a partition may have taken different rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// Rows that nothing touches any more.
    pub(crate) finished: VecDeque<Fact>,
    cells: Vec<u32>,
    places: Vec<u32>,
    outcomes: Vec<(u32, u8)>,
    flags: Vec<(u32, u8)>,
    /// SIM number, account, and the cycle's first day; the ledger keeps their flags.
    pub(crate) cycles: Vec<(u32, u16, Day)>,
}

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

/// What a cell of `sim_day` is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct CellKey {
    pub(crate) sim: SimId,
    pub(crate) usage_day: Day,
    pub(crate) class: Class,
    pub(crate) service: ServiceNumber,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cell {
    key: CellKey,
    uplink_bytes: u64,
    downlink_bytes: u64,
    records: u64,
    version: u64,
    #[serde(skip)]
    dirty: bool,
}

/// The books of a feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct FeedBooks {
    /// Of the open booked day.
    today: [OutcomeCell; Outcome::COUNT],
    /// Of the open booked day.
    flags: [OutcomeCell; Flag::ALL.len()],
    /// Since offset 0: records and bytes.
    total: [(u64, u64); Outcome::COUNT],
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct OutcomeCell {
    records: u64,
    bytes: u64,
    version: u64,
    #[serde(skip)]
    dirty: bool,
}

impl OutcomeCell {
    /// Adds a row; says whether the cell was clean before.
    fn add(&mut self, bytes: u64, version: u64) -> bool {
        self.records += 1;
        self.bytes += bytes;
        self.version = version;
        !std::mem::replace(&mut self.dirty, true)
    }
}

impl Booking {
    pub(crate) fn new(day: Day) -> Booking {
        Booking {
            day,
            cells: Vec::new(),
            places: Vec::new(),
            books: Vec::new(),
            numbers: FixedMap::default(),
            place_numbers: FixedMap::default(),
            waiting: Waiting::default(),
        }
    }

    /// Adds a row to its cell of `sim_day`.
    pub(crate) fn add(&mut self, key: CellKey, uplink: u64, downlink: u64, version: u64) {
        let next = self.cells.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            assert!(next < u32::MAX, "a booked day has fewer than 2³² cells");
            self.cells.push(Cell {
                key,
                uplink_bytes: 0,
                downlink_bytes: 0,
                records: 0,
                version,
                dirty: false,
            });
        }
        let cell = &mut self.cells[number as usize];
        cell.uplink_bytes += uplink;
        cell.downlink_bytes += downlink;
        cell.records += 1;
        cell.version = version;
        if !cell.dirty {
            cell.dirty = true;
            self.waiting.cells.push(number);
        }
    }

    /// Adds a row to its cell of `place_hour`.
    pub(crate) fn add_place(&mut self, key: PlaceKey, uplink: u64, downlink: u64, version: u64) {
        let next = self.places.len() as u32;
        let number = *self.place_numbers.entry(key).or_insert(next);
        if number == next {
            assert!(next < u32::MAX, "a booked day has fewer than 2³² cells");
            self.places.push(PlaceCell {
                key,
                uplink_bytes: 0,
                downlink_bytes: 0,
                version,
                dirty: false,
            });
        }
        let cell = &mut self.places[number as usize];
        cell.uplink_bytes += uplink;
        cell.downlink_bytes += downlink;
        cell.version = version;
        if !cell.dirty {
            cell.dirty = true;
            self.waiting.places.push(number);
        }
    }

    /// Touches a balance's row of `sim_cycle`.
    pub(crate) fn touch(&mut self, number: u32, balance: &mut Balance, version: u64) {
        balance.version = version;
        if !std::mem::replace(&mut balance.dirty, true) {
            let (account, start) = balance.key();
            self.waiting.cycles.push((number, account, start));
        }
    }

    /// Adds a row that nothing touches any more.
    pub(crate) fn finish(&mut self, fact: Fact) {
        self.waiting.finished.push_back(fact);
    }

    fn books_of(&mut self, feed: usize) -> &mut FeedBooks {
        if self.books.len() <= feed {
            self.books.resize_with(feed + 1, FeedBooks::default);
        }
        &mut self.books[feed]
    }

    /// Flags a row of a feed.
    pub(crate) fn flag(&mut self, feed: usize, flag: Flag, bytes: u64, version: u64) {
        let cell = &mut self.books_of(feed).flags[flag.index()];
        if cell.add(bytes, version) {
            // Feeds are few, and flags half a dozen.
            self.waiting.flags.push((feed as u32, flag.index() as u8));
        }
    }

    /// Adds a row to the books of its feed.
    pub(crate) fn book(&mut self, feed: usize, outcome: Outcome, bytes: u64, version: u64) {
        let books = self.books_of(feed);
        let index = outcome.index();
        let (records, total) = &mut books.total[index];
        *records += 1;
        *total += bytes;
        if books.today[index].add(bytes, version) {
            // Feeds are few, and outcomes a dozen.
            self.waiting.outcomes.push((feed as u32, index as u8));
        }
    }

    /// Records and bytes per feed number and outcome since offset 0, those that occurred.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (usize, Outcome, u64, u64)> + '_ {
        self.books.iter().enumerate().flat_map(|(feed, books)| {
            Outcome::all().filter_map(move |outcome| {
                let (records, bytes) = books.total[outcome.index()];
                (records > 0).then_some((feed, outcome, records, bytes))
            })
        })
    }

    /// How many rows wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = &self.waiting;
        waiting.finished.len()
            + waiting.cells.len()
            + waiting.places.len()
            + waiting.outcomes.len()
            + waiting.flags.len()
            + waiting.cycles.len()
    }

    /// Takes one waiting row of `sim_day`.
    pub(crate) fn take_cell(&mut self, services: &Interned<String>) -> Option<Fact> {
        let number = self.waiting.cells.pop()?;
        let cell = &mut self.cells[number as usize];
        assert!(cell.dirty, "a cell that waits is dirty");
        cell.dirty = false;
        Some(Fact::SimDay(SimDay {
            version: cell.version,
            sim: cell.key.sim,
            usage_day: cell.key.usage_day.date(),
            class: cell.key.class,
            service: services.value(cell.key.service).clone(),
            booked_day: self.day.date(),
            uplink_bytes: cell.uplink_bytes,
            downlink_bytes: cell.downlink_bytes,
            records: cell.records,
        }))
    }

    /// Takes one waiting row of `place_hour`.
    pub(crate) fn take_place(
        &mut self,
        provinces: &Interned<String>,
        cohorts: &Interned<String>,
    ) -> Option<Fact> {
        let number = self.waiting.places.pop()?;
        let cell = &mut self.places[number as usize];
        assert!(cell.dirty, "a cell that waits is dirty");
        cell.dirty = false;
        Some(Fact::PlaceHour(PlaceHour {
            version: cell.version,
            province: provinces.value(cell.key.province).clone(),
            cohort: cohorts.value(cell.key.cohort).clone(),
            usage_day: cell.key.usage_day.date(),
            hour: cell.key.hour,
            class: cell.key.class,
            booked_day: self.day.date(),
            uplink_bytes: cell.uplink_bytes,
            downlink_bytes: cell.downlink_bytes,
        }))
    }

    /// Takes one waiting row of `flag_day`.
    pub(crate) fn take_flag(&mut self, feed_id: impl Fn(usize) -> FeedId) -> Option<Fact> {
        let (feed, index) = self.waiting.flags.pop()?;
        let flag = *Flag::ALL.get(usize::from(index))?;
        let cell = &mut self.books[feed as usize].flags[usize::from(index)];
        assert!(cell.dirty, "a cell that waits is dirty");
        cell.dirty = false;
        Some(Fact::FlagDay(FlagDay {
            version: cell.version,
            feed: feed_id(feed as usize),
            booked_day: self.day.date(),
            flag,
            records: cell.records,
            bytes: cell.bytes,
        }))
    }

    /// Takes one waiting row of `outcome_day`.
    pub(crate) fn take_outcome(&mut self, feed_id: impl Fn(usize) -> FeedId) -> Option<Fact> {
        let (feed, index) = self.waiting.outcomes.pop()?;
        let outcome = Outcome::all().nth(usize::from(index))?;
        let cell = &mut self.books[feed as usize].today[usize::from(index)];
        assert!(cell.dirty, "a cell that waits is dirty");
        cell.dirty = false;
        Some(Fact::OutcomeDay(OutcomeDay {
            version: cell.version,
            feed: feed_id(feed as usize),
            booked_day: self.day.date(),
            outcome,
            records: cell.records,
            bytes: cell.bytes,
        }))
    }

    /// Opens the next booked day, once nothing of the old one waits but finished rows.
    pub(crate) fn open(&mut self, day: Day) {
        assert!(day > self.day, "a booked day, once over, never comes back");
        assert_eq!(
            self.waiting(),
            self.waiting.finished.len(),
            "the rows of a booked day are finished before the next one opens"
        );
        self.day = day;
        self.cells.clear();
        self.numbers.clear();
        self.places.clear();
        self.place_numbers.clear();
        for books in &mut self.books {
            books.today = Default::default();
            books.flags = Default::default();
        }
    }

    /// Builds what a snapshot leaves out of the state; `waiting` must stand already.
    ///
    /// # Errors
    /// The parts of the snapshot contradict each other.
    pub(crate) fn reindex(&mut self) -> Result<(), &'static str> {
        for (number, cell) in self.cells.iter().enumerate() {
            if self.numbers.insert(cell.key, number as u32).is_some() {
                return Err("a cell stands twice");
            }
        }
        for (number, cell) in self.places.iter().enumerate() {
            let known = self.place_numbers.insert(cell.key, number as u32);
            if known.is_some() {
                return Err("a place's cell stands twice");
            }
        }
        for number in &self.waiting.places {
            let cell = self.places.get_mut(*number as usize);
            cell.ok_or("an unknown place's cell waits")?.dirty = true;
        }
        for (feed, index) in &self.waiting.flags {
            let books = self.books.get_mut(*feed as usize);
            let cell = books.and_then(|books| books.flags.get_mut(usize::from(*index)));
            cell.ok_or("an unknown flag waits")?.dirty = true;
        }
        for number in &self.waiting.cells {
            let cell = self.cells.get_mut(*number as usize);
            cell.ok_or("an unknown cell waits")?.dirty = true;
        }
        for (feed, index) in &self.waiting.outcomes {
            let books = self.books.get_mut(*feed as usize);
            let cell = books.and_then(|books| books.today.get_mut(usize::from(*index)));
            cell.ok_or("an unknown outcome waits")?.dirty = true;
        }
        Ok(())
    }
}
