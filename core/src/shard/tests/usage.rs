//! Rows of stories.

use super::story::*;
use crate::sim::NodeId;
use crate::usage::UsageRow;

/// A row to be: each call of a setter says what is special about it.
#[derive(Clone, Copy)]
pub struct Usage {
    pub sim: u8,
    pub group: u32,
    pub end: i64,
    pub minutes: i64,
    pub opened: Option<i64>,
    pub delivered: Option<i64>,
    pub up: u64,
    pub down: u64,
    pub charging_id: Option<u64>,
    pub offset: Option<u64>,
    pub service: u32,
    /// A number, and the type allocation code; 0: no device is told.
    pub device: (u8, u32),
    /// The code of what the byte counts are.
    pub counter: u8,
    /// Record sequence, container sequence.
    pub order: (u32, u32),
}

/// Usage of an education service that ended at a local time, delivered ten minutes later.
pub fn usage(sim: u8, end: &str, down: u64) -> Usage {
    Usage {
        sim,
        group: EDU,
        end: at(end),
        minutes: 5,
        opened: None,
        delivered: None,
        up: 0,
        down,
        charging_id: None,
        offset: None,
        service: 0,
        device: (0, 0),
        counter: 0,
        order: (0, 1),
    }
}

impl Usage {
    pub fn group(self, group: u32) -> Usage {
        Usage { group, ..self }
    }

    pub fn delivered(self, text: &str) -> Usage {
        Usage {
            delivered: Some(at(text)),
            ..self
        }
    }

    pub fn opened(self, text: &str) -> Usage {
        Usage {
            opened: Some(at(text)),
            ..self
        }
    }

    /// The record's own name; without one, the offset serves.
    pub fn charging_id(self, charging_id: u64) -> Usage {
        Usage {
            charging_id: Some(charging_id),
            ..self
        }
    }

    /// Where the row stands in its source; without one, behind the last.
    pub fn offset(self, offset: u64) -> Usage {
        Usage {
            offset: Some(offset),
            ..self
        }
    }

    /// The record names a device, and its type allocation code.
    pub fn device(self, number: u8, tac: u32) -> Usage {
        Usage {
            device: (number, tac),
            ..self
        }
    }

    /// The record says what its counts are: 1 delta, 2 and 3 cumulative of 32 and 64 bits.
    pub fn counter(self, counter: u8) -> Usage {
        Usage { counter, ..self }
    }

    /// Record sequence and container sequence.
    pub fn order(self, record: u32, container: u32) -> Usage {
        Usage {
            order: (record, container),
            ..self
        }
    }

    pub fn row(self, next_offset: u64) -> UsageRow {
        let source = source();
        let offset = self.offset.unwrap_or(next_offset);
        let started = self.end - self.minutes * 60_000;
        UsageRow {
            kind: 0,
            sim: sim(self.sim).0,
            feed: source.feed.bytes(),
            epoch: source.epoch.into(),
            source_offset: offset.into(),
            delivered_at_ms: self.delivered.unwrap_or(self.end + 600_000).into(),
            node: NodeId::parse("pgw-1").unwrap().bytes(),
            charging_id: self.charging_id.unwrap_or(offset).into(),
            opened_at_ms: self.opened.unwrap_or(started).into(),
            rating_group: self.group.into(),
            service_id: self.service.into(),
            record_sequence: self.order.0.into(),
            container_sequence: self.order.1.into(),
            device: [self.device.0; 16],
            device_tac: self.device.1.into(),
            counter: self.counter,
            started_at_ms: started.into(),
            ended_at_ms: self.end.into(),
            uplink_bytes: self.up.into(),
            downlink_bytes: self.down.into(),
            ..zerocopy::FromZeros::new_zeroed()
        }
    }
}
