//! Who may use this ClickHouse: names, passwords, and what a reader may read.
//!
//! A users file is JSON:
//!
//! ```json
//! {"users": [
//!     {"name": "hissa", "password": "…"},
//!     {"name": "analyst", "password_sha256": "64 hex digits", "readonly": true, "databases": ["pub"]}
//! ]}
//! ```
//!
//! Without a file there is one user, `default`, without a password: anyone on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clickhouse::exception::Exception;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    /// The password as it is; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Or the password's SHA-256, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_sha256: Option<String>,
    /// May only read.
    #[serde(default)]
    pub readonly: bool,
    /// The databases that a reader may name, the first being his default; all where absent. `information_schema` and
    /// the tables of `system` that clients ask for are always readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub databases: Option<Vec<String>>,
}

impl User {
    /// A user who may do everything that is allowed here.
    pub fn owner(name: impl Into<String>, password: impl Into<String>) -> User {
        User {
            name: name.into(),
            password: Some(password.into()),
            password_sha256: None,
            readonly: false,
            databases: None,
        }
    }

    /// A user who may only read, and of these databases.
    pub fn reader(
        name: impl Into<String>,
        password: impl Into<String>,
        databases: &[&str],
    ) -> User {
        let databases = databases
            .iter()
            .map(|database| (*database).to_owned())
            .collect();
        User {
            readonly: true,
            databases: Some(databases),
            ..User::owner(name, password)
        }
    }

    /// The SHA-256 of the password; `None` where none is needed.
    fn digest(&self) -> Result<Option<[u8; 32]>, String> {
        match (&self.password, &self.password_sha256) {
            (Some(_), Some(_)) => {
                Err("has both `password` and `password_sha256`: give one".to_owned())
            }
            (Some(password), None) if password.is_empty() => Ok(None),
            (Some(password), None) => Ok(Some(Sha256::digest(password).into())),
            (None, Some(hex)) => digest_of_hex(hex).map(Some),
            (None, None) => {
                Err("has no `password` (\"\" for none) and no `password_sha256`".to_owned())
            }
        }
    }
}

fn digest_of_hex(hex: &str) -> Result<[u8; 32], String> {
    let wrong = || "has a `password_sha256` that is not 64 hexadecimal digits".to_owned();
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wrong());
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}

/// The users file's content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersFile {
    pub users: Vec<User>,
}

/// The users cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    #[error("reading the users from {} failed: {source}. Check that the file exists and belongs to you.", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is no users file: {source}. See the documentation of `users` for its form.", path.display())]
    Form {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the user `{name}` {what}.")]
    User { name: String, what: String },
}

/// All users.
#[derive(Debug)]
pub struct Users {
    by_name: BTreeMap<String, (Arc<User>, Option<[u8; 32]>)>,
}

impl Users {
    /// The users of `file`, or only `default` without a password.
    ///
    /// # Errors
    ///
    /// See [`UsersError`].
    pub fn load(file: Option<&Path>) -> Result<Users, UsersError> {
        let Some(path) = file else {
            return Users::of(vec![User::owner("default", "")]);
        };
        let text = fs::read(path).map_err(|source| UsersError::Read {
            path: path.to_owned(),
            source,
        })?;
        let file: UsersFile = serde_json::from_slice(&text).map_err(|source| UsersError::Form {
            path: path.to_owned(),
            source,
        })?;
        Users::of(file.users)
    }

    fn of(users: Vec<User>) -> Result<Users, UsersError> {
        let mut by_name = BTreeMap::new();
        for user in users {
            let wrong = |what: String| UsersError::User {
                name: user.name.clone(),
                what,
            };
            let digest = user.digest().map_err(wrong)?;
            let empty_list = user.databases.as_ref().is_some_and(Vec::is_empty);
            if empty_list || (user.databases.is_some() && !user.readonly) {
                return Err(wrong(
                    "has a list `databases`, which needs a name in it and `readonly`: true"
                        .to_owned(),
                ));
            }
            if by_name.contains_key(&user.name) {
                return Err(wrong("is there twice".to_owned()));
            }
            by_name.insert(user.name.clone(), (Arc::new(user), digest));
        }
        Ok(Users { by_name })
    }

    /// The user of these credentials.
    ///
    /// # Errors
    ///
    /// As ClickHouse: one exception for an unknown name and for a wrong password, another where none was given.
    pub fn authenticate(&self, name: &str, password: &str) -> Result<Arc<User>, Exception> {
        let given: [u8; 32] = Sha256::digest(password).into();
        match self.by_name.get(name) {
            Some((user, None)) => Ok(Arc::clone(user)),
            Some((user, Some(digest))) if same(&given, digest) => Ok(Arc::clone(user)),
            Some((_, Some(_))) if password.is_empty() => Err(Exception::new(
                194,
                format!("{name}: Authentication failed: password is required"),
                "REQUIRED_PASSWORD",
            )),
            _ => Err(Exception::new(
                516,
                format!(
                    "{name}: Authentication failed: password is incorrect, or there is no user with such name"
                ),
                "AUTHENTICATION_FAILED",
            )),
        }
    }
}

/// Compares without saying, by its duration, how much is the same.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter()
        .zip(other)
        .fold(0, |difference, (one, other)| difference | (one ^ other))
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(json: &str) -> Result<Users, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), json).unwrap();
        Users::load(Some(file.path())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_password_opens_the_door_and_nothing_else_does() {
        let users = users(
            r#"{"users": [{"name": "a", "password": "x"}, {"name": "open", "password": ""},
                {"name": "r", "readonly": true,
                 "password_sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}]}"#,
        )
        .unwrap();
        for (name, password, expected) in [
            ("a", "x", Ok(false)),
            ("a", "y", Err(516)),
            ("a", "", Err(194)),
            ("b", "x", Err(516)),
            ("r", "x", Ok(true)),
            ("open", "", Ok(false)),
            ("open", "anything", Ok(false)),
        ] {
            let found = users.authenticate(name, password);
            let found = found
                .map(|user| user.readonly)
                .map_err(|refused| refused.code());
            assert_eq!(found, expected, "of {name}, {password}");
        }
        assert!(
            Users::load(None)
                .unwrap()
                .authenticate("default", "")
                .is_ok()
        );
    }

    #[test]
    fn a_users_file_that_means_two_things_is_refused() {
        for (json, expected) in [
            (r#"{"users": [{"name": "a"}]}"#, "no `password`"),
            (
                r#"{"users": [{"name": "a", "password": "x", "password_sha256": "y"}]}"#,
                "give one",
            ),
            (
                r#"{"users": [{"name": "a", "password_sha256": "y"}]}"#,
                "64 hexadecimal",
            ),
            (
                r#"{"users": [{"name": "a", "password": "x", "databases": ["pub"]}]}"#,
                "`readonly`",
            ),
            (
                r#"{"users": [{"name": "a", "password": "x"}, {"name": "a", "password": "y"}]}"#,
                "twice",
            ),
            (
                r#"{"users": [{"name": "a", "password": "x", "admin": true}]}"#,
                "unknown field `admin`",
            ),
        ] {
            let found = users(json).unwrap_err();
            assert!(found.contains(expected), "of {json}: {found}");
        }
    }
}
