//! ClickHouse by `http` or `https`, the password from a file.

use std::path::PathBuf;

use clickhouse::Client;
use serde::{Deserialize, Serialize};

use crate::{LinkError, secret};

/// Where ClickHouse is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickHouseLink {
    /// `http://host:8123` or `https://host:8443`.
    pub url: String,
    #[serde(default = "default_user")]
    pub user: String,
    /// The file with the password; none for a user without one.
    pub password_file: Option<PathBuf>,
    /// The database of the facts; views for analysts are in `pub`.
    #[serde(default = "default_database")]
    pub database: String,
}

fn default_user() -> String {
    "hissa".into()
}

fn default_database() -> String {
    "hissa".into()
}

impl ClickHouseLink {
    /// A client; nothing is asked of the server yet. The database is not set on it: migrations have to create it, and
    /// SQL names it.
    ///
    /// # Errors
    /// The password's file cannot be read.
    pub fn client(&self) -> Result<Client, LinkError> {
        let client = Client::default().with_url(&self.url).with_user(&self.user);
        match &self.password_file {
            Some(path) => Ok(client.with_password(secret::read("the ClickHouse password", path)?)),
            None => Ok(client),
        }
    }

    /// Asks for the number 1.
    ///
    /// # Errors
    /// ClickHouse did not answer, or refused the user.
    pub async fn answers(&self) -> Result<(), LinkError> {
        let silent = |why: String| LinkError::ClickHouseSilent {
            url: self.url.clone(),
            why,
        };
        let asked = self.client()?;
        match asked.query("SELECT toUInt8(1)").fetch_one::<u8>().await {
            Ok(1) => Ok(()),
            Ok(other) => Err(silent(format!("asked for 1, got {other}"))),
            Err(why) => Err(silent(why.to_string())),
        }
    }
}
