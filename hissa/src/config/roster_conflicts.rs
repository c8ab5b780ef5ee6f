//! Rows of a roster that contradict each other: one SIM, or one tablet, in two places on one day.
//!
//! Several rows of one SIM, one after the other, are its assignments over time.

use std::collections::HashMap;
use std::ops::Range;

use jiff::civil::Date;

use super::csv_line::masked;
use super::finding::{Findings, Source};
use super::roster_header::Column;

/// A row that speaks of a SIM or a tablet.
#[derive(Clone, Debug)]
pub struct Mention {
    pub from: Date,
    /// Exclusive; none where the row has no end.
    pub until: Option<Date>,
    /// Where the identifier stands.
    pub span: Range<usize>,
}

/// All rows by IMSI and by asset tag.
#[derive(Default)]
pub struct Conflicts {
    imsis: HashMap<String, Vec<Mention>>,
    tags: HashMap<String, Vec<Mention>>,
}

impl Conflicts {
    /// Notes a row.
    pub fn note(&mut self, column: Column, value: &str, mention: Mention) {
        let of = match column {
            Column::Imsi => &mut self.imsis,
            _ => &mut self.tags,
        };
        of.entry(value.to_owned()).or_default().push(mention);
    }

    /// Reports each row that speaks of days of which another one speaks, with both lines.
    pub fn report(self, source: &Source, findings: &Findings) {
        for (column, all) in [(Column::Imsi, self.imsis), (Column::AssetTag, self.tags)] {
            for mut mentions in all.into_values().filter(|mentions| mentions.len() > 1) {
                // Of two rows that begin on one day the upper one counts as the first.
                mentions.sort_by_key(|mention| (mention.from, mention.span.start));
                for pair in mentions.windows(2) {
                    if pair[0].until.is_none_or(|until| until > pair[1].from) {
                        report(source, findings, column, &pair[0], &pair[1]);
                    }
                }
            }
        }
    }
}

fn report(source: &Source, findings: &Findings, column: Column, one: &Mention, other: &Mention) {
    // The lower line is at fault, for people read from the top.
    let (upper, lower) = if one.span.start < other.span.start {
        (one, other)
    } else {
        (other, one)
    };
    let days = |mention: &Mention| match mention.until.and_then(|until| until.yesterday().ok()) {
        Some(last) => format!("{} to {last}", mention.from),
        None => format!("{} on, without an end", mention.from),
    };
    let name = column.name();
    let first = source.place(upper.span.clone(), format!("from {}", days(upper)));
    let (what, remedy) = if one.from == other.from {
        (
            format!(
                "this `{name}` stands in line {} already, from the same day",
                first.line
            ),
            "keep one of the two lines".to_owned(),
        )
    } else {
        (
            format!(
                "this `{name}` stands in line {} already, for some of the same days",
                first.line
            ),
            format!(
                "keep one of the two lines, or end the earlier one with `valid_to` on {} at the latest",
                other.from.yesterday().unwrap_or(other.from)
            ),
        )
    };
    let mut finding = source
        .finding(lower.span.clone(), what, remedy)
        .noting(format!("from {}", days(lower)))
        .seeing(masked(first));
    finding.place = finding.place.map(masked);
    findings.add(finding);
}
