//! What the programme grants and the catalogue says, and the two files that tell Hissa so.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::zone::{Date, Zone, month_of, next_month, plus_days};

/// A class of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Education,
    System,
    Other,
    Unknown,
}

impl Class {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Education => "education",
            Class::System => "system",
            Class::Other => "other",
            Class::Unknown => "unknown",
        }
    }
}

/// What a carrier is to do with a class of a SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    Allow,
    Throttle { kbit_s: u32 },
    Block,
}

/// What a programme wants when an allowance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExhausted {
    Throttle {
        kbit_s: u32,
    },
    Block,
    /// Tell people; the traffic goes on.
    Notify,
}

/// A month's bytes of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub bytes: u64,
    pub on_exhausted: OnExhausted,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    pub id: &'static str,
    /// Enforced from this local midnight on; none: observed only.
    pub enforce_from: Option<Date>,
    pub education: Option<Allowance>,
    pub system: Option<Allowance>,
    pub other: Option<Allowance>,
    /// Percent, rising.
    pub thresholds: &'static [u32],
}

impl Cohort {
    /// The allowance of a class, if the cohort has one.
    pub fn allowance(&self, class: Class) -> Option<Allowance> {
        match class {
            Class::Education => self.education,
            Class::System => self.system,
            Class::Other => self.other,
            Class::Unknown => None,
        }
    }
}

/// A programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    pub id: &'static str,
    pub policy_version: String,
    pub valid_from: Date,
    pub valid_to: Date,
    /// Civil days from the end of a month until it closes.
    pub closes_after_days: i64,
    /// The class whose allowance pays for unknown traffic.
    pub unknown_charged_to: Class,
    pub cohorts: Vec<Cohort>,
}

/// Traffic of a rating group, with that service id or with any, is a service of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub service: &'static str,
    pub class: Class,
    pub rating_group: u32,
    pub service_id: Option<u32>,
    pub valid_from: Date,
}

/// Which traffic is which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    pub version: String,
    pub rules: Vec<Rule>,
}

const GB: u64 = 1_000_000_000;
const MB: u64 = 1_000_000;

/// The five cohorts, in the order of [`demo_programme`].
pub const PILOT: usize = 0;
pub const TEACHERS: usize = 1;
pub const INSPECTORS: usize = 2;
pub const KHATWAT: usize = 3;
pub const SCHOOLS: usize = 4;

/// The demo's programme: 20 GB a month for the pupils' tablets; the other allowances are fictitious.
pub fn demo_programme(from: Date, enforce_from: Date) -> Programme {
    let cohort =
        |id, education: (u64, OnExhausted), other: (u64, OnExhausted), thresholds| Cohort {
            id,
            enforce_from: Some(enforce_from),
            education: Some(Allowance {
                bytes: education.0,
                on_exhausted: education.1,
            }),
            system: Some(Allowance {
                bytes: 2 * GB,
                on_exhausted: OnExhausted::Block,
            }),
            other: Some(Allowance {
                bytes: other.0,
                on_exhausted: other.1,
            }),
            thresholds,
        };
    let throttle = |kbit_s| OnExhausted::Throttle { kbit_s };
    let nothing = (0, OnExhausted::Block);
    let all: &[u32] = &[50, 80, 100];
    Programme {
        id: "tablettes-2026",
        policy_version: format!("{from}.1"),
        valid_from: from,
        valid_to: plus_days(next_month(plus_days(month_of(from), 170)), -1),
        closes_after_days: 7,
        unknown_charged_to: Class::Education,
        cohorts: vec![
            cohort("pilote-rural", (20 * GB, throttle(512)), nothing, all),
            cohort(
                "supercodeurs-enseignants",
                (10 * GB, throttle(1024)),
                nothing,
                all,
            ),
            // Inspectors are told, and go on; a little of everything else is theirs too.
            cohort(
                "supercodeurs-inspecteurs",
                (8 * GB, OnExhausted::Notify),
                (200 * MB, OnExhausted::Block),
                &[80, 100],
            ),
            cohort("khatwat-khir", (10 * GB, OnExhausted::Block), nothing, all),
            cohort("ecole-numerique", (40 * GB, throttle(2048)), nothing, all),
        ],
    }
}

/// The demo's catalogue; all rating groups are fictitious. One rule begins in the middle of the window, and one rule
/// without a service id stands beside one with it.
pub fn demo_catalogue(from: Date) -> Catalogue {
    let since = month_of(from);
    let rule = |service, class, rating_group, service_id, valid_from| Rule {
        service,
        class,
        rating_group,
        service_id,
        valid_from,
    };
    use Class::{Education, Other, System};
    Catalogue {
        version: format!("{from}.1"),
        rules: vec![
            rule("telmidtice", Education, 4101, Some(11), since),
            rule("taalim", Education, 4101, None, since),
            rule("codingprimaire", Education, 4102, None, since),
            rule("encyclopedie", Education, 4103, None, since),
            rule("bibliotheque", Education, 4105, None, plus_days(from, 14)),
            rule("os-mdm-updates", System, 4190, None, since),
            rule("dns-ntp", System, 4191, None, since),
            rule("internet", Other, 10, None, since),
            rule("video", Other, 20, None, since),
        ],
    }
}

/// `programme.toml`, with the one feed of the demo.
pub fn programme_toml(programme: &Programme) -> String {
    let mut text = format!(
        "# Programme fictif de démonstration (fictif): only the 20 GB of `pilote-rural` are from a public source.\n\
         schema = 1\n\
         policy_version = \"{}\"\n\n\
         [programme]\n\
         id = \"{}\"\n\
         timezone = \"{}\"\n\
         valid = {{ from = {}, to = {} }}\n\
         closes_after = \"{}d\"\n\
         unknown_charged_to = \"{}\"\n\
         privacy = {{ k = 10 }}\n",
        programme.policy_version,
        programme.id,
        Zone::NAME,
        programme.valid_from,
        programme.valid_to,
        programme.closes_after_days,
        programme.unknown_charged_to.as_str(),
    );
    for cohort in &programme.cohorts {
        // Writing to a String cannot fail, here and below.
        let _ = write!(text, "\n[[cohort]]\nid = \"{}\"\n", cohort.id);
        if let Some(date) = cohort.enforce_from {
            let _ = writeln!(text, "enforce_from = {date}");
        }
        for class in [Class::Education, Class::System, Class::Other] {
            if let Some(allowance) = cohort.allowance(class) {
                let bytes = bytes_text(allowance.bytes);
                let _ = writeln!(
                    text,
                    "allowance.{} = {{ bytes = \"{bytes}\", every = \"month\" }}",
                    class.as_str()
                );
            }
        }
        let _ = writeln!(text, "thresholds = {:?}", cohort.thresholds);
        for class in [Class::Education, Class::Other] {
            if let Some(allowance) = cohort.allowance(class) {
                let action = match allowance.on_exhausted {
                    OnExhausted::Throttle { kbit_s } => {
                        format!("action = \"throttle\", kbit_s = {kbit_s}")
                    }
                    OnExhausted::Block => "action = \"block\"".to_owned(),
                    OnExhausted::Notify => "action = \"notify\"".to_owned(),
                };
                let _ = writeln!(text, "on_exhausted.{} = {{ {action} }}", class.as_str());
            }
        }
    }
    text.push_str(
        "\n[[feed]]\nid = \"carrier-json\"\nkind = \"kafka\"\ntopic = \"carrier.usage\"\nformat = \"json\"\n\
         played = true\nepoch = 1\nfuture_tolerance = \"5m\"\nstart = \"earliest\"\n",
    );
    text
}

/// `catalogue.toml`.
pub fn catalogue_toml(catalogue: &Catalogue) -> String {
    let mut text = format!(
        "# Rating groups and services of a make-believe carrier (fictif).\nversion = \"{}\"\n",
        catalogue.version
    );
    for rule in &catalogue.rules {
        let service_id = match rule.service_id {
            Some(id) => format!(", service_id = {id}"),
            None => String::new(),
        };
        let _ = write!(
            text,
            "\n[[service]]\nid = \"{}\"\nclass = \"{}\"\nmatch = [{{ rating_group = {}{service_id} }}]\n\
             valid_from = {}\nsource = \"fictif\"\n",
            rule.service,
            rule.class.as_str(),
            rule.rating_group,
            rule.valid_from,
        );
    }
    text
}

fn bytes_text(bytes: u64) -> String {
    if bytes.is_multiple_of(GB) {
        format!("{} GB", bytes / GB)
    } else {
        format!("{} MB", bytes / MB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programme_file_names_every_cohort_and_one_feed() {
        let from: Date = "2026-02-01".parse().unwrap();
        let text = programme_toml(&demo_programme(from, plus_days(from, 7)));
        for line in [
            "valid = { from = 2026-02-01, to = 2026-07-31 }",
            "closes_after = \"7d\"",
            "id = \"pilote-rural\"",
            "enforce_from = 2026-02-08",
            "allowance.education = { bytes = \"20 GB\", every = \"month\" }",
            "allowance.other = { bytes = \"200 MB\", every = \"month\" }",
            "thresholds = [50, 80, 100]",
            "on_exhausted.education = { action = \"throttle\", kbit_s = 512 }",
            "on_exhausted.education = { action = \"notify\" }",
            "on_exhausted.other = { action = \"block\" }",
            "topic = \"carrier.usage\"",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert_eq!(text.matches("[[cohort]]").count(), 5);
        assert_eq!(text.matches("[[feed]]").count(), 1);
    }

    #[test]
    fn the_catalogue_file_keeps_rules_with_and_without_a_service_id() {
        let text = catalogue_toml(&demo_catalogue("2026-02-01".parse().unwrap()));
        assert!(text.contains("match = [{ rating_group = 4101, service_id = 11 }]"));
        assert!(text.contains("match = [{ rating_group = 4101 }]"));
        assert!(text.contains("id = \"bibliotheque\"\nclass = \"education\"\nmatch = [{ rating_group = 4105 }]\nvalid_from = 2026-02-15"));
    }
}
