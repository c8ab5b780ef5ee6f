//! A line of a CSV file with the places of its fields, and the masking of raw identifiers in what is quoted of it.

use std::ops::Range;

use super::finding::{Finding, Place, Source};

/// So many digits in a row may be an IMSI, IMEI, ICCID or MSISDN.
const DIGITS_MASKED: usize = 6;

/// One record.
pub struct Line<'a> {
    record: &'a csv::StringRecord,
    spans: Vec<Range<usize>>,
    number: usize,
}

impl<'a> Line<'a> {
    /// The record that stands at `range` of the source.
    pub fn new(
        source: &Source,
        range: Range<usize>,
        delimiter: u8,
        record: &'a csv::StringRecord,
    ) -> Line<'a> {
        let text = &source.text[range.clone()];
        // The reader counts empty lines before a record to it.
        let blank = text.len() - text.trim_start_matches(['\r', '\n']).len();
        let start = range.start + blank;
        Line {
            record,
            spans: spans(
                source.text[start..range.end].trim_end_matches(['\r', '\n']),
                start,
                delimiter,
            ),
            number: source.place(start..start, "").line,
        }
    }

    /// Its number in the file, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How many fields it has.
    pub fn fields(&self) -> usize {
        self.record.len()
    }

    /// A field without the spaces around it.
    pub fn get(&self, place: usize) -> Option<&'a str> {
        self.record.get(place).map(str::trim)
    }

    /// Where a field stands, or the whole line.
    pub fn span(&self, place: Option<usize>) -> Range<usize> {
        let whole = || {
            let first = self.spans.first().map_or(0, |span| span.start);
            first..self.spans.last().map_or(first, |span| span.end)
        };
        place
            .and_then(|place| self.spans.get(place).cloned())
            .unwrap_or_else(whole)
    }

    /// A finding at a field, or about the line, with identifiers masked.
    pub fn finding(
        &self,
        source: &Source,
        place: Option<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let mut finding = source.finding(self.span(place), message, remedy);
        finding.place = finding.place.map(masked);
        finding
    }
}

/// The place with long runs of digits of its line masked, in the same width.
pub fn masked(place: Place) -> Place {
    let mut excerpt: Vec<char> = place.excerpt.chars().collect();
    let mut run = 0;
    for at in 0..=excerpt.len() {
        // Spaces and dashes within digits do not hide an identifier, but dates are to be seen.
        if excerpt.get(at).is_some_and(char::is_ascii_digit) {
            run += 1;
            continue;
        }
        if run >= DIGITS_MASKED {
            excerpt[at - run..at].fill('•');
        }
        run = 0;
    }
    Place {
        excerpt: excerpt.into_iter().collect(),
        ..place
    }
}

fn spans(line: &str, start: usize, delimiter: u8) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let (mut begin, mut quoted) = (0, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if byte == delimiter && !quoted => {
                spans.push(start + begin..start + at);
                begin = at + 1;
            }
            _ => {}
        }
    }
    spans.push(start + begin..start + line.len());
    spans
}
