//! The columns of a roster: which there are, which are refused, and what may stand in each.

use jiff::civil::Date;

use hissa_core::sim::{Imei, Imsi};

use super::csv_line::Line;
use super::finding::{Findings, Source};

/// A column of the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    Iccid,
    Imsi,
    Msisdn,
    AssetTag,
    DeviceImei,
    SchoolCode,
    SchoolNameFr,
    SchoolNameAr,
    CommuneCode,
    ProvinceCode,
    RegionCode,
    Milieu,
    Cohort,
    Grade,
    AlertLang,
    AdminGroups,
    ValidFrom,
    ValidTo,
    Status,
}

const COLUMNS: [(&str, Column); 19] = [
    ("iccid", Column::Iccid),
    ("imsi", Column::Imsi),
    ("msisdn", Column::Msisdn),
    ("asset_tag", Column::AssetTag),
    ("device_imei", Column::DeviceImei),
    ("school_code", Column::SchoolCode),
    ("school_name_fr", Column::SchoolNameFr),
    ("school_name_ar", Column::SchoolNameAr),
    ("commune_code", Column::CommuneCode),
    ("province_code", Column::ProvinceCode),
    ("region_code", Column::RegionCode),
    ("milieu", Column::Milieu),
    ("cohort", Column::Cohort),
    ("grade", Column::Grade),
    ("alert_lang", Column::AlertLang),
    ("admin_groups", Column::AdminGroups),
    ("valid_from", Column::ValidFrom),
    ("valid_to", Column::ValidTo),
    ("status", Column::Status),
];

/// Parts of a column's name that tell of a person. A roster is about SIMs and tablets, never about pupils.
const PERSONAL: [&str; 16] = [
    "nom",
    "prenom",
    "name",
    "cne",
    "massar",
    "cin",
    "birth",
    "naissance",
    "dob",
    "eleve",
    "student",
    "pupil",
    "parent",
    "mother",
    "father",
    "address",
];

/// What is wrong with a value, and what to do.
type Refusal = (&'static str, &'static str);

impl Column {
    /// Its name in the header.
    pub fn name(self) -> &'static str {
        // Every column stands in the table.
        COLUMNS
            .iter()
            .find(|(_, column)| *column == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether every SIM needs a value.
    pub fn needed(self) -> bool {
        use Column::{
            AssetTag, Cohort, CommuneCode, Imsi, Milieu, ProvinceCode, RegionCode, SchoolCode,
            ValidFrom,
        };
        matches!(
            self,
            Imsi | AssetTag
                | Cohort
                | SchoolCode
                | CommuneCode
                | ProvinceCode
                | RegionCode
                | Milieu
                | ValidFrom
        )
    }

    /// Whether the value can stand in this column.
    ///
    /// # Errors
    /// What is wrong, without the value, and what to do.
    pub fn check(self, value: &str) -> Result<(), Refusal> {
        let digits = |least: usize, most: usize| {
            (least..=most).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit())
        };
        let (fine, what, remedy) = match self {
            Column::Iccid => (
                digits(18, 22) && value.starts_with("89") && (value.len() > 20 || luhn(value)),
                "is not an ICCID (18 to 22 digits that begin with 89 and end with their check digit)",
                "copy it from the SIM card, or leave the column empty",
            ),
            Column::Imsi => (
                Imsi::parse(value).is_ok(),
                "is not an IMSI (6 to 15 digits)",
                "ask the carrier for the IMSI; a spreadsheet may have cut its zeros or written it as 6.04E+14",
            ),
            Column::Msisdn => (
                {
                    let number = value.strip_prefix('+').unwrap_or(value);
                    (8..=15).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
                },
                "is not a telephone number (8 to 15 digits)",
                "write it with its country code, or leave the column empty",
            ),
            Column::DeviceImei => (
                Imei::parse(value).is_ok(),
                "is not an IMEI (14 to 16 digits)",
                "read it from the tablet (*#06#), or leave the column empty",
            ),
            Column::AssetTag => (
                value.len() <= 32
                    && value
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
                    && !(value.len() >= 10 && digits(10, 32)),
                "is not a tag (up to 32 letters, digits, `-`, `_`, `.`, `/`; no long number)",
                "use the tag on the tablet, such as T-0412; a raw identifier is no tag",
            ),
            Column::Milieu => (
                matches!(value, "rural" | "urban"),
                "is neither rural nor urban",
                "write rural or urban",
            ),
            Column::AlertLang => (
                matches!(value, "ar" | "fr" | "en"),
                "is not a language of alerts",
                "write ar, fr or en, or leave it empty",
            ),
            Column::ValidFrom | Column::ValidTo => (
                is_date(value),
                "is not a date",
                "write a local date as year-month-day: 2026-02-01",
            ),
            Column::Status => (
                matches!(value, "active" | "retired"),
                "is neither active nor retired",
                "write active (or leave it empty), or retired with the last day in `valid_to`",
            ),
            Column::SchoolCode
            | Column::CommuneCode
            | Column::ProvinceCode
            | Column::RegionCode => (
                value.chars().count() <= 64 && !value.chars().any(char::is_control),
                "is longer than 64 characters",
                "use the official code",
            ),
            Column::SchoolNameFr
            | Column::SchoolNameAr
            | Column::Cohort
            | Column::Grade
            | Column::AdminGroups => (
                value.chars().count() <= 200 && !value.chars().any(char::is_control),
                "is longer than 200 characters",
                "shorten it",
            ),
        };
        if fine { Ok(()) } else { Err((what, remedy)) }
    }
}

fn is_date(value: &str) -> bool {
    // A date and nothing else: `parse` alone would read the date of a time as well.
    value.len() == 10 && value.parse::<Date>().is_ok()
}

/// The check digit of ISO/IEC 7812.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The header of a roster.
pub struct Header {
    /// `;` or `,`.
    pub delimiter: u8,
    /// Where the first row begins.
    pub end: usize,
    columns: Vec<Option<Column>>,
}

impl Header {
    /// Reads the first line; what is wrong goes to `findings`.
    pub fn read(source: &Source, findings: &Findings) -> Option<Header> {
        let before = findings.count();
        let bom = source.text.len() - source.text.trim_start_matches('\u{feff}').len();
        let end = source
            .text
            .find('\n')
            .map_or(source.text.len(), |at| at + 1);
        let line = source.text[bom..end].trim_end();
        if line.is_empty() {
            findings.add(source.whole(
                "the roster has no header",
                "begin with a line that names the columns: imsi,asset_tag,…",
            ));
            return None;
        }
        let delimiter = if line.contains(';') { ';' } else { ',' };
        let mut columns: Vec<Option<Column>> = Vec::new();
        let mut start = bom;
        for field in line.split(delimiter) {
            let span = start..start + field.len();
            start = span.end + 1;
            let name = field.trim().trim_matches('"').to_lowercase();
            let column = COLUMNS.iter().find(|(known, _)| *known == name);
            let column = column.map(|(_, column)| *column);
            if column.is_some_and(|column| columns.contains(&Some(column))) {
                findings.add(source.finding(span, format!("a second column `{name}`"), "keep one"));
            } else if column.is_none() {
                let (message, remedy) = unknown(&name);
                findings.add(source.finding(span, message, remedy));
            }
            columns.push(column);
        }
        for (name, column) in COLUMNS {
            if column.needed() && !columns.contains(&Some(column)) {
                findings.add(source.finding(
                    bom..end,
                    format!("the header lacks `{name}`"),
                    format!("add a column `{name}`"),
                ));
            }
        }
        (findings.count() == before).then_some(Header {
            delimiter: if delimiter == ';' { b';' } else { b',' },
            end,
            columns,
        })
    }

    /// The columns that are there.
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().flatten().copied()
    }

    /// How many fields a line has.
    pub fn fields(&self) -> usize {
        self.columns.len()
    }

    /// The place of a column, from 0.
    pub fn place(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|found| *found == Some(column))
    }

    /// The value of a column; none where it is empty or the column is absent.
    pub fn get<'a>(&self, line: &Line<'a>, column: Column) -> Option<&'a str> {
        line.get(self.place(column)?)
            .filter(|value| !value.is_empty())
    }
}

fn unknown(name: &str) -> (String, String) {
    let plain = name.replace(['é', 'è', 'ê'], "e");
    let personal = PERSONAL.iter().any(|word| {
        plain
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| part == *word || (word.len() > 4 && part.contains(word)))
    });
    if personal {
        return (
            format!("column `{name}` looks like data about a person"),
            "remove it: Hissa keeps SIMs and tablets, and refuses names, CNE, Massar, CIN and birth dates".into(),
        );
    }
    let nearest = COLUMNS
        .iter()
        .map(|(known, _)| (strsim::osa_distance(known, name), *known))
        .min();
    let remedy = match nearest {
        Some((distance, known)) if distance <= 2 || distance * 3 <= name.len() => {
            format!("did you mean `{known}`?")
        }
        _ => {
            let known: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
            format!("remove it; a roster knows {}", known.join(", "))
        }
    };
    (format!("unknown column `{name}`"), remedy)
}
