//! The cells of the booked day that is open, which of them wait to be taken, and rows that nothing touches any more.
//!
//! A booked day's cells leave the state when it ends; those not yet taken become finished rows first. So the memory of
//! a shard does not grow with the days.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::calendar::{Day, Month};
use crate::catalogue::ServiceNumber;
use crate::facts::{Fact, OutcomeDay, SimDay};
use crate::fixed_hash::FixedMap;
use crate::interned::Interned;
use crate::outcome::Outcome;
use crate::registry::Class;
use crate::sim::{FeedId, SimId};

/// The cells of the open booked day and the books of all time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Booking {
    /// The booked day that is open.
    pub(crate) day: Day,
    /// In the order of their first row.
    cells: Vec<Cell>,
    /// By feed number, then the outcome's index.
    books: Vec<FeedBooks>,
    #[serde(skip)]
    numbers: FixedMap<CellKey, u32>,
    #[serde(skip)]
    pub(crate) waiting: Waiting,
}

/// What waits to be taken. No part of the state: two owners of a partition may have taken different rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// Rows that nothing touches any more.
    pub(crate) finished: VecDeque<Fact>,
    cells: Vec<u32>,
    outcomes: Vec<(u32, u8)>,
    /// SIM number, month, and allowance; the ledger keeps their flags.
    pub(crate) cycles: Vec<(u32, Month, Class)>,
    /// SIM numbers; the roster keeps their flags.
    pub(crate) assignments: Vec<u32>,
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

impl Booking {
    pub(crate) fn new(day: Day) -> Booking {
        Booking {
            day,
            cells: Vec::new(),
            books: Vec::new(),
            numbers: FixedMap::default(),
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

    /// Adds a row to the books of its feed.
    pub(crate) fn book(&mut self, feed: usize, outcome: Outcome, bytes: u64, version: u64) {
        if self.books.len() <= feed {
            self.books.resize_with(feed + 1, FeedBooks::default);
        }
        let books = &mut self.books[feed];
        let index = outcome.index();
        let (records, total) = &mut books.total[index];
        *records += 1;
        *total += bytes;
        let cell = &mut books.today[index];
        cell.records += 1;
        cell.bytes += bytes;
        cell.version = version;
        if !cell.dirty {
            cell.dirty = true;
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
            + waiting.outcomes.len()
            + waiting.cycles.len()
            + waiting.assignments.len()
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
        for books in &mut self.books {
            books.today = Default::default();
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
