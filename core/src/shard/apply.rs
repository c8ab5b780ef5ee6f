//! What an entry must be before it is applied, and how each kind is.
//!
//! Everything that can halt the shard is checked first, so that a halt leaves it as it was before the entry.

use super::{Effects, Halt, Shard};
use crate::outcome::RejectReason;
use crate::registry::{Block, Command};
use crate::sim::{FeedId, NodeId};
use crate::usage::UsageRow;
use crate::wire::{Entry, Progress};
use crate::{catalogue, programme};

/// The instants that a shard admits: years 1970 to 8999, so that no local date around them leaves the years of dates.
const INSTANTS_MS: std::ops::Range<i64> = 0..221_845_392_000_000;

/// Bytes of a row, each way, at the most: sums of them cannot overflow before 10,000 rows of that size.
const ROW_BYTES_MAX: u64 = 1_000_000_000_000_000;

impl Shard {
    pub(super) fn check(&self, entry: &Entry<'_>, offset: u64) -> Result<(), Halt> {
        if let Some(applied) = self.applied
            && offset <= applied
        {
            return Err(Halt::OutOfOrder { offset, applied });
        }
        match entry {
            Entry::Rows(rows) => check_rows(rows, offset),
            Entry::Block(block) => self.check_block(block, offset),
            Entry::Progress(progress) => check_instant(progress.as_of_ms, offset),
        }
    }

    fn check_block(&self, block: &Block, offset: u64) -> Result<(), Halt> {
        let (from_rev, to_rev) = (block.from_rev, block.to_rev);
        if from_rev > self.revision {
            return Err(Halt::Gap {
                offset,
                from_rev,
                to_rev,
                revision: self.revision,
            });
        }
        let mut above = from_rev;
        for revision in &block.commands {
            let rev = revision.rev;
            let refused = |why: String| Halt::Command { offset, rev, why };
            if !(above..to_rev).contains(&rev) {
                return Err(refused(format!(
                    "it does not stand in its order within the block {from_rev}..{to_rev}"
                )));
            }
            above = rev + 1;
            check_instant(revision.entered.entered_at_ms, offset)?;
            match &revision.entered.command {
                Command::Programme(programme) => {
                    programme::check(programme).map_err(|error| refused(error.to_string()))?;
                }
                Command::Catalogue(catalogue) => {
                    catalogue::check(catalogue).map_err(|error| refused(error.to_string()))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn apply_rows(&mut self, rows: &[UsageRow], offset: u64, effects: &mut Effects) {
        for (place, row) in rows.iter().enumerate() {
            self.advance(row.delivered_at_ms.get(), offset, effects);
            // A message holds a few thousand rows.
            self.apply_row(row, place as u32, offset, effects);
        }
    }

    /// Applies the commands that the shard has not seen: blocks of several ingesters overlap.
    pub(super) fn apply_block(&mut self, block: &Block, offset: u64, effects: &mut Effects) {
        for revision in &block.commands {
            if revision.rev < self.revision {
                continue;
            }
            self.advance(revision.entered.entered_at_ms, offset, effects);
            self.command(revision.rev, &revision.entered.command, offset, effects);
        }
        self.revision = self.revision.max(block.to_rev);
    }

    pub(super) fn apply_progress(
        &mut self,
        progress: &Progress,
        offset: u64,
        effects: &mut Effects,
    ) {
        self.advance(progress.as_of_ms, offset, effects);
        for source in &progress.sources {
            let found = self.sources.check(source, self.clock_ms);
            effects.discrepancies.extend(found);
        }
    }
}

fn check_instant(at_ms: i64, offset: u64) -> Result<(), Halt> {
    if INSTANTS_MS.contains(&at_ms) {
        Ok(())
    } else {
        Err(Halt::Instant { offset, at_ms })
    }
}

fn check_rows(rows: &[UsageRow], offset: u64) -> Result<(), Halt> {
    // Names are checked where they differ from the last row's: most rows name the same feed and node.
    let (mut feed, mut node) = ([0; 16], [0; 20]);
    for (place, row) in rows.iter().enumerate() {
        let malformed = |why| Halt::Row {
            offset,
            row: place,
            why,
        };
        check_instant(row.delivered_at_ms.get(), offset)?;
        if row.feed != feed {
            feed = row.feed;
            FeedId::from_bytes(feed).map_err(|_| malformed("its feed is not a name"))?;
        }
        match row.kind {
            0 => {}
            1 if RejectReason::from_code(row.reject_reason).is_some() => continue,
            1 => return Err(malformed("its reject_reason is not one of the codes")),
            _ => return Err(malformed("its kind is neither 0 nor 1")),
        }
        if row.node != node {
            node = row.node;
            NodeId::from_bytes(node).map_err(|_| malformed("its node is not a name"))?;
        }
        if row.started_at_ms.get() < 0 || row.ended_at_ms < row.started_at_ms {
            return Err(malformed(
                "its usage starts before 1970, or ends before it starts",
            ));
        }
        if row.uplink_bytes.get().max(row.downlink_bytes.get()) > ROW_BYTES_MAX {
            return Err(malformed("it has more than 10¹⁵ bytes one way"));
        }
    }
    Ok(())
}
