//! From SIMs to their numbers: open addressing over slots of eight bytes, without the keys, which the SIMs themselves
//! hold.
//!
//! A slot has the upper half of the SIM's hash, so that a look almost never reads a SIM that is another one, and growing
//! reads none. The slot where a hash begins follows from that half; nothing is ever taken out.

use crate::sim::SimId;

/// Where SIMs stand by their hash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// The hash's upper half, then the number; [`EMPTY`] where nothing stands.
    slots: Vec<u64>,
    len: usize,
}

/// No number: a list holds fewer than 2³¹ SIMs.
const EMPTY: u64 = u64::MAX;

/// An odd number whose bits are well mixed.
const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

/// The upper half of the hash of a SIM. Pseudonyms are a cipher's output; but those of a partition begin alike.
pub(crate) fn hash_of(sim: &SimId) -> u32 {
    let words = u128::from_le_bytes(sim.0);
    let (low, high) = (words as u64, (words >> 64) as u64);
    let mixed = (low ^ high.rotate_left(29)).wrapping_mul(FACTOR);
    (mixed >> 32) as u32
}

impl Numbers {
    /// The number with this hash of which `is_it` says that it is the one.
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let slot = *self.slots.get(at)?;
            if slot == EMPTY {
                return None;
            }
            let (known, number) = split(slot);
            if known == hash && is_it(number) {
                return Some(number);
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
    }

    /// Adds a number that does not stand there.
    pub(crate) fn insert(&mut self, hash: u32, number: u32) {
        // Two of three slots are taken at the most, so that a look ends soon.
        if self.len * 3 >= self.slots.len() * 2 {
            self.grow();
        }
        self.enter(u64::from(hash) << 32 | u64::from(number));
        self.len += 1;
    }

    fn enter(&mut self, slot: u64) {
        let mut at = self.home(split(slot).0);
        while self.slots[at] != EMPTY {
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        let room = self.slots.len() + (self.slots.len() / 4).max(8);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; room]);
        for slot in old.into_iter().filter(|slot| *slot != EMPTY) {
            self.enter(slot);
        }
    }

    /// The slot where a hash begins.
    pub(crate) fn slot(&self, hash: u32) -> Option<&u64> {
        self.slots.get(self.home(hash))
    }

    fn home(&self, hash: u32) -> usize {
        // Below the number of slots, of which there are fewer than 2³².
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }
}

fn split(slot: u64) -> (u32, u32) {
    ((slot >> 32) as u32, (slot & u64::from(u32::MAX)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sim(number: u32) -> SimId {
        let mut id = [0; 16];
        id[3..7].copy_from_slice(&number.to_le_bytes());
        SimId(id)
    }

    #[test]
    fn every_sim_is_found_and_no_other() {
        let mut numbers = Numbers::default();
        let find = |numbers: &Numbers, wanted: u32| {
            numbers.find(hash_of(&sim(wanted)), |number| number == wanted)
        };
        assert_eq!(find(&numbers, 0), None);
        for number in 0..5_000 {
            numbers.insert(hash_of(&sim(number)), number);
            assert_eq!(find(&numbers, number / 2), Some(number / 2));
            assert_eq!(find(&numbers, number + 1), None);
        }
    }
}
