//! Secrets live in files that only their owner can read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::LinkError;

/// Reads a secret, without the white space around it.
///
/// # Errors
/// The file is absent, can be read by group or others, or is empty.
pub fn read(what: &'static str, path: &Path) -> Result<String, LinkError> {
    let unreadable = |why: std::io::Error| LinkError::Unreadable {
        what,
        path: path.into(),
        why: why.to_string(),
    };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(LinkError::Permissions {
            what,
            path: path.into(),
            mode,
        });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    match text.trim() {
        "" => Err(LinkError::Malformed {
            what,
            path: path.into(),
            why: "it is empty",
        }),
        secret => Ok(secret.to_owned()),
    }
}

/// Writes a secret into a new file that only its owner can read.
///
/// # Errors
/// The file exists already, or cannot be written.
pub fn create(what: &'static str, path: &Path, secret: &str) -> Result<(), LinkError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        writeln!(file, "{secret}")?;
        file.sync_all()
    };
    write().map_err(|why| LinkError::Unreadable {
        what,
        path: path.into(),
        why: why.to_string(),
    })
}
