//! What waits to be taken. No part of the state: two owners of a partition may have taken different rows.
//!
//! Cells wait where they stand (in [`Cells`](super::Cells) and [`Places`](super::Places)); a SIM with rows of
//! `sim_cycle` that wait hangs in a chain of such SIMs, and its balances know which of them do.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Booking;
use super::cells::Link;
use crate::facts::Fact;
use crate::ledger::Balance;
use crate::roster::{Roster, Sim};
use crate::zone::Day;

/// What waits, beside cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// Rows that nothing touches any more.
    pub(crate) finished: VecDeque<Fact>,
    /// By feed number, then the outcome's index.
    pub(super) outcomes: Vec<(u32, u8)>,
    pub(super) flags: Vec<(u32, u8)>,
    first_sim: Link,
    /// How many balances wait.
    pub(super) cycles: usize,
}

impl Waiting {
    /// The SIM whose balances are to be taken next.
    pub(crate) fn sim(&self) -> Option<u32> {
        self.first_sim.number()
    }

    /// Lets go of that SIM, of which no balance waits any more.
    pub(crate) fn let_go(&mut self, sim: &mut Sim) {
        self.first_sim = std::mem::replace(&mut sim.next_waiting, Link::OUTSIDE);
    }

    /// Takes note that a balance is taken; says whether it waited.
    pub(crate) fn take(&mut self, balance: &mut Balance) -> bool {
        let waited = balance.take();
        self.cycles -= usize::from(waited);
        waited
    }

    fn enter(&mut self, number: u32, next_waiting: &mut Link) {
        self.cycles += 1;
        if *next_waiting == Link::OUTSIDE {
            *next_waiting = std::mem::replace(&mut self.first_sim, Link::to(number));
        }
    }

    pub(super) fn reindex(
        roster: &mut Roster,
        cycles: &[(u32, u16, Day)],
    ) -> Result<Waiting, &'static str> {
        let mut waiting = Waiting::default();
        for (number, account, start) in cycles.iter().rev() {
            if !roster.numbers().contains(number) {
                return Err("a row of an unknown SIM waits");
            }
            let sim = roster.get_mut(*number);
            let mut balances = sim.balances.iter_mut();
            let balance = balances.find(|b| b.key() == (*account, *start));
            let balance = balance.ok_or("a row of an unknown balance waits")?;
            if balance.wait() {
                return Err("a balance waits twice");
            }
            waiting.enter(*number, &mut sim.next_waiting);
        }
        Ok(waiting)
    }
}

impl Booking {
    /// Touches a balance's row of `sim_cycle`; the link is its SIM's.
    pub(crate) fn touch(
        &mut self,
        number: u32,
        next_waiting: &mut Link,
        balance: &mut Balance,
        version: u64,
    ) {
        self.terms.share(balance);
        if !balance.touch(version) {
            self.waiting.enter(number, next_waiting);
        }
    }
}

/// What waits, as a snapshot has it.
#[derive(Deserialize)]
pub(crate) struct Written {
    pub(super) finished: VecDeque<Fact>,
    pub(super) cells: Vec<u32>,
    pub(super) places: Vec<u32>,
    pub(super) outcomes: Vec<(u32, u8)>,
    pub(super) flags: Vec<(u32, u8)>,
    /// SIM number, account, and the cycle's first day.
    pub(super) cycles: Vec<(u32, u16, Day)>,
}

/// The same, to be written.
#[derive(Serialize)]
struct ToWrite<'a> {
    finished: &'a VecDeque<Fact>,
    cells: Vec<u32>,
    places: &'a [u32],
    outcomes: &'a [(u32, u8)],
    flags: &'a [(u32, u8)],
    cycles: Vec<(u32, u16, Day)>,
}

/// What waits, in the form that a snapshot has.
pub(crate) fn write<'a>(booking: &'a Booking, roster: &Roster) -> impl Serialize + 'a {
    let waiting = &booking.waiting;
    let next = |number: &u32| roster.get(*number).next_waiting.number();
    let mut cycles = Vec::with_capacity(waiting.cycles);
    for number in std::iter::successors(waiting.sim(), next) {
        let dirty = roster.get(number).balances.iter().filter(|b| b.waits());
        cycles.extend(dirty.map(|balance| (number, balance.account, balance.start)));
    }
    ToWrite {
        finished: &waiting.finished,
        cells: booking.cells.numbers_waiting(),
        places: booking.places.numbers_waiting(),
        outcomes: &waiting.outcomes,
        flags: &waiting.flags,
        cycles,
    }
}
