//! What a row is: whether it came before, and which traffic it counts (sections 4 and 5 of `docs/semantics.md`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{Outcome, QuarantineReason, RecordIdentity};
use crate::policy::{Catalogue, Class};
use crate::population::Imsi;
use crate::record::{Container, NODES, Record};
use crate::zone::{Date, MINUTE_MS, utc_day};

/// Openings before this many days are too old.
const HORIZON_DAYS: i64 = 45;
/// A row may end this much later than its delivery.
const FUTURE_TOLERANCE_MS: i64 = 5 * MINUTE_MS;

/// What names a container, whichever feed brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    node: usize,
    charging_id: u64,
    record_sequence: u32,
    opened_ms: i64,
    rating_group: u32,
    service_id: u32,
    sequence: u32,
}

impl Identity {
    /// The identity of a container.
    pub(super) fn of(record: &Record, container: &Container) -> Self {
        Identity {
            node: record.node,
            charging_id: record.charging_id,
            record_sequence: record.record_sequence,
            opened_ms: record.opened_ms,
            rating_group: container.rating_group,
            service_id: container.service_id,
            sequence: container.sequence,
        }
    }

    /// As decisions tell it.
    pub(super) fn named(&self) -> RecordIdentity {
        RecordIdentity {
            node: NODES[self.node].to_owned(),
            charging_id: self.charging_id,
            record_sequence: self.record_sequence,
            opened_at_ms: self.opened_ms,
            rating_group: self.rating_group,
            service_id: self.service_id,
            container_sequence: self.sequence,
        }
    }
}

/// What must be the same when a container comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    imsi: Imsi,
    uplink_bytes: u64,
    downlink_bytes: u64,
    first_ms: i64,
    last_ms: i64,
}

/// What was seen, and the catalogues.
#[derive(Debug, Default)]
pub(super) struct Rows {
    seen: HashMap<Identity, Content, Quick>,
    catalogues: Vec<Catalogue>,
}

impl Rows {
    /// A new version.
    pub(super) fn catalogue(&mut self, catalogue: Catalogue) {
        self.catalogues.push(catalogue);
    }

    /// The outcome of a row that counts nowhere; none for all others, which are seen from now on. `times`: its delivery,
    /// and the clock.
    pub(super) fn refuse(
        &mut self,
        identity: &Identity,
        imsi: Imsi,
        container: &Container,
        times: (i64, i64),
    ) -> Option<Outcome> {
        let content = Content {
            imsi,
            uplink_bytes: container.uplink_bytes,
            downlink_bytes: container.downlink_bytes,
            first_ms: container.first_ms,
            last_ms: container.last_ms,
        };
        match self.seen.get(identity) {
            Some(before) if *before == content => return Some(Outcome::Duplicate),
            Some(_) => return Some(Outcome::Quarantined(QuarantineReason::Conflict)),
            None => {}
        }
        if utc_day(identity.opened_ms) < utc_day(times.1) - HORIZON_DAYS {
            return Some(Outcome::Quarantined(QuarantineReason::TooOld));
        }
        if container.last_ms > times.0 + FUTURE_TOLERANCE_MS {
            return Some(Outcome::Quarantined(QuarantineReason::Future));
        }
        self.seen.insert(*identity, content);
        None
    }

    /// Class and service: the newest version with a rule that holds; in it a service id beats none, then the later date.
    pub(super) fn classify(&self, container: &Container, usage_day: Date) -> (Class, &'static str) {
        for catalogue in self.catalogues.iter().rev() {
            let matching = catalogue.rules.iter().filter(|rule| {
                rule.rating_group == container.rating_group
                    && rule.service_id.is_none_or(|id| id == container.service_id)
                    && usage_day >= rule.valid_from
            });
            let best = matching.max_by_key(|rule| (rule.service_id.is_some(), rule.valid_from));
            if let Some(rule) = best {
                return (rule.class, rule.service);
            }
        }
        (Class::Unknown, "")
    }
}

/// For tables that are asked for every row.
pub(super) type Quick = BuildHasherDefault<Mix>;

/// A quick hash of numbers: they are the generator's own, nobody aims at it.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}
