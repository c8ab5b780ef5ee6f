//! What was planted, as it really came out: parts that a few SIMs played, the shapes of traffic, the nodes' numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::place_hours::{GrowingPlaceHours, PlaceHours};
use super::{AlertChange, AlertKind};
use crate::policy::Class;
use crate::population::{Device, DeviceKind, Imsi};
use crate::record::{NODES, RATS, Record};
use crate::zone::Date;

/// Numbers of SIMs that played a part, over the whole feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Seen in another tablet of the same type; in a phone; in a router.
    pub moved_repairs: u64,
    pub moved_phones: u64,
    pub moved_routers: u64,
    /// With more than 2 GB in a day, at least 80 % of it not for learning, as the alerts say.
    pub hotspots: u64,
    pub roaming: u64,
    pub replaced: u64,
    /// With bytes behind a block.
    pub leaking: u64,
}

/// Records that a node wrote, by its own numbers, as far as they were delivered and could be decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeNumbers {
    pub node: String,
    pub first: u64,
    pub last: u64,
    /// Numbers between them that never came.
    pub missing: u64,
    /// Records whose number had come before.
    pub repeated: u64,
}

/// What is seen on the way.
#[derive(Debug, Default)]
pub(super) struct Seen {
    place_hours: GrowingPlaceHours,
    repaired: BTreeSet<Imsi>,
    in_kind: BTreeMap<Imsi, DeviceKind>,
    roaming: BTreeSet<Imsi>,
    leaking: BTreeSet<Imsi>,
    /// By place.
    radio: BTreeMap<usize, [u64; 3]>,
    numbers: [Numbers; 3],
}

/// A node's numbers: those that came, as bits.
#[derive(Debug, Default)]
struct Numbers {
    bits: Vec<u64>,
    repeated: u64,
}

/// Records by radio access (4G, 3G, 2G) of each province.
pub type Radio = BTreeMap<String, [u64; 3]>;

impl Seen {
    /// A record that could be decoded.
    pub(super) fn record(&mut self, record: &Record) {
        let numbers = &mut self.numbers[record.node];
        let word = usize::try_from(record.node_sequence / 64).unwrap_or_default();
        if numbers.bits.len() <= word {
            numbers.bits.resize(word + 1, 0);
        }
        let bit = 1 << (record.node_sequence % 64);
        numbers.repeated += u64::from(numbers.bits[word] & bit != 0);
        numbers.bits[word] |= bit;
        if record.serving_plmn == Some(crate::record::FOREIGN_PLMN) {
            self.roaming.insert(record.imsi);
        }
    }

    /// Bytes of a row of an enrolled SIM.
    pub(super) fn used(&mut self, place: usize, cell: (Date, u8, Class), bytes: (u64, u64)) {
        self.place_hours.add(place, cell, bytes);
    }

    /// Where such a row was used: by which radio access, in which device.
    pub(super) fn in_device(&mut self, record: &Record, place: usize, own: Option<Device>) {
        if let Some(rat) = RATS.iter().position(|rat| *rat == record.rat) {
            self.radio.entry(place).or_default()[rat] += 1;
        }
        let (Some((device, _)), Some(own)) = (record.device, own) else {
            return;
        };
        if device != own && device.tac() == own.tac() {
            self.repaired.insert(record.imsi);
        } else if device != own {
            self.in_kind.insert(record.imsi, device.kind);
        }
    }

    /// A SIM has used something behind a block.
    pub(super) fn leaking(&mut self, imsi: Imsi) {
        self.leaking.insert(imsi);
    }

    /// What came out.
    pub(super) fn finish(
        self,
        places: Vec<(String, String)>,
        alerts: &[AlertChange],
        replaced: u64,
    ) -> (Parts, Radio, PlaceHours, Vec<NodeNumbers>) {
        let alerted = |kind| {
            let of = alerts.iter().filter(move |alert| alert.kind == kind);
            of.map(|alert| alert.imsi).collect::<BTreeSet<Imsi>>()
        };
        let moved = alerted(AlertKind::SimMoved);
        let moved_to = |kind| {
            let into = |imsi: &&Imsi| self.in_kind.get(*imsi) == Some(&kind);
            moved.iter().filter(into).count() as u64
        };
        let parts = Parts {
            moved_repairs: self.repaired.len() as u64,
            moved_phones: moved_to(DeviceKind::Phone),
            moved_routers: moved_to(DeviceKind::Router),
            hotspots: alerted(AlertKind::PossibleSharing).len() as u64,
            roaming: self.roaming.len() as u64,
            replaced,
            leaking: self.leaking.len() as u64,
        };
        let nodes = NODES.iter().zip(&self.numbers);
        let nodes = nodes.map(|(node, numbers)| numbers.told(node)).collect();
        let mut radio = Radio::new();
        for (place, counts) in &self.radio {
            let sums = radio.entry(places[*place].0.clone()).or_default();
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        (parts, radio, self.place_hours.finish(places), nodes)
    }
}

impl Numbers {
    fn told(&self, node: &str) -> NodeNumbers {
        let came: u64 = self
            .bits
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum();
        let first = self
            .bits
            .iter()
            .position(|word| *word != 0)
            .unwrap_or_default();
        let first = match self.bits.get(first) {
            Some(word) => first as u64 * 64 + u64::from(word.trailing_zeros()),
            None => 0,
        };
        let last = match self.bits.last() {
            // The list ends with the word of the largest number.
            Some(word) => self.bits.len() as u64 * 64 - 1 - u64::from(word.leading_zeros()),
            None => 0,
        };
        NodeNumbers {
            node: node.to_owned(),
            first,
            last,
            missing: if came == 0 {
                0
            } else {
                last - first + 1 - came
            },
            repeated: self.repeated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn gaps_and_repeats_are_counted() {
        let mut seen = Seen::default();
        for number in [70, 71, 75, 71, 200] {
            let mut record = record(0);
            record.node_sequence = number;
            seen.record(&record);
        }
        let told = seen.numbers[0].told("pgw-1");
        assert_eq!((told.first, told.last), (70, 200));
        assert_eq!((told.missing, told.repeated), (131 - 4, 1));
    }
}
