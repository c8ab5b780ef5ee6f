//! The two ClickHouse accounts of a stack: the owner, by which Hissa writes, and an analyst who may only read.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::StackError;

/// The account that owns the tables.
pub const OWNER: &str = "hissa";
/// The account that may only read.
pub const ANALYST: &str = "analyst";

/// The one database that this account may read.
pub const READABLE: &str = "pub";

/// A name and a password, and the file that holds the password alone, for configurations that name a file.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name.
    pub user: String,
    /// The password: 32 hexadecimal digits.
    pub password: String,
    /// A file with the password, readable by its owner only.
    pub password_file: PathBuf,
}

/// Reads the account's password from its file in `folder`; on first use it is made up and written there.
pub(crate) fn account(folder: &Path, user: &str) -> Result<Account, StackError> {
    let password_file = folder.join(format!("clickhouse-{user}.password"));
    let password = match fs::read_to_string(&password_file) {
        Ok(password) => password.trim().to_owned(),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => make_up(&password_file)?,
        Err(source) => return Err(StackError::file("reading", &password_file)(source)),
    };
    Ok(Account {
        user: user.to_owned(),
        password,
        password_file,
    })
}

fn make_up(path: &Path) -> Result<String, StackError> {
    let random = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    File::open(random)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(StackError::file("reading", random))?;
    let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();

    // Written aside and renamed, so that a kill in between leaves no empty password behind.
    let aside = path.with_extension("new");
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| writeln!(file, "{password}"))
        .and_then(|()| fs::rename(&aside, path))
        .map_err(StackError::file("writing", path))?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_password_is_made_once_kept_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let first = account(folder.path(), OWNER).unwrap();
        assert_eq!(first.password.len(), 32);
        assert_eq!(
            account(folder.path(), OWNER).unwrap().password,
            first.password
        );
        assert_ne!(
            account(folder.path(), ANALYST).unwrap().password,
            first.password
        );
        let mode = fs::metadata(&first.password_file)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
