//! Which messages are on their way, and what may be stored once they have arrived.

use std::collections::{BTreeMap, VecDeque};

use hissa_core::usage::Source;

use crate::position::Stored;

/// One ticket a step, in the order of the steps.
#[derive(Default)]
pub(super) struct Tickets {
    /// The number of the first ticket in the queue.
    first: u64,
    queue: VecDeque<Ticket>,
}

#[derive(Default)]
struct Ticket {
    closed: bool,
    outstanding: usize,
    positions: BTreeMap<Source, Stored>,
}

impl Tickets {
    /// A new ticket's number.
    pub(super) fn open(&mut self) -> u64 {
        self.queue.push_back(Ticket::default());
        self.first + self.queue.len() as u64 - 1
    }

    /// All of its messages are known now.
    pub(super) fn close(
        &mut self,
        number: u64,
        messages: usize,
        positions: BTreeMap<Source, Stored>,
    ) {
        if let Some(ticket) = self.get(number) {
            ticket.closed = true;
            ticket.outstanding = messages;
            ticket.positions = positions;
        }
    }

    /// One of its messages has arrived.
    pub(super) fn acked(&mut self, number: u64) {
        if let Some(ticket) = self.get(number) {
            assert!(
                ticket.outstanding > 0,
                "ticket {number} has more acknowledgements than messages"
            );
            ticket.outstanding -= 1;
        }
    }

    /// Takes away the tickets at the front that have arrived whole; the last position of each source in them may be
    /// stored. A ticket behind one that is still on its way waits, though it be whole.
    pub(super) fn settled(&mut self) -> BTreeMap<Source, Stored> {
        let mut positions = BTreeMap::new();
        while self
            .queue
            .front()
            .is_some_and(|ticket| ticket.closed && ticket.outstanding == 0)
        {
            self.first += 1;
            let ticket = self.queue.pop_front().unwrap_or_default();
            positions.extend(ticket.positions);
        }
        positions
    }

    pub(super) fn count(&self) -> usize {
        self.queue.len()
    }

    fn get(&mut self, number: u64) -> Option<&mut Ticket> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.queue.get_mut(place)
    }
}
