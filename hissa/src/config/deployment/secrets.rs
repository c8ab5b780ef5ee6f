//! The files with secrets that a deployment names, each with its place in `hissa.toml`.

use std::path::{Path, PathBuf};

use crate::config::finding::{Findings, Source};
use crate::config::section::{Located, Section, document};

/// What a file must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// 32 hexadecimal digits.
    PseudonymKey,
    /// `whsec_` and base64.
    Webhook,
    /// A line.
    Password,
}

/// All that the file names, relative to `folder`. What is wrong with the file itself is told by
/// [`read`](super::read), and not here.
pub fn secrets(source: &Source, folder: &Path) -> Vec<Located<(Secret, PathBuf)>> {
    document(source, &Findings::default(), |root| {
        let mut all = Vec::new();
        let mut add = |section: &Section<'_>, key: &str, secret| {
            let path = section.scalar(key);
            all.extend(path.map(|path| path.map(|path| (secret, folder.join(path)))));
        };
        root.table("deployment", |section| {
            add(section, "key_file", Secret::PseudonymKey);
        });
        root.table("clickhouse", |section| {
            add(section, "password_file", Secret::Password);
        });
        root.table("notify", |notify| {
            notify.table("webhook", |section| {
                add(section, "secret_file", Secret::Webhook);
            });
        });
        root.table("kafka", |kafka| {
            for name in ["internal", "carrier"] {
                kafka.open_table(name, |link| {
                    let keys: Vec<&str> = link.keys().map(|key| key.value).collect();
                    for key in keys.iter().filter(|key| key.ends_with("_file")) {
                        add(link, key, Secret::Password);
                    }
                });
            }
        });
        all
    })
}
