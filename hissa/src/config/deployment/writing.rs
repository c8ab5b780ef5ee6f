//! A deployment into `hissa.toml`, for stacks that a program sets up.

use std::fmt::Write as _;
use std::path::Path;

use hissa_links::clickhouse::ClickHouseLink;

use super::{Deployment, Webhook};
use crate::config::quantity::duration_text;

impl Deployment {
    /// The file that says this deployment.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# Written by hissa.\n[deployment]\n");
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            text,
            "partitions = {}\ngeneration = {}\nstate_dir = {}\nkey_file = {}\nprogramme = {}\n",
            self.partitions.count(),
            self.generation,
            quoted_path(&self.state_dir),
            quoted_path(&self.key_file),
            quoted_path(&self.programme),
        );
        for (name, link) in [("internal", &self.kafka), ("carrier", &self.carrier)] {
            let _ = write!(text, "\n[kafka.{name}]\n");
            for (key, value) in &link.properties {
                let _ = writeln!(text, "{} = {}", quoted(key), quoted(value));
            }
        }
        let ClickHouseLink {
            url,
            user,
            password_file,
            database,
        } = &self.clickhouse;
        let _ = write!(
            text,
            "\n[clickhouse]\nurl = {}\nuser = {}\ndatabase = {}\n",
            quoted(url),
            quoted(user),
            quoted(database)
        );
        if let Some(path) = password_file {
            let _ = writeln!(text, "password_file = {}", quoted_path(path));
        }
        let _ = write!(
            text,
            "\n[ingest]\nlisten = \"{}\"\n\n[aggregator]\nlisten = \"{}\"\nsnapshot_every = \"{}\"\n\n[notify]\nlisten = \"{}\"\n",
            self.ingest.listen,
            self.aggregator.listen,
            duration_text(self.aggregator.snapshot_every_ms),
            self.notify.listen,
        );
        if let Some(Webhook { url, secret_file }) = &self.notify.webhook {
            let (url, secret) = (quoted(url), quoted_path(secret_file));
            let _ = writeln!(text, "webhook = {{ url = {url}, secret_file = {secret} }}");
        }
        if !self.notify.link.is_empty() {
            let _ = writeln!(text, "link = {}", quoted(&self.notify.link));
        }
        text
    }
}

/// As a basic string of TOML, which escapes as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use hissa_core::sim::Partitions;
    use hissa_links::kafka::KafkaLink;

    use super::super::reading::{default_listen, read};
    use super::super::{AggregatorSection, IngestSection, NotifySection};
    use super::*;
    use crate::config::finding::{Findings, Source};

    #[test]
    fn what_is_written_is_read_back() {
        let mut carrier = KafkaLink::to("carrier:9093");
        carrier
            .properties
            .insert("security.protocol".into(), "ssl".into());
        let deployment = Deployment {
            partitions: Partitions::SMALL,
            generation: 1,
            state_dir: "/var/lib/hissa \"quoted\"".into(),
            key_file: "/etc/hissa/key".into(),
            programme: "/etc/hissa/programme.toml".into(),
            kafka: KafkaLink::to("127.0.0.1:9092"),
            carrier,
            clickhouse: ClickHouseLink {
                url: "http://127.0.0.1:8123".into(),
                user: "hissa".into(),
                password_file: Some("/etc/hissa/clickhouse".into()),
                database: "hissa".into(),
            },
            ingest: IngestSection {
                listen: default_listen("ingest"),
            },
            aggregator: AggregatorSection {
                listen: default_listen("aggregator"),
                snapshot_every_ms: 90_000,
            },
            notify: NotifySection {
                listen: default_listen("notify"),
                webhook: Some(Webhook {
                    url: "http://127.0.0.1:9400/".into(),
                    secret_file: "/etc/hissa/webhook".into(),
                }),
                link: "https://hissa.example.org/alerts/{alert}".into(),
            },
        };
        let findings = Findings::default();
        let source = Source::new("hissa.toml", deployment.to_toml());
        let read = read(&source, &findings, Path::new("/elsewhere"));
        assert_eq!(findings.into_sorted(), []);
        assert_eq!(read, Some(deployment));
    }
}
