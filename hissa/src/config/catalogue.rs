//! `catalogue.toml`: which traffic belongs to which service, of which class.

use std::ops::Range;

use hissa_core::registry::{Catalogue, Class, Rule};

use super::finding::{Finding, Findings, Source};
use super::section::{Located, Section, document};

/// A catalogue with the place of each rule in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueFile {
    pub catalogue: Catalogue,
    /// Where each rule stands, side by side with the catalogue's rules.
    pub places: Vec<Range<usize>>,
}

impl CatalogueFile {
    /// A finding at a rule of the file, or about all of it.
    pub fn finding(
        &self,
        source: &Source,
        rule: Option<usize>,
        message: String,
        remedy: String,
    ) -> Finding {
        match rule.and_then(|rule| self.places.get(rule)) {
            Some(place) => source.finding(place.clone(), message, remedy),
            None => source.whole(message, remedy),
        }
    }
}

/// Reads a catalogue; what is wrong goes to `findings`, and then there is no value.
pub fn read(source: &Source, findings: &Findings) -> Option<Catalogue> {
    read_located(source, findings).map(|file| file.catalogue)
}

/// The same, with places, for who may have to refuse a rule by its line.
pub fn read_located(source: &Source, findings: &Findings) -> Option<CatalogueFile> {
    let before = findings.count();
    let read = document(source, findings, |root| {
        root.need(&["version", "service"]);
        let version = root.text("version");
        let rules: Vec<Located<Rule>> = root
            .tables("service", read_service)
            .into_iter()
            .flatten()
            .collect();
        refuse_contradictions(root, &rules);
        let (places, rules) = rules
            .into_iter()
            .map(|rule| (rule.span, rule.value))
            .unzip();
        Some(CatalogueFile {
            catalogue: Catalogue {
                version: version?.value,
                rules,
            },
            places,
        })
    });
    read.filter(|_| findings.count() == before)
}

fn read_service(section: &Section<'_>) -> Vec<Located<Rule>> {
    section.need(&["id", "class", "match"]);
    let id = section.text("id");
    let class = section.word(
        "class",
        &[
            ("education", Class::Education),
            ("system", Class::System),
            ("other", Class::Other),
            ("unknown", Class::Unknown),
        ],
    );
    let valid_from = section.date("valid_from").map(|date| date.value);
    // Where the classification comes from: for people, and for whoever audits the file.
    section.text("source");
    let matches = section.tables("match", |found| {
        found.need(&["rating_group"]);
        let rating_group = found.integer("rating_group", 0, u64::from(u32::MAX));
        let service_id = found.integer("service_id", 0, u64::from(u32::MAX));
        rating_group.map(|rating_group| (rating_group, service_id))
    });
    if section.has("match") && matches.is_empty() {
        section.report(
            section.span(),
            "a service that matches nothing",
            "add `match = [{ rating_group = … }]`, or remove the service",
        );
    }
    let (Some(id), Some(class)) = (id, class) else {
        return Vec::new();
    };
    let rule = |(rating_group, service_id): (Located<u64>, Option<Located<u64>>)| {
        let number = |value: u64| u32::try_from(value).ok();
        Some(Located {
            span: rating_group.span,
            value: Rule {
                rating_group: number(rating_group.value)?,
                service_id: match service_id {
                    Some(service_id) => Some(number(service_id.value)?),
                    None => None,
                },
                class: class.value,
                // What is unknown is no service: so traffic is withdrawn from one.
                service: match class.value {
                    Class::Unknown => String::new(),
                    _ => id.value.clone(),
                },
                valid_from,
            },
        })
    };
    matches.into_iter().flatten().filter_map(rule).collect()
}

/// Two rules for one rating group and service id that begin at the same time contradict each other; and a service is
/// of one class.
fn refuse_contradictions(root: &Section<'_>, rules: &[Located<Rule>]) {
    let source = root.source();
    for (place, rule) in rules.iter().enumerate() {
        let key = |rule: &Rule| (rule.rating_group, rule.service_id, rule.valid_from);
        let earlier = || rules[..place].iter();
        if let Some(first) = earlier().find(|first| key(&first.value) == key(&rule.value)) {
            let traffic = match rule.value.service_id {
                Some(id) => format!(
                    "rating group {} and service id {id}",
                    rule.value.rating_group
                ),
                None => format!("rating group {}", rule.value.rating_group),
            };
            root.add(
                source
                    .finding(
                        rule.span.clone(),
                        format!("two rules for {traffic}"),
                        "keep one, or let one begin later with `valid_from`",
                    )
                    .noting(format!("says {}", said(&rule.value)))
                    .seeing(
                        source.place(first.span.clone(), format!("says {}", said(&first.value))),
                    ),
            );
        }
        if let Some(first) = earlier().find(|first| {
            first.value.service == rule.value.service && first.value.class != rule.value.class
        }) {
            root.add(
                source
                    .finding(
                        rule.span.clone(),
                        format!(
                            "service `{}` is of class {} here, and of class {} above",
                            rule.value.service,
                            rule.value.class.as_str(),
                            first.value.class.as_str()
                        ),
                        "give a service one class; make two services of it where its traffic differs",
                    )
                    .seeing(source.place(first.span.clone(), "the first")),
            );
        }
    }
}

fn said(rule: &Rule) -> String {
    match rule.class {
        Class::Unknown => "unknown".into(),
        _ => format!("`{}`", rule.service),
    }
}
