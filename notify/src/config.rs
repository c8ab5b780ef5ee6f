//! What the service is told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hissa_links::kafka::KafkaLink;
use serde::{Deserialize, Serialize};

/// The configuration of the service; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The cluster with `hissa.alerts` and `hissa.directory`.
    pub kafka: KafkaLink,
    /// Where `/metrics`, `/livez` and `/readyz` are served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The consumer group; its committed offsets are what was delivered.
    #[serde(default = "default_group")]
    pub group: String,
    pub webhook: WebhookConfig,
    /// Where a message leads its reader: a URL in which `{alert}` stands for the alert's opaque id.
    pub link: String,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// `https://…`, or `http://…` on a network that one trusts. It is never logged: its path may be a secret.
    pub url: String,
    /// The file with the secret that both sides know: `whsec_` and 24 to 64 bytes in base64.
    pub secret_file: PathBuf,
    /// How long one try may take.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// The wait after a first failed try; it doubles from try to try.
    #[serde(default = "default_retry_first_ms")]
    pub retry_first_ms: u64,
    /// The longest wait between two tries.
    #[serde(default = "default_retry_most_ms")]
    pub retry_most_ms: u64,
    /// Messages under way at once; those of one alert never are.
    #[serde(default = "default_concurrency_max")]
    pub concurrency_max: usize,
}

fn default_group() -> String {
    "hissa-notify".into()
}

fn default_timeout_ms() -> u64 {
    10_000
}

fn default_retry_first_ms() -> u64 {
    500
}

fn default_retry_most_ms() -> u64 {
    30_000
}

fn default_concurrency_max() -> usize {
    8
}

impl WebhookConfig {
    /// A webhook with the defaults.
    pub fn to(url: impl Into<String>, secret_file: impl Into<PathBuf>) -> WebhookConfig {
        WebhookConfig {
            url: url.into(),
            secret_file: secret_file.into(),
            timeout_ms: default_timeout_ms(),
            retry_first_ms: default_retry_first_ms(),
            retry_most_ms: default_retry_most_ms(),
            concurrency_max: default_concurrency_max(),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "`link` does not contain `{{alert}}`: every message would lead to the same place; write for example \"https://hissa.example/alertes/{{alert}}\""
    )]
    Link,
    #[error(
        "`webhook.url` is not usable: it has to begin with https:// or http:// and name a host"
    )]
    Url,
    #[error("`webhook.{0}` is 0: set it to 1 or more, or leave it out")]
    Zero(&'static str),
    #[error(
        "`webhook.retry_most_ms` is less than `webhook.retry_first_ms`: waits grow from the first to the most"
    )]
    Waits,
}

impl Config {
    /// Finds everything that is wrong, before any port is opened.
    pub fn faults(&self) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        if !self.link.contains("{alert}") {
            faults.push(ConfigError::Link);
        }
        let usable = reqwest::Url::parse(&self.webhook.url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !usable {
            faults.push(ConfigError::Url);
        }
        let positive = [
            ("timeout_ms", self.webhook.timeout_ms),
            ("retry_first_ms", self.webhook.retry_first_ms),
            ("concurrency_max", self.webhook.concurrency_max as u64),
        ];
        for (name, value) in positive {
            if value == 0 {
                faults.push(ConfigError::Zero(name));
            }
        }
        if self.webhook.retry_most_ms < self.webhook.retry_first_ms {
            faults.push(ConfigError::Waits);
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            kafka: KafkaLink::to("127.0.0.1:9092"),
            listen: ([127, 0, 0, 1], 0).into(),
            group: default_group(),
            webhook: WebhookConfig::to("http://127.0.0.1:8090/alerts", "secret"),
            link: "https://hissa.example/alertes/{alert}".into(),
        }
    }

    #[test]
    fn a_short_file_is_enough() {
        let text = r#"
            listen = "127.0.0.1:0"
            link = "https://hissa.example/alertes/{alert}"
            [kafka]
            "bootstrap.servers" = "127.0.0.1:9092"
            [webhook]
            url = "http://127.0.0.1:8090/alerts"
            secret_file = "secret"
        "#;
        assert_eq!(toml::from_str::<Config>(text).unwrap(), config());
        assert_eq!(config().faults(), []);
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let mut wrong = config();
        wrong.link = "https://hissa.example/".into();
        wrong.webhook.url = "hissa.example/alerts".into();
        wrong.webhook.concurrency_max = 0;
        wrong.webhook.retry_most_ms = 1;
        let expected = [
            ConfigError::Link,
            ConfigError::Url,
            ConfigError::Zero("concurrency_max"),
            ConfigError::Waits,
        ];
        assert_eq!(wrong.faults(), expected);
    }
}
