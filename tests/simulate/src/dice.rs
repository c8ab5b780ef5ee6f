//! Dice: numbers from a seed, the same on every machine.

/// A stream of numbers that its seed fixes (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(mix(seed ^ 0x5151_6d75_6c61_7465))
    }

    /// A stream of its own for a purpose: what one purpose draws does not move the others.
    pub fn of(seed: u64, purpose: &str) -> Dice {
        Dice(mix(
            mix(seed) ^ xxhash_rust::xxh3::xxh3_64(purpose.as_bytes())
        ))
    }

    /// A stream of its own for an actor at a step: taking a fault away leaves the draws of other steps as they were.
    pub fn at(seed: u64, step: u32, actor: u64) -> Dice {
        Dice(mix(mix(seed ^ u64::from(step)) ^ mix(actor)))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A place in a list of `len`, which is not 0.
    pub fn place(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number of `from..=to`.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        let width = to.saturating_sub(from).max(0).unsigned_abs();
        from.saturating_add_unsigned(self.below(width + 1))
    }

    /// A count of `from..=to`.
    pub fn count(&mut self, from: usize, to: usize) -> usize {
        from + self.place(to.saturating_sub(from) + 1)
    }

    /// True in so many of a thousand cases.
    pub fn permille(&mut self, of_thousand: u64) -> bool {
        self.below(1_000) < of_thousand
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.place(of.len())]
    }

    /// The place of a weight, each as likely as it is heavy; their sum is not 0.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut left = self.below(sum);
        for (place, weight) in weights.iter().enumerate() {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return place,
            }
        }
        unreachable!("what was drawn lies below the sum")
    }

    /// A number between two powers of two, small ones as likely as large ones.
    pub fn scaled(&mut self, least_bits: u32, most_bits: u32) -> u64 {
        let bits = self.below(u64::from(most_bits - least_bits)) + u64::from(least_bits);
        (1 << bits) + self.below(1 << bits)
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.place(place + 1));
        }
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_its_numbers_and_purposes_are_apart() {
        let draw = |mut dice: Dice| (0..4).map(|_| dice.below(1_000)).collect::<Vec<_>>();
        assert_eq!(draw(Dice::of(7, "a")), draw(Dice::of(7, "a")));
        assert_ne!(draw(Dice::of(7, "a")), draw(Dice::of(7, "b")));
        assert_ne!(draw(Dice::at(7, 1, 0)), draw(Dice::at(7, 2, 0)));
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut dice = Dice::new(1);
        for _ in 0..10_000 {
            assert!((-3..=5).contains(&dice.within(-3, 5)));
            assert!((2..=4).contains(&dice.count(2, 4)));
            assert_eq!(dice.weighted(&[0, 3, 0]), 1);
            assert!((8..64).contains(&dice.scaled(3, 6)));
        }
    }
}
