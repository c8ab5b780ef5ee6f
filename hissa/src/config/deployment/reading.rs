//! `hissa.toml` into a deployment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hissa_core::sim::Partitions;
use hissa_links::clickhouse::ClickHouseLink;
use hissa_links::kafka::KafkaLink;

use super::{AggregatorSection, Deployment, IngestSection, NotifySection, Webhook};
use crate::config::finding::{Findings, Source};
use crate::config::section::{Located, Section, document};

const LISTEN: [(&str, u16); 3] = [("ingest", 9301), ("aggregator", 9302), ("notify", 9303)];

/// Properties that Hissa sets itself, because its promises rest on them.
const OURS: [(&str, &str); 10] = [
    ("enable.auto.commit", "positions are Hissa's own"),
    ("enable.auto.offset.store", "positions are Hissa's own"),
    (
        "auto.offset.reset",
        "a lost position must be seen, not skipped",
    ),
    ("check.crcs", "a damaged frame must not be counted"),
    (
        "group.protocol",
        "the newer protocol has open faults in this client",
    ),
    ("partition.assignment.strategy", "one rebalance a restart"),
    ("enable.idempotence", "a message is written once"),
    ("enable.gapless.guarantee", "a message is never left out"),
    ("message.timeout.ms", "a message is never given up"),
    (
        "acks",
        "a position is stored only behind what all replicas have",
    ),
];

/// Reads a deployment; relative paths in it start from `folder`. What is wrong goes to `findings`.
pub fn read(source: &Source, findings: &Findings, folder: &Path) -> Option<Deployment> {
    let before = findings.count();
    let read = document(source, findings, |root| read_root(root, folder));
    read.filter(|_| findings.count() == before)
}

fn read_root(root: &Section<'_>, folder: &Path) -> Option<Deployment> {
    root.need(&["deployment", "kafka", "clickhouse"]);
    let base = root
        .table("deployment", |section| read_base(section, folder))
        .flatten();
    let links = root.table("kafka", |section| {
        section.need(&["internal"]);
        let internal = section.open_table("internal", |link| read_kafka(link, folder));
        let carrier = section.open_table("carrier", |link| read_kafka(link, folder));
        internal.map(|internal| (internal.clone(), carrier.unwrap_or(internal)))
    });
    let clickhouse = root
        .table("clickhouse", |section| read_clickhouse(section, folder))
        .flatten();
    let ingest = root.table("ingest", |section| listen(section, "ingest"));
    let aggregator = root.table("aggregator", |section| {
        let every = section.duration_ms("snapshot_every");
        (
            listen(section, "aggregator"),
            every.map(|every| every.value),
        )
    });
    let notify = root.table("notify", |section| read_notify(section, folder));
    let (aggregator_listen, every) =
        aggregator.unwrap_or_else(|| (default_listen("aggregator"), None));
    let (kafka, carrier) = links.flatten()?;
    let base = base?;
    Some(Deployment {
        partitions: base.partitions,
        generation: base.generation,
        state_dir: base.state_dir,
        key_file: base.key_file,
        programme: base.programme,
        kafka,
        carrier,
        clickhouse: clickhouse?,
        ingest: IngestSection {
            listen: ingest.unwrap_or_else(|| default_listen("ingest")),
        },
        aggregator: AggregatorSection {
            listen: aggregator_listen,
            snapshot_every_ms: every.unwrap_or(120_000),
        },
        notify: notify.unwrap_or_else(|| NotifySection {
            listen: default_listen("notify"),
            webhook: None,
            link: String::new(),
        }),
    })
}

struct Base {
    partitions: Partitions,
    generation: u32,
    state_dir: PathBuf,
    key_file: PathBuf,
    programme: PathBuf,
}

fn read_base(section: &Section<'_>, folder: &Path) -> Option<Base> {
    section.need(&["state_dir", "key_file", "programme"]);
    let partitions = match section.integer("partitions", 1, 1024) {
        None => Some(Partitions::SMALL),
        Some(found) => {
            let count = u16::try_from(found.value).ok();
            let power = count.and_then(|count| Partitions::try_from(count).ok());
            if power.is_none() {
                section.report(
                    found.span,
                    format!("`partitions = {}` is not a power of two", found.value),
                    "choose 16 for a programme, 64 for a carrier; it is never changed in place",
                );
            }
            power
        }
    };
    let generation = section.integer("generation", 1, u64::from(u32::MAX));
    let path = |key| section.text(key).map(|path| folder.join(path.value));
    let (state_dir, key_file, programme) = (path("state_dir"), path("key_file"), path("programme"));
    Some(Base {
        partitions: partitions?,
        generation: generation.map_or(Some(1), |found| u32::try_from(found.value).ok())?,
        state_dir: state_dir?,
        key_file: key_file?,
        programme: programme?,
    })
}

fn read_kafka(section: &Section<'_>, folder: &Path) -> KafkaLink {
    let mut properties = BTreeMap::new();
    for key in section.keys() {
        if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == key.value) {
            section.report(
                key.span,
                format!("`{}` cannot be set: {why}", key.value),
                "remove it; Hissa sets it itself",
            );
        } else if key.value.ends_with("password") || key.value.ends_with(".pem") {
            let source = section.source();
            let mut finding = source.finding(
                key.span,
                format!("`{}` is a secret in a configuration file", key.value),
                format!("write it into a file that only its owner reads, and name it: `\"{}_file\" = \"…\"`", key.value),
            );
            // The line is quoted without the secret.
            if let Some(place) = &mut finding.place
                && let Some((name, _)) = place.excerpt.split_once('=')
            {
                place.excerpt = format!("{name}= •••");
            }
            section.add(finding);
        } else if let Some(value) = section.scalar(key.value) {
            let value = if key.value.ends_with("_file") {
                folder.join(&value.value).display().to_string()
            } else {
                value.value
            };
            properties.insert(key.value.to_owned(), value);
        }
    }
    if !section.has("bootstrap.servers") {
        section.report(
            section.span(),
            format!("{} lacks `bootstrap.servers`", section.name()),
            "add `\"bootstrap.servers\" = \"host:9092\"`; a name with a dot is quoted",
        );
    }
    KafkaLink { properties }
}

fn read_clickhouse(section: &Section<'_>, folder: &Path) -> Option<ClickHouseLink> {
    section.need(&["url"]);
    let url = section.text("url");
    if let Some(url) = &url {
        check_url(section, url);
    }
    let text = |key| section.text(key).map(|found| found.value);
    let (user, password_file, database) = (text("user"), text("password_file"), text("database"));
    Some(ClickHouseLink {
        url: url?.value,
        user: user.unwrap_or_else(|| "hissa".into()),
        password_file: password_file.map(|path| folder.join(path)),
        database: database.unwrap_or_else(|| "hissa".into()),
    })
}

fn check_url(section: &Section<'_>, url: &Located<String>) {
    if !url.value.starts_with("http://") && !url.value.starts_with("https://") {
        section.report(
            url.span.clone(),
            format!("\"{}\" is not an address of the web", url.value),
            "begin it with http:// or https://",
        );
    }
}

fn read_notify(section: &Section<'_>, folder: &Path) -> NotifySection {
    let listen = listen(section, "notify");
    let webhook = section.table("webhook", |webhook| read_webhook(webhook, folder));
    let link = section.text("link");
    match &link {
        Some(link) => {
            check_url(section, link);
            if !link.value.contains("{alert}") {
                section.report(
                    link.span.clone(),
                    "`link` leads every message to the same place",
                    "let `{alert}` stand for the alert: \"https://hissa.example.org/alerts/{alert}\"",
                );
            }
        }
        None if webhook.is_some() => section.need(&["link"]),
        None => {}
    }
    NotifySection {
        listen,
        webhook: webhook.flatten(),
        link: link.map_or_else(String::new, |link| link.value),
    }
}

fn read_webhook(section: &Section<'_>, folder: &Path) -> Option<Webhook> {
    section.need(&["url", "secret_file"]);
    let url = section.text("url");
    if let Some(url) = &url {
        check_url(section, url);
    }
    let secret_file = section.text("secret_file");
    Some(Webhook {
        url: url?.value,
        secret_file: folder.join(secret_file?.value),
    })
}

fn listen(section: &Section<'_>, service: &str) -> SocketAddr {
    let Some(found) = section.text("listen") else {
        return default_listen(service);
    };
    found.value.parse().unwrap_or_else(|_| {
        section.report(
            found.span,
            format!("\"{}\" is not an address to listen on", found.value),
            format!("write `listen = \"{}\"`", default_listen(service)),
        );
        default_listen(service)
    })
}

pub(super) fn default_listen(service: &str) -> SocketAddr {
    let port = LISTEN.iter().find(|(name, _)| *name == service);
    SocketAddr::from(([127, 0, 0, 1], port.map_or(0, |(_, port)| *port)))
}
