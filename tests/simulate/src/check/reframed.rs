//! The same rows in other messages, without what was published twice, and with other ranges published twice: it must
//! say the same.

use std::collections::BTreeMap;

use hissa_core::usage::{Position, Source, UsageRow};
use hissa_core::wire::Entry;

use super::quiet::Reading;
use super::{Differences, Quiet, same};
use crate::dice::Dice;
use crate::scenario::Scenario;
use crate::world::Ran;

pub fn check(
    scenario: &Scenario,
    ran: &Ran,
    quiet: &mut Quiet,
    seed: u64,
    differences: &mut Differences,
) {
    let mut reframed = Reframed {
        reading: Reading::new(scenario, quiet.partition),
        dice: Dice::at(seed, u32::from(quiet.partition), 0xf7a3e),
        highest: BTreeMap::new(),
        waiting: Vec::new(),
        rows: Vec::new(),
        offset: 0,
        halted: None,
        clock_ms: 0,
        again: 0,
        behind: 0,
        lost: ran.lost(),
    };
    for entry in &ran.log.usage[usize::from(quiet.partition)] {
        if let Ok(entry) = entry.read() {
            reframed.take(entry);
        }
    }
    reframed.flush();
    (quiet.again, quiet.behind) = (reframed.again, reframed.behind);
    match reframed.halted {
        Some(why) => differences.add(|| format!("in other messages: {why}")),
        None => same(
            "in other messages",
            quiet,
            reframed.reading.finish().0,
            differences,
        ),
    }
}

struct Reframed {
    reading: Reading,
    dice: Dice,
    highest: BTreeMap<Source, Position>,
    /// Rows that are not in a message yet.
    waiting: Vec<UsageRow>,
    /// All rows that are.
    rows: Vec<UsageRow>,
    offset: u64,
    halted: Option<String>,
    clock_ms: i64,
    again: u64,
    behind: u64,
    /// The broker lost messages: what seems to be there twice may be there once, and the books differ.
    lost: bool,
}

impl Reframed {
    fn take(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Rows(rows) => {
                for row in rows {
                    let Ok(source) = row.source() else {
                        return;
                    };
                    let delivered_at_ms = row.delivered_at_ms.get();
                    self.behind += u64::from(delivered_at_ms < self.clock_ms);
                    self.clock_ms = self.clock_ms.max(delivered_at_ms);
                    if self
                        .highest
                        .get(&source)
                        .is_none_or(|highest| row.position() > *highest)
                    {
                        self.highest.insert(source, row.position());
                        self.waiting.push(*row);
                    } else {
                        self.again += 1;
                        if self.lost {
                            self.waiting.push(*row);
                        }
                    }
                }
            }
            Entry::Block(block) => {
                self.flush();
                let is_old = block.to_rev <= self.reading.shard.registry_revision();
                if !is_old || self.dice.permille(500) {
                    self.apply(&Entry::Block(block));
                }
            }
            Entry::Progress(progress) => {
                // What says nothing new may be left out, where it finds no difference.
                let is_heard = progress
                    .sources
                    .iter()
                    .any(|source| !source.heard.is_empty());
                let is_old = Some(progress.as_of_ms) <= self.reading.shard.clock_ms();
                if !is_heard && is_old && !self.lost && self.dice.permille(300) {
                    return;
                }
                self.flush();
                self.apply(&Entry::Progress(progress));
            }
        }
    }

    /// What waits goes into messages of any size; now and then older rows go again.
    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut left = &waiting[..];
        while !left.is_empty() {
            let size = match self.dice.permille(300) {
                true => self.dice.count(1, left.len().min(7)),
                false => left.len(),
            };
            let (now, later) = left.split_at(size);
            self.apply(&Entry::Rows(now));
            left = later;
        }
        self.rows.extend_from_slice(&waiting);
        if self.dice.permille(40) && !self.rows.is_empty() {
            let from = self.dice.place(self.rows.len());
            let to = (from + self.dice.count(1, 60)).min(self.rows.len());
            let again = self.rows[from..to].to_vec();
            self.apply(&Entry::Rows(&again));
        }
    }

    fn apply(&mut self, entry: &Entry<'_>) {
        if self.halted.is_none() {
            let applied = self.reading.apply(entry, self.offset);
            self.offset += 1;
            if let Err(halt) = applied {
                self.halted = Some(halt.to_string());
            }
        }
    }
}
