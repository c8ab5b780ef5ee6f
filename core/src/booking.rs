//! The cells of the booked day that is open, which of them wait to be taken, and rows that nothing touches any more.
//!
//! A booked day's cells leave the state when it ends; those not yet taken become finished rows first. So the memory of
//! a shard does not grow with the days.

mod cells;
mod places;
mod waiting;

use serde::{Deserialize, Serialize};

use crate::facts::{Fact, Flag, FlagDay, OutcomeDay};
use crate::ledger::SharedTerms;
use crate::outcome::Outcome;
use crate::roster::Roster;
use crate::sim::FeedId;
use crate::zone::Day;

pub(crate) use cells::{Added, CellKey, Cells, Link};
pub(crate) use places::{PlaceKey, Places};
pub(crate) use waiting::{Waiting, Written, write};

/// The cells of the open booked day and the books of all time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Booking {
    /// The booked day that is open.
    pub(crate) day: Day,
    pub(crate) cells: Cells,
    pub(crate) places: Places,
    /// By feed number, then the outcome's index.
    books: Vec<FeedBooks>,
    #[serde(skip)]
    pub(crate) waiting: Waiting,
    /// Of the balances, which it touches.
    #[serde(skip)]
    pub(crate) terms: SharedTerms,
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
            cells: Cells::default(),
            places: Places::default(),
            books: Vec::new(),
            waiting: Waiting::default(),
            terms: SharedTerms::default(),
        }
    }

    /// How many rows wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = &self.waiting;
        waiting.finished.len()
            + waiting.cycles
            + waiting.outcomes.len()
            + waiting.flags.len()
            + self.cells.waiting()
            + self.places.waiting()
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
        self.places.clear();
        for books in &mut self.books {
            books.today = Default::default();
            books.flags = Default::default();
        }
    }

    /// Builds what a snapshot leaves out of the state.
    ///
    /// # Errors
    /// The parts of the snapshot contradict each other.
    pub(crate) fn reindex(
        &mut self,
        roster: &mut Roster,
        written: Written,
    ) -> Result<(), &'static str> {
        for balance in roster.all_mut().flat_map(|sim| &mut sim.balances) {
            self.terms.share(balance);
        }
        self.cells.reindex(roster, &written.cells)?;
        self.places.reindex(&written.places)?;
        self.waiting = Waiting::reindex(roster, &written.cycles)?;
        self.waiting.finished = written.finished;
        for (feed, index) in &written.flags {
            let books = self.books.get_mut(*feed as usize);
            let cell = books.and_then(|books| books.flags.get_mut(usize::from(*index)));
            cell.ok_or("an unknown flag waits")?.dirty = true;
        }
        for (feed, index) in &written.outcomes {
            let books = self.books.get_mut(*feed as usize);
            let cell = books.and_then(|books| books.today.get_mut(usize::from(*index)));
            cell.ok_or("an unknown outcome waits")?.dirty = true;
        }
        self.waiting.flags = written.flags;
        self.waiting.outcomes = written.outcomes;
        Ok(())
    }
}
