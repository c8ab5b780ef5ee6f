//! `roster.csv`: the SIMs of the programme, and where their tablets are. UTF-8, separated by `;` or `,`.
//!
//! No message shows a raw identifier: lines are quoted with long digits masked.

use std::collections::HashMap;

use hissa_core::registry::Place as TabletPlace;
use hissa_core::sim::{Imei, Imsi};
use jiff::civil::Date;

use super::csv_line::Line;
use super::finding::{Finding, Findings, Source};
use super::roster_conflicts::{Conflicts, Mention};
use super::roster_header::{Column, Header};

/// A row, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterRow {
    pub imsi: Imsi,
    pub asset_tag: String,
    /// The tablet that the SIM came with.
    pub device: Option<Imei>,
    pub cohort: String,
    pub place: TabletPlace,
    pub valid_from: Date,
    /// The day after `valid_to`: from then on the row no longer speaks of the SIM.
    pub valid_until: Option<Date>,
    /// Whether the SIM leaves the programme on that day.
    pub retired: bool,
    /// For people; never in the registry.
    pub school_name_fr: String,
    pub school_name_ar: String,
    /// `ar`, `fr` or `en`; empty: the deployment's.
    pub alert_lang: String,
    pub admin_groups: Vec<String>,
}

/// A row with its line in the file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterLine {
    pub line: usize,
    pub row: RosterRow,
}

/// What could be read of a roster.
pub struct RosterRead {
    /// The rows without a finding of their own.
    pub rows: Vec<RosterLine>,
    /// Every cohort named, with the span of its first mention, for checks against the programme.
    pub cohorts: Vec<(String, std::ops::Range<usize>)>,
}

/// Reads a roster; what is wrong goes to `findings`. Rows that are wrong are left out.
pub fn read(source: &Source, findings: &Findings) -> RosterRead {
    let mut read = RosterRead {
        rows: Vec::new(),
        cohorts: Vec::new(),
    };
    let Some(header) = Header::read(source, findings) else {
        return read;
    };
    let mut reader = Reader {
        source,
        findings,
        header: &header,
        conflicts: Conflicts::default(),
    };
    let mut known_cohorts = HashMap::new();
    let mut records = csv::ReaderBuilder::new()
        .delimiter(header.delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(&source.text.as_bytes()[header.end..]);
    let mut record = csv::StringRecord::new();
    loop {
        let start = header.end + usize::try_from(records.position().byte()).unwrap_or(0);
        match records.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => {
                findings.add(source.finding(
                    start..start,
                    format!("this line cannot be read: {:?}", why.kind()),
                    "close every quotation mark, and save the file as UTF-8",
                ));
                break;
            }
        }
        let end = header.end + usize::try_from(records.position().byte()).unwrap_or(0);
        let line = Line::new(source, start..end, header.delimiter, &record);
        if let Some(cohort) = header.get(&line, Column::Cohort)
            && !known_cohorts.contains_key(cohort)
        {
            let span = line.span(header.place(Column::Cohort));
            known_cohorts.insert(cohort.to_owned(), span);
        }
        if let Some(row) = reader.row(&line) {
            read.rows.push(RosterLine {
                line: line.number(),
                row,
            });
        }
    }
    reader.conflicts.report(source, findings);
    read.cohorts = known_cohorts.into_iter().collect();
    read.cohorts.sort_by_key(|(_, span)| span.start);
    if read.rows.is_empty() && findings.count() == 0 {
        findings.add(source.whole(
            "the roster has no rows",
            "add a line for each SIM below the header",
        ));
    }
    read
}

/// The finding with raw identifiers masked in the line that it quotes.
pub fn masking(mut finding: Finding) -> Finding {
    finding.place = finding.place.map(super::csv_line::masked);
    finding
}

struct Reader<'a> {
    source: &'a Source,
    findings: &'a Findings,
    header: &'a Header,
    conflicts: Conflicts,
}

impl Reader<'_> {
    fn row(&mut self, line: &Line<'_>) -> Option<RosterRow> {
        if line.fields() != self.header.fields() {
            self.findings.add(line.finding(
                self.source,
                None,
                format!(
                    "this line has {} fields, and the header {}",
                    line.fields(),
                    self.header.fields()
                ),
                "add or remove separators; quote a field that contains one",
            ));
            return None;
        }
        let before = self.findings.count();
        self.check_formats(line);
        let validity = self.validity(line);
        for column in [Column::Imsi, Column::AssetTag] {
            self.note(line, column, validity);
        }
        if self.findings.count() > before {
            return None;
        }
        let text = |column| self.header.get(line, column).unwrap_or_default().to_owned();
        let (valid_from, valid_until) = validity?;
        let device = self.header.get(line, Column::DeviceImei);
        Some(RosterRow {
            imsi: Imsi::parse(&text(Column::Imsi)).ok()?,
            asset_tag: text(Column::AssetTag),
            device: device.and_then(|imei| Imei::parse(imei).ok()),
            cohort: text(Column::Cohort),
            place: TabletPlace {
                school: text(Column::SchoolCode),
                commune: text(Column::CommuneCode),
                province: text(Column::ProvinceCode),
                region: text(Column::RegionCode),
                milieu: text(Column::Milieu),
            },
            valid_from,
            valid_until,
            retired: self.header.get(line, Column::Status) == Some("retired"),
            school_name_fr: text(Column::SchoolNameFr),
            school_name_ar: text(Column::SchoolNameAr),
            alert_lang: text(Column::AlertLang),
            admin_groups: text(Column::AdminGroups)
                .split(['|', ' '])
                .filter(|group| !group.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    fn check_formats(&self, line: &Line<'_>) {
        for column in self.header.columns() {
            let place = self.header.place(column);
            let report = |message: String, remedy: &str| {
                self.findings
                    .add(line.finding(self.source, place, message, remedy));
            };
            match self.header.get(line, column) {
                None if column.needed() => report(
                    format!("`{}` is empty", column.name()),
                    "every SIM needs it",
                ),
                None => {}
                Some(value) => {
                    if let Err((what, remedy)) = column.check(value) {
                        // The value itself is not repeated: it may be a raw identifier in the wrong column.
                        report(format!("`{}` {what}", column.name()), remedy);
                    }
                }
            }
        }
    }

    /// The first day of a row, and the one after its last; none where they cannot be read.
    fn validity(&self, line: &Line<'_>) -> Option<(Date, Option<Date>)> {
        let date = |column| {
            let text = self.header.get(line, column)?;
            column.check(text).ok()?;
            text.parse::<Date>().ok()
        };
        let report = |column, message: String, remedy: &str| {
            let place = self.header.place(column);
            self.findings
                .add(line.finding(self.source, place, message, remedy));
        };
        let last = date(Column::ValidTo);
        if last.is_none()
            && self.header.get(line, Column::ValidTo).is_none()
            && self.header.get(line, Column::Status) == Some("retired")
        {
            report(
                Column::Status,
                "a retired SIM needs its last day".into(),
                "write it into `valid_to`: the SIM leaves the programme on the day after",
            );
        }
        let from = date(Column::ValidFrom)?;
        if let Some(last) = last
            && last < from
        {
            report(
                Column::ValidTo,
                format!("this row ends on {last} before it begins on {from}"),
                "give a last day that is not before the first; both belong to the row",
            );
            return None;
        }
        Some((from, last.and_then(|last| last.tomorrow().ok())))
    }

    fn note(&mut self, line: &Line<'_>, column: Column, validity: Option<(Date, Option<Date>)>) {
        let (Some(value), Some((from, until))) = (self.header.get(line, column), validity) else {
            return;
        };
        let span = line.span(self.header.place(column));
        self.conflicts
            .note(column, value, Mention { from, until, span });
    }
}
