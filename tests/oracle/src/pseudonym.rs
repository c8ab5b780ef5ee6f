//! Pseudonyms of SIMs and devices, and the partition of a SIM (A4).

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use crate::names::Pseudonym;

/// The cipher that makes pseudonyms.
pub(crate) struct Pseudonyms {
    cipher: Aes128,
}

impl Pseudonyms {
    pub(crate) fn new(key: &[u8; 16]) -> Pseudonyms {
        Pseudonyms {
            cipher: Aes128::new(key.into()),
        }
    }

    /// The pseudonym of an IMSI: 6 to 15 digits.
    pub(crate) fn of_imsi(&self, imsi: &str) -> Pseudonym {
        self.of(1, imsi.as_bytes())
    }

    /// The pseudonym of a device, and its type code: of an IMEI only the first 14 digits are used.
    pub(crate) fn of_imei(&self, imei: &str) -> (Pseudonym, u32) {
        let digits = &imei.as_bytes()[..14.min(imei.len())];
        let tac = digits
            .iter()
            .take(8)
            .fold(0, |tac, digit| tac * 10 + u32::from(digit - b'0'));
        (self.of(2, digits), tac)
    }

    fn of(&self, tag: u8, digits: &[u8]) -> Pseudonym {
        let mut block = [0_u8; 16];
        block[0] = tag;
        block[1] = u8::try_from(digits.len()).unwrap_or(u8::MAX);
        for (place, digit) in digits.iter().enumerate() {
            let shift = if place % 2 == 0 { 4 } else { 0 };
            block[2 + place / 2] |= (digit - b'0') << shift;
        }
        let mut block = block.into();
        self.cipher.encrypt_block(&mut block);
        Pseudonym(block.into())
    }
}

/// The partition of a SIM, of `partitions`, a power of two: the top bits of its pseudonym.
pub(crate) fn partition(sim: Pseudonym, partitions: u16) -> u16 {
    let top = u16::from_be_bytes([sim.0[0], sim.0[1]]);
    let bits = partitions.trailing_zeros();
    top.checked_shr(16 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imei_is_cut_to_its_first_14_digits() {
        let pseudonyms = Pseudonyms::new(&[7; 16]);
        let (device, tac) = pseudonyms.of_imei("3520991200041207");
        assert_eq!(tac, 35_209_912);
        assert_eq!(device, pseudonyms.of_imei("352099120004129").0);
        assert_ne!(device, pseudonyms.of_imsi("35209912000412"));
        assert_ne!(pseudonyms.of_imsi("001012"), pseudonyms.of_imsi("0010120"));
    }

    #[test]
    fn a_block_is_a_tag_a_length_and_digits() {
        // FIPS 197's vector: this plaintext cannot be a pseudonym's block, but shows the cipher's byte order.
        let key: [u8; 16] = core::array::from_fn(|place| u8::try_from(place).unwrap());
        let mut block: [u8; 16] = core::array::from_fn(|place| u8::try_from(place * 17).unwrap());
        let mut array = block.into();
        Pseudonyms::new(&key).cipher.encrypt_block(&mut array);
        block = array.into();
        assert_eq!(hex::encode(block), "69c4e0d86a7b0430d8cdb78070b4c55a");
    }

    #[test]
    fn the_top_bits_name_the_partition() {
        let mut sim = Pseudonym([0; 16]);
        sim.0[0] = 0b1010_0000;
        assert_eq!(partition(sim, 1), 0);
        assert_eq!(partition(sim, 2), 1);
        assert_eq!(partition(sim, 8), 5);
        assert_eq!(partition(sim, 256), 0b1010_0000);
    }
}
