//! The feed: planned usage, stopped where a block stops it, made dirty, and delivered in drops of 15 minutes.

mod blocks;
mod delay;
mod drops;
mod entering;
mod faults;
mod gateway;
mod incidents;
mod sending;

pub use drops::{Feed, FeedMessage};

use std::sync::Arc;

use crate::record::Record;
use crate::truth::RejectReason;
use crate::zone::{MINUTE_MS, Zone};

/// Messages are delivered at multiples of this.
pub const DROP_MS: i64 = 15 * MINUTE_MS;

/// A message before it is written: several deliveries may share one.
#[derive(Clone, Debug)]
enum Letter {
    Record(Arc<Record>),
    /// It cannot be decoded, for that reason.
    Broken(RejectReason, Arc<[u8]>),
    Quiet {
        until_ms: i64,
    },
}

impl Letter {
    fn payload(&self, zone: &Zone) -> Vec<u8> {
        match self {
            Letter::Record(record) => record.json(zone),
            Letter::Broken(_, bytes) => bytes.to_vec(),
            Letter::Quiet { until_ms } => {
                let mut payload = b"{\"quiet_until\":".to_vec();
                crate::record::time(&mut payload, *until_ms, false, zone);
                payload.push(b'}');
                payload
            }
        }
    }
}
