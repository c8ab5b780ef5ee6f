//! The key behind the pseudonyms: 16 bytes as 32 hexadecimal digits, in a file outside the data.

use std::path::Path;

use hissa_core::pseudonym::Pseudonymizer;

use crate::{LinkError, secret};

const WHAT: &str = "the pseudonym key";

/// Loads the key.
///
/// # Errors
/// The file is absent, open to others, or does not hold 32 hexadecimal digits.
pub fn load(path: &Path) -> Result<Pseudonymizer, LinkError> {
    let text = secret::read(WHAT, path)?;
    let mut key = [0; 16];
    hex::decode_to_slice(&text, &mut key).map_err(|_| LinkError::Malformed {
        what: WHAT,
        path: path.into(),
        why: "expected 32 hexadecimal digits; make one with `openssl rand -hex 16`",
    })?;
    Ok(Pseudonymizer::new(key))
}

/// Writes a key into a new file that only its owner can read.
///
/// # Errors
/// The file exists already, or cannot be written: a key is never overwritten, for without it nothing can be read back.
pub fn create(path: &Path, key: [u8; 16]) -> Result<(), LinkError> {
    secret::create(WHAT, path, &hex::encode(key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_read_back_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, [7; 16]).unwrap();
        let imsi = hissa_core::sim::Imsi::parse("001010000000001").unwrap();
        assert_eq!(
            load(&path).unwrap().sim(&imsi),
            Pseudonymizer::new([7; 16]).sim(&imsi)
        );
        assert!(create(&path, [8; 16]).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, [7; 16]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let message = load(&path).err().unwrap().to_string();
        assert!(
            message.contains("mode 640") && message.contains("chmod 600"),
            "{message}"
        );
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        secret::create(WHAT, &path, "0011").unwrap();
        assert!(
            load(&path)
                .err()
                .unwrap()
                .to_string()
                .contains("32 hexadecimal digits")
        );
    }
}
