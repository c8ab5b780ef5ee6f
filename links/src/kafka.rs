//! Kafka clients: any librdkafka property from the configuration, secrets from files, and the properties that Hissa's
//! promises rest on, which the configuration cannot take away.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde::{Deserialize, Serialize};

use crate::{LinkError, secret};

/// One cluster: librdkafka properties by their own names. A name that ends in `_file`, such as `sasl.password_file`,
/// names a file that holds the value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KafkaLink {
    /// The properties.
    pub properties: BTreeMap<String, String>,
}

/// What no configuration may change, for a reason.
const CONSUMER: [(&str, &str); 9] = [
    // Offsets are Hissa's own; a position that is gone is an error to be seen, never a silent jump.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    // A frame whose bytes changed on the way must not be counted.
    ("check.crcs", "true"),
    // The bundled client's support of the newer protocol has open faults.
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "range"),
    ("session.timeout.ms", "6000"),
    // Half a second of back-off is a long time when a batch has just been drained.
    ("fetch.queue.backoff.ms", "5"),
    ("allow.auto.create.topics", "false"),
];

const GAPLESS: [(&str, &str); 6] = [
    ("enable.idempotence", "true"),
    // A message that is given up leaves a gap: then the process ends, and replay emits it again.
    ("enable.gapless.guarantee", "true"),
    // Without a bound in time: the broker may be away for minutes.
    ("message.timeout.ms", "0"),
    ("acks", "all"),
    ("compression.type", "lz4"),
    ("linger.ms", "5"),
];

impl KafkaLink {
    /// A link with nothing but the addresses of brokers.
    pub fn to(servers: &str) -> KafkaLink {
        KafkaLink {
            properties: BTreeMap::from([("bootstrap.servers".into(), servers.into())]),
        }
    }

    /// Where the brokers are, for messages.
    pub fn servers(&self) -> &str {
        self.properties
            .get("bootstrap.servers")
            .map_or("(no bootstrap.servers)", String::as_str)
    }

    /// The properties as configured, secrets read, with a client id `hissa-<role>` unless one is set.
    ///
    /// # Errors
    /// No `bootstrap.servers`, or a secret's file cannot be read.
    pub fn client(&self, role: &str) -> Result<ClientConfig, LinkError> {
        if !self.properties.contains_key("bootstrap.servers") {
            return Err(LinkError::KafkaProperties {
                role: role.into(),
                why: "`bootstrap.servers` is missing; set it to host:port of one broker or more"
                    .into(),
            });
        }
        let mut config = ClientConfig::new();
        config.set("client.id", format!("hissa-{role}"));
        for (name, value) in &self.properties {
            match name.strip_suffix("_file") {
                Some(name) => config.set(name, secret::read("a Kafka secret", Path::new(value))?),
                None => config.set(name, value),
            };
        }
        Ok(config)
    }

    /// For consumers: offsets are kept by Hissa, and a lost one is an error. Without a group, a consumer may only be
    /// assigned by hand; librdkafka wants a name for it all the same.
    ///
    /// # Errors
    /// As [`KafkaLink::client`].
    pub fn consumer(&self, role: &str, group: Option<&str>) -> Result<ClientConfig, LinkError> {
        let mut config = self.client(role)?;
        config.set(
            "group.id",
            group.map_or_else(|| format!("hissa-{role}-unused"), str::to_owned),
        );
        for (name, value) in CONSUMER {
            config.set(name, value);
        }
        Ok(config)
    }

    /// For producers whose messages must all arrive, in order, once. One per process.
    ///
    /// # Errors
    /// As [`KafkaLink::client`].
    pub fn gapless(&self, role: &str) -> Result<ClientConfig, LinkError> {
        let mut config = self.client(role)?;
        for (name, value) in GAPLESS {
            config.set(name, value);
        }
        Ok(config)
    }

    /// Asks for metadata until an answer comes or the time is over, and says how many brokers there are.
    ///
    /// # Errors
    /// Kafka did not answer.
    pub async fn answers(&self, doing: &str, within: Duration) -> Result<usize, LinkError> {
        let config = self.client("probe")?;
        let silent = |why: String| LinkError::KafkaSilent {
            servers: self.servers().into(),
            seconds: within.as_secs(),
            doing: doing.into(),
            why,
        };
        let asked = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = config.create()?;
            consumer
                .fetch_metadata(None, within)
                .map(|metadata| metadata.brokers().len())
        });
        match asked.await {
            Ok(Ok(brokers)) => Ok(brokers),
            Ok(Err(why)) => Err(silent(why.to_string())),
            Err(why) => Err(silent(why.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_property_can_be_set_and_secrets_come_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        secret::create("a Kafka secret", &path, "s3cret").unwrap();
        let text = format!(
            "\"bootstrap.servers\" = \"broker:9093\"\n\"sasl.password_file\" = \"{}\"\n\"linger.ms\" = \"20\"",
            path.display()
        );
        let link: KafkaLink = toml::from_str(&text).unwrap();
        let config = link.client("test").unwrap();
        assert_eq!(config.get("sasl.password"), Some("s3cret"));
        assert_eq!(config.get("linger.ms"), Some("20"));
        assert_eq!(config.get("client.id"), Some("hissa-test"));
    }

    #[test]
    fn what_promises_rest_on_cannot_be_configured_away() {
        let mut link = KafkaLink::to("broker:9092");
        link.properties.insert("acks".into(), "1".into());
        link.properties
            .insert("auto.offset.reset".into(), "latest".into());
        assert_eq!(link.gapless("test").unwrap().get("acks"), Some("all"));
        assert_eq!(
            link.consumer("test", None)
                .unwrap()
                .get("auto.offset.reset"),
            Some("error")
        );
    }

    #[test]
    fn a_link_without_brokers_says_what_to_set() {
        let message = KafkaLink::default()
            .client("test")
            .err()
            .unwrap()
            .to_string();
        assert!(message.contains("bootstrap.servers"), "{message}");
    }
}
