//! `hissa.usage`, `hissa.ingest` and `hissa.rejected`, as the broker keeps them.

use std::collections::BTreeMap;

use hissa_aggregator::worker::LogEntry;
use hissa_core::sim::Partitions;
use hissa_core::usage::Source;
use hissa_core::wire::{self, Kind, WireError};
use hissa_ingest::position::Stored;

use super::Surroundings;
use crate::faults;

/// An entry of `hissa.usage`.
pub struct Entry {
    pub kind: Kind,
    pub payload: Vec<u8>,
    pub appended_at_ms: i64,
}

impl Entry {
    /// As an owner's consumer brings it.
    pub fn at(&self, offset: u64) -> LogEntry {
        LogEntry {
            offset,
            kind: self.kind.as_str().into(),
            version: self.kind.version().into(),
            payload: self.payload.clone(),
            appended_at_ms: self.appended_at_ms,
        }
    }

    /// What it says.
    pub fn read(&self) -> Result<wire::Entry<'_>, WireError> {
        wire::decode(
            self.kind.as_str().as_bytes(),
            self.kind.version().as_bytes(),
            &self.payload,
        )
    }
}

/// Our own topics.
pub struct Log {
    pub usage: Vec<Vec<Entry>>,
    /// Every write, the last of a source being what is known of it.
    pub ingest: Vec<(Source, Stored)>,
    pub rejected: u64,
}

impl Log {
    pub fn new(partitions: Partitions) -> Log {
        Log {
            usage: partitions.numbers().map(|_| Vec::new()).collect(),
            ingest: Vec::new(),
            rejected: 0,
        }
    }

    /// The offset behind the last entry.
    pub fn end(&self, partition: u16) -> u64 {
        self.usage[usize::from(partition)].len() as u64
    }

    /// `hissa.ingest` as it stood so many writes ago.
    pub fn positions(&self, back: u32) -> BTreeMap<Source, Stored> {
        let writes = self.ingest.len().saturating_sub(back as usize);
        self.ingest[..writes].iter().cloned().collect()
    }

    /// The furthest position that was ever written of each source. One who had its work taken may write an older one last.
    pub fn furthest(&self) -> BTreeMap<Source, Stored> {
        let mut furthest: BTreeMap<Source, Stored> = BTreeMap::new();
        for (source, stored) in &self.ingest {
            if furthest
                .get(source)
                .is_none_or(|known| known.position < stored.position)
            {
                furthest.insert(*source, stored.clone());
            }
        }
        furthest
    }
}

impl Surroundings<'_> {
    pub fn append(&mut self, partition: u16, kind: Kind, payload: Vec<u8>) {
        self.digest.update(&partition.to_le_bytes());
        self.digest.update(kind.as_str().as_bytes());
        self.digest.update(&payload);
        let loses = &mut self.troubles.owner(partition).loses;
        if kind == Kind::Rows && *loses > 0 {
            *loses -= 1;
            return self.troubles.count(faults::Kind::BrokerLoses);
        }
        self.log.usage[usize::from(partition)].push(Entry {
            kind,
            payload,
            appended_at_ms: self.now_ms,
        });
    }

    pub fn store_position(&mut self, source: Source, stored: Stored) {
        self.digest.update(&stored.position.to_le_bytes());
        self.log.ingest.push((source, stored));
    }
}
