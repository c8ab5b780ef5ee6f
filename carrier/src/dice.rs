//! Chance, seeded: the same seed and the same question give the same answer, whatever was asked before.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What chance is asked about; each purpose has a stream of its own, so that a new one changes no other.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Population = 1,
    Month = 2,
    Day = 3,
    Record = 4,
    Drop = 5,
    Incident = 6,
    BlockDelay = 7,
    Loss = 8,
}

/// A stream of chance.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for a purpose and two numbers that say which one (a SIM and a day, say).
    pub fn new(seed: u64, purpose: Purpose, which: u64, of: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&which.to_le_bytes());
        key[24..].copy_from_slice(&of.to_le_bytes());
        Dice(ChaCha8Rng::from_seed(key))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number between two.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from 0 up to, not including, `limit` (0, where the limit is 0).
    pub fn below(&mut self, limit: u64) -> u64 {
        // The product of two 64-bit numbers fits in 128 bits, and its upper half is below `limit`.
        ((u128::from(self.number()) * u128::from(limit)) >> 64) as u64
    }

    /// A span of time (or any signed number) from 0 up to, not including, `limit`; 0, where the limit is not positive.
    pub fn span(&mut self, limit: i64) -> i64 {
        // Below a positive limit, so it fits.
        self.below(limit.max(0).unsigned_abs()).cast_signed()
    }

    /// An index into a list of that length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// True with that probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A standard normal deviate.
    pub fn normal(&mut self) -> f64 {
        quantile((self.number() >> 12) as f64 / (1_u64 << 52) as f64)
    }

    /// The index of one of several weights, drawn in proportion to them.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// Puts a list into any order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.index(last + 1));
        }
    }
}

/// The whole part of a number; 0 for a negative one.
#[expect(
    clippy::cast_sign_loss,
    reason = "a float's cast saturates: below zero is zero"
)]
pub fn whole(number: f64) -> u64 {
    number as u64
}

/// The standard normal quantile (Acklam's rational approximation, relative error below 1.2e-9).
pub fn quantile(probability: f64) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    if p < 0.024_25 {
        let q = (-2.0 * p.ln()).sqrt();
        return (((((-7.784_894_002_430_293e-3 * q - 0.322_396_458_041_136_5) * q
            - 2.400_758_277_161_838)
            * q
            - 2.549_732_539_343_734)
            * q
            + 4.374_664_141_464_968)
            * q
            + 2.938_163_982_698_783)
            / ((((7.784_695_709_041_462e-3 * q + 0.322_467_129_070_039_8) * q
                + 2.445_134_137_142_996)
                * q
                + 3.754_408_661_907_416)
                * q
                + 1.0);
    }
    let q = p - 0.5;
    let r = q * q;
    (((((-39.696_830_286_653_76 * r + 220.946_098_424_520_5) * r - 275.928_510_446_968_7) * r
        + 138.357_751_867_269)
        * r
        - 30.664_798_066_147_16)
        * r
        + 2.506_628_277_459_239)
        * q
        / (((((-54.476_098_798_224_06 * r + 161.585_836_858_040_9) * r - 155.698_979_859_886_6)
            * r
            + 66.801_311_887_719_72)
            * r
            - 13.280_681_552_885_72)
            * r
            + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer() {
        let first = |seed, of| Dice::new(seed, Purpose::Day, 7, of).number();
        assert_eq!(first(212, 3), first(212, 3));
        assert_ne!(first(212, 3), first(212, 4));
        assert_ne!(first(212, 3), first(213, 3));
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_964),
            (0.01, -2.326_348),
            (0.841_344_746, 1.0),
        ] {
            assert!((quantile(p) - z).abs() < 1e-5, "{p}");
        }
    }

    #[test]
    fn whole_numbers_stay_below_their_limit() {
        let mut dice = Dice::new(1, Purpose::Drop, 0, 0);
        let mut seen = [false; 6];
        for _ in 0..200 {
            seen[dice.index(6)] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(dice.below(0), 0);
    }
}
