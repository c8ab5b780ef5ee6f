//! Each partition's share of the registry, as blocks.

use std::collections::VecDeque;

use hissa_core::registry::{Block, Revision};
use hissa_core::sim::Partitions;
use hissa_core::wire::Kind;

use super::{Command, Payload, json};

/// JSON of one block's commands at the most, in bytes: below Kafka's default limit of 1 MB a message. A command that is
/// larger by itself gets a block of its own.
const BLOCK_BYTES_MAX: usize = 700_000;
/// Commands that are published at one go at the most; it bounds the memory that a large roster takes.
const COMMANDS_MAX: usize = 10_000;

/// What was read of the registry, and how much of it every partition was sent.
pub(super) struct Share {
    partitions: Partitions,
    /// Every partition was sent the commands below this revision.
    published: u64,
    pending: VecDeque<Revision>,
}

impl Share {
    pub(super) fn new(partitions: Partitions, published: u64) -> Share {
        Share {
            partitions,
            published,
            pending: VecDeque::new(),
        }
    }

    /// The revision below which every partition was sent everything.
    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// Takes what the registry says next.
    pub(super) fn read(&mut self, revisions: Vec<Revision>) {
        self.pending.extend(revisions);
    }

    /// When the next command was entered; the end of time where none is known.
    pub(super) fn next_entered_at_ms(&self) -> i64 {
        self.pending
            .front()
            .map_or(i64::MAX, |next| next.entered.entered_at_ms)
    }

    /// Whether the next command was entered at or before this time.
    pub(super) fn has_due(&self, at_ms: i64) -> bool {
        self.pending
            .front()
            .is_some_and(|next| next.entered.entered_at_ms <= at_ms)
    }

    /// Sends the commands that were entered at or before this time; a later one holds back those behind it, for
    /// revisions have an order.
    pub(super) fn publish_due(&mut self, at_ms: i64, ticket: u64, commands: &mut Vec<Command>) {
        while self.has_due(at_ms) {
            let is_due = |revision: &&Revision| revision.entered.entered_at_ms <= at_ms;
            let count = self
                .pending
                .iter()
                .take(COMMANDS_MAX)
                .take_while(is_due)
                .count();
            let due: Vec<Revision> = self.pending.drain(..count).collect();
            let to_rev = due.last().map_or(self.published, |last| last.rev + 1);
            self.publish(&due, to_rev, ticket, commands);
            self.published = to_rev;
        }
    }

    fn publish(&self, due: &[Revision], to_rev: u64, ticket: u64, commands: &mut Vec<Command>) {
        let sizes: Vec<usize> = due.iter().map(|revision| json(revision).len()).collect();
        for partition in self.partitions.numbers() {
            let is_ours = |revision: &Revision| match revision.entered.command.sim() {
                Some(sim) => sim.partition(self.partitions) == partition,
                None => true,
            };
            let mut block = Block {
                from_rev: self.published,
                to_rev,
                commands: Vec::new(),
            };
            let mut bytes = 0;
            for (revision, size) in due
                .iter()
                .zip(&sizes)
                .filter(|(revision, _)| is_ours(revision))
            {
                if bytes + size > BLOCK_BYTES_MAX && !block.commands.is_empty() {
                    let next = Block {
                        from_rev: revision.rev,
                        to_rev,
                        commands: Vec::new(),
                    };
                    block.to_rev = revision.rev;
                    commands.push(entry(ticket, partition, &block));
                    block = next;
                    bytes = 0;
                }
                bytes += size;
                block.commands.push(revision.clone());
            }
            commands.push(entry(ticket, partition, &block));
        }
    }
}

fn entry(ticket: u64, partition: u16, block: &Block) -> Command {
    Command::Entry {
        ticket,
        partition,
        kind: Kind::Block,
        payload: Payload::Json(json(block)),
    }
}
