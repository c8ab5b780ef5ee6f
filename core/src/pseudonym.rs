//! IMSI and IMEI to pseudonyms and back: one AES-128 block, keyed, uniform, reversible only with the key.
//!
//! The block is: one byte of type (1 IMSI, 2 IMEI), one byte with the number of digits, the digits in BCD (two to a
//! byte, high half first), zeros. So an IMSI and an IMEI never collide, and nor do texts of different length.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use crate::sim::{DeviceId, Digits, IdentifierError, Imei, Imsi, SimId};

const TYPE_IMSI: u8 = 1;
const TYPE_IMEI: u8 = 2;

/// Makes pseudonyms, and reads them back. Held by ingest, the writer of decisions and the import, by nobody else.
#[derive(Clone)]
pub struct Pseudonymizer {
    cipher: Aes128,
}

impl Pseudonymizer {
    /// With a key of 16 bytes that lives outside the data.
    pub fn new(key: [u8; 16]) -> Pseudonymizer {
        Pseudonymizer {
            cipher: Aes128::new(&key.into()),
        }
    }

    /// The pseudonym of an IMSI.
    pub fn sim(&self, imsi: &Imsi) -> SimId {
        SimId(self.encrypt(TYPE_IMSI, imsi.digits()))
    }

    /// The pseudonym of a device.
    pub fn device(&self, imei: &Imei) -> DeviceId {
        DeviceId(self.encrypt(TYPE_IMEI, imei.digits()))
    }

    /// The IMSI behind a pseudonym, for orders to the carrier.
    ///
    /// # Errors
    /// The pseudonym was made with another key, or is not an IMSI's.
    pub fn imsi(&self, sim: &SimId) -> Result<Imsi, IdentifierError> {
        let mut block = sim.0.into();
        self.cipher.decrypt_block(&mut block);
        let block: [u8; 16] = block.into();
        let [kind, count, bcd @ ..] = &block;
        let digits = bcd.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        if *kind != TYPE_IMSI || !(6..=15).contains(count) || digits.clone().any(|d| d > 9) {
            return Err(IdentifierError::Pseudonym);
        }
        let mut kept = [0; 15];
        for (place, digit) in digits.enumerate() {
            match kept.get_mut(place) {
                Some(slot) if place < usize::from(*count) => *slot = digit,
                _ if digit == 0 => {}
                _ => return Err(IdentifierError::Pseudonym),
            }
        }
        Ok(Imsi::from_digits(Digits {
            count: *count,
            digits: kept,
        }))
    }

    fn encrypt(&self, kind: u8, digits: &Digits) -> [u8; 16] {
        let mut block = [0; 16];
        block[0] = kind;
        block[1] = digits.count;
        for (place, digit) in digits.digits.iter().enumerate() {
            // 15 digits fill bytes 2 to 9.
            block[2 + place / 2] |= if place % 2 == 0 { digit << 4 } else { *digit };
        }
        let mut block = block.into();
        self.cipher.encrypt_block(&mut block);
        block.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_alone_reads_a_pseudonym_back() {
        let ours = Pseudonymizer::new([7; 16]);
        for text in ["001010000000001", "001010", "00101000000000"] {
            let imsi = Imsi::parse(text).unwrap();
            let sim = ours.sim(&imsi);
            assert_eq!(ours.imsi(&sim).unwrap().reveal(), text);
            assert_eq!(
                Pseudonymizer::new([8; 16]).imsi(&sim),
                Err(IdentifierError::Pseudonym)
            );
        }
    }

    #[test]
    fn an_imsi_and_an_imei_of_the_same_digits_differ() {
        let key = Pseudonymizer::new([7; 16]);
        let sim = key.sim(&Imsi::parse("00101000000000").unwrap());
        let device = key.device(&Imei::parse("00101000000000").unwrap());
        assert_ne!(sim.0, device.0);
        assert_eq!(key.imsi(&SimId(device.0)), Err(IdentifierError::Pseudonym));
    }

    #[test]
    fn a_shorter_imsi_with_zeros_behind_it_is_another_sim() {
        let key = Pseudonymizer::new([7; 16]);
        let short = key.sim(&Imsi::parse("001010").unwrap());
        let long = key.sim(&Imsi::parse("0010100").unwrap());
        assert_ne!(short, long);
    }

    #[test]
    fn a_block_that_no_imsi_makes_is_refused() {
        let key = Pseudonymizer::new([7; 16]);
        let digits = |count, digit| Digits {
            count,
            digits: [digit; 15],
        };
        let read = |digits| key.imsi(&SimId(key.encrypt(TYPE_IMSI, &digits)));
        assert!(read(digits(15, 9)).is_ok());
        for (count, digit) in [(5, 0), (16, 0), (15, 10), (14, 1)] {
            let refused = read(digits(count, digit)).map(|imsi| imsi.reveal());
            assert_eq!(refused, Err(IdentifierError::Pseudonym), "{count} {digit}");
        }
    }
}
