//! What a dead process had sent, and what still arrives.

use std::collections::VecDeque;

use hissa_aggregator::worker::Freshness;
use hissa_core::alert::AlertChange;
use hissa_core::decision::Decision;
use hissa_core::facts::Fact;
use hissa_core::usage::Source;
use hissa_core::wire::Kind;
use hissa_ingest::position::Stored;

use super::Surroundings;
use crate::dice::Dice;

/// A message on its way.
#[derive(Clone)]
pub enum Message {
    Usage {
        ticket: u64,
        partition: u16,
        kind: Kind,
        payload: Vec<u8>,
    },
    Rejected {
        ticket: u64,
    },
    Position(Source, Box<Stored>),
    Decision(Box<Decision>),
    Alert(Box<AlertChange>),
    Rows(u16, Vec<Fact>, Option<Freshness>),
}

/// Messages by the step at which they arrive.
#[derive(Default)]
pub struct Ghosts(Vec<(u32, Message)>);

impl Ghosts {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of a queue of a process that has died, the first ones may still arrive, some steps later.
    pub fn leave(&mut self, queue: VecDeque<Message>, step: u32, dice: &mut Dice) {
        if queue.is_empty() {
            return;
        }
        let arrive = dice.count(0, queue.len());
        let due = step + dice.below(7) as u32;
        self.0
            .extend(queue.into_iter().take(arrive).map(|message| (due, message)));
    }
}

impl Surroundings<'_> {
    /// Lets arrive what is due.
    pub(super) fn haunt(&mut self) {
        let step = self.step;
        let due: Vec<(u32, Message)> = self
            .ghosts
            .0
            .extract_if(.., |(due, _)| *due <= step)
            .collect();
        for (_, message) in due {
            self.arrive(message);
        }
    }

    /// A message arrives where it was sent to.
    pub fn arrive(&mut self, message: Message) {
        match message {
            Message::Usage {
                partition,
                kind,
                payload,
                ..
            } => self.append(partition, kind, payload),
            Message::Rejected { .. } => self.log.rejected += 1,
            Message::Position(source, stored) => self.store_position(source, *stored),
            Message::Decision(decision) => self.decide(*decision),
            Message::Alert(alert) => self.alert(*alert),
            Message::Rows(partition, facts, freshness) => {
                self.insert(partition, facts);
                if let Some(freshness) = freshness {
                    self.freshen(partition, freshness);
                }
            }
        }
    }
}
