//! Rows gather into frames, one open frame a partition.

use hissa_core::sim::Partitions;
use hissa_core::usage::UsageRow;
use hissa_core::wire::{FRAME_ROWS_MAX, Kind};

use super::{Command, Payload};

/// The open frames.
pub(super) struct Frames {
    open: Vec<Vec<UsageRow>>,
}

impl Frames {
    pub(super) fn new(partitions: Partitions) -> Frames {
        Frames {
            open: vec![Vec::new(); usize::from(partitions.count())],
        }
    }

    /// Adds a row; a frame that is full goes out.
    pub(super) fn push(
        &mut self,
        partition: u16,
        row: &UsageRow,
        ticket: u64,
        commands: &mut Vec<Command>,
    ) {
        let open = &mut self.open[usize::from(partition)];
        open.push(*row);
        if open.len() == FRAME_ROWS_MAX {
            commands.push(frame(partition, open, ticket));
        }
    }

    /// Sends all that is open.
    pub(super) fn flush(&mut self, ticket: u64, commands: &mut Vec<Command>) {
        for (partition, open) in (0..).zip(&mut self.open) {
            if !open.is_empty() {
                commands.push(frame(partition, open, ticket));
            }
        }
    }
}

fn frame(partition: u16, open: &mut Vec<UsageRow>, ticket: u64) -> Command {
    // The next frame will likely be as long.
    let next = Vec::with_capacity(open.len());
    Command::Entry {
        ticket,
        partition,
        kind: Kind::Rows,
        payload: Payload::Rows(std::mem::replace(open, next)),
    }
}
