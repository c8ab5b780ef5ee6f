//! `programme.toml` and `catalogue.toml`.

use std::fmt::Write as _;

use super::{CalendarEntry, Catalogue, Class, Cohort, DayKind, Grant, OnExhausted, Programme};
use crate::zone::Zone;

const GB: u64 = 1_000_000_000;
const MB: u64 = 1_000_000;

/// The id of the demo's one feed.
pub const FEED_ID: &str = "carrier-json";

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
         privacy = {{ k = 10 }}\n\
         tablet_tacs = {:?}\n\
         router_tacs = {:?}\n",
        programme.policy_version,
        programme.id,
        Zone::NAME,
        programme.valid_from,
        programme.valid_to,
        programme.closes_after_days,
        programme.unknown_charged_to.as_str(),
        programme.tablet_tacs,
        programme.router_tacs,
    );
    for part in &programme.cohorts {
        cohort(&mut text, part);
    }
    for part in &programme.grants {
        grant(&mut text, part);
    }
    for part in &programme.calendar {
        entry(&mut text, part);
    }
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n[[feed]]\nid = \"{FEED_ID}\"\nkind = \"kafka\"\ntopic = \"carrier.usage\"\nformat = \"json\"\n\
         counter = \"delta\"\nplayed = true\nepoch = 1\nfuture_tolerance = \"5m\"\nstart = \"earliest\"\n",
    );
    text
}

fn cohort(text: &mut String, cohort: &Cohort) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(text, "\n[[cohort]]\nid = \"{}\"\n", cohort.id);
    if let Some(date) = cohort.enforce_from {
        let _ = writeln!(text, "enforce_from = {date}");
    }
    for class in [Class::Education, Class::System, Class::Other] {
        if let Some(allowance) = cohort.allowance(class) {
            let rollover = match allowance.rollover_max_bytes {
                0 => String::new(),
                bytes => format!(", rollover_max = \"{}\"", bytes_text(bytes)),
            };
            let _ = writeln!(
                text,
                "allowance.{} = {{ bytes = \"{}\", every = \"month\"{rollover} }}",
                class.as_str(),
                bytes_text(allowance.bytes),
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
    let share = f64::from(cohort.breaker.share_percent) / 100.0;
    let _ = writeln!(
        text,
        "restore_over = \"{}m\"\nbreaker = {{ share = {share:.1}, at_least = {} }}",
        cohort.restore_over_minutes, cohort.breaker.at_least
    );
}

fn grant(text: &mut String, grant: &Grant) {
    let until = if grant.until_eid {
        "\"eid-al-fitr\"".to_owned()
    } else {
        grant.valid_until.to_string()
    };
    let _ = write!(
        text,
        "\n[[grant]]\nid = \"{}\"\ncohort = \"{}\"\nallowance = \"education\"\nbytes_per_sim = \"{}\"\n\
         valid = {{ from = {}, until = {until} }}\npriority = {}\ndonor = \"{}\"\n",
        grant.id,
        grant.cohort,
        bytes_text(grant.bytes_per_sim),
        grant.valid_from,
        grant.priority,
        grant.donor,
    );
}

fn entry(text: &mut String, entry: &CalendarEntry) {
    let (kind, quiet) = match entry.kind {
        DayKind::Break => ("break", ""),
        DayKind::Ramadan => ("ramadan", "quiet_hours = \"15:00-21:00\"\n"),
    };
    let _ = write!(
        text,
        "\n[[calendar]]\nkind = \"{kind}\"\nfrom = {}\nto = {}\n{quiet}",
        entry.from, entry.to
    );
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
    use crate::policy::{demo_catalogue, demo_programme};
    use crate::zone::{Date, plus_days};

    #[test]
    fn the_programme_file_names_cohorts_grant_calendar_and_feed() {
        let from: Date = "2026-02-01".parse().unwrap();
        let text = programme_toml(&demo_programme(from, plus_days(from, 7)));
        for line in [
            "valid = { from = 2026-02-01, to = 2026-07-31 }",
            "closes_after = \"7d\"",
            "tablet_tacs = [101001, 101002, 101003, 101004]",
            "router_tacs = [103001]",
            "id = \"pilote-rural\"",
            "enforce_from = 2026-02-08",
            "allowance.education = { bytes = \"20 GB\", every = \"month\", rollover_max = \"5 GB\" }",
            "allowance.other = { bytes = \"200 MB\", every = \"month\" }",
            "thresholds = [50, 80, 100]",
            "on_exhausted.education = { action = \"throttle\", kbit_s = 512 }",
            "on_exhausted.education = { action = \"notify\" }",
            "on_exhausted.other = { action = \"block\" }",
            "restore_over = \"30m\"",
            "breaker = { share = 1.0, at_least = 100000 }",
            "valid = { from = 2026-02-19, until = \"eid-al-fitr\" }",
            "donor = \"Khatwat Khir\"",
            "kind = \"ramadan\"",
            "quiet_hours = \"15:00-21:00\"",
            "from = 2026-03-15",
            "topic = \"carrier.usage\"",
            "counter = \"delta\"",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        for (table, count) in [("cohort", 5), ("grant", 1), ("calendar", 4), ("feed", 1)] {
            assert_eq!(
                text.matches(&format!("[[{table}]]")).count(),
                count,
                "{table}"
            );
        }
    }

    #[test]
    fn the_catalogue_file_keeps_rules_with_and_without_a_service_id() {
        let text = catalogue_toml(&demo_catalogue("2026-02-01".parse().unwrap()));
        assert!(text.contains("match = [{ rating_group = 4101, service_id = 11 }]"));
        assert!(text.contains("match = [{ rating_group = 4101 }]"));
        assert!(text.contains("id = \"bibliotheque\"\nclass = \"education\"\nmatch = [{ rating_group = 4105 }]\nvalid_from = 2026-02-15"));
    }
}
