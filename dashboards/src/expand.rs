//! What Grafana and its ClickHouse plugin do to a query: variables first, then macros.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The chosen values of variables, by name.
pub type Values = BTreeMap<String, Vec<String>>;

/// The time range of the page, in seconds since 1970, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub from: i64,
    pub to: i64,
}

/// What a query asks for that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    #[error("no value for the variable {0}: choose one")]
    Variable(String),
    #[error(
        "the format {1} of the variable {0} is not known here: csv, raw, singlequote or sqlstring"
    )]
    Format(String, String),
    #[error("the macro {0} is not known here")]
    Macro(String),
    #[error("a bracket after ${0} is never closed")]
    Open(String),
    #[error("{0} is no time between the years -9999 and 9999")]
    Time(i64),
}

/// Replaces variables (`$name`, `${name}`, `${name:format}`) and macros (`$__timeFilter(column)`,
/// `$__dateFilter(column)`, `$__fromTime`, `$__toTime`) as the plugin does.
///
/// # Errors
/// A variable without a value, or a format or macro that nobody here knows.
pub fn expand(sql: &str, values: &Values, range: TimeRange) -> Result<String, ExpandError> {
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let (replaced, behind) = if let Some(after) = after.strip_prefix('{') {
            let (inside, behind) = after
                .split_once('}')
                .ok_or_else(|| ExpandError::Open("{".into()))?;
            let (name, format) = inside.split_once(':').unwrap_or((inside, "raw"));
            (variable(name, format, values)?, behind)
        } else {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = after.find(|c| !word(c)).unwrap_or(after.len());
            let (name, behind) = after.split_at(end);
            match name.strip_prefix("__") {
                Some(name) => called(name, behind, range)?,
                None if name.is_empty() => ("$".to_owned(), behind),
                None => (variable(name, "raw", values)?, behind),
            }
        };
        text.push_str(&replaced);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn variable(name: &str, format: &str, values: &Values) -> Result<String, ExpandError> {
    let chosen = values
        .get(name)
        .filter(|chosen| !chosen.is_empty())
        .ok_or_else(|| ExpandError::Variable(name.into()))?;
    let quoted = |escape: &str| {
        let each = |value: &String| format!("'{}'", value.replace('\'', escape));
        chosen.iter().map(each).collect::<Vec<_>>().join(",")
    };
    match format {
        "singlequote" => Ok(quoted("\\'")),
        "sqlstring" => Ok(quoted("''")),
        // The plugin's own way with several values, where no format is named.
        "raw" if chosen.len() > 1 => Ok(format!("'{}'", chosen.join("','"))),
        "raw" | "csv" => Ok(chosen.join(",")),
        _ => Err(ExpandError::Format(name.into(), format.into())),
    }
}

/// A macro's text, and what stands behind it.
fn called<'a>(
    name: &str,
    behind: &'a str,
    range: TimeRange,
) -> Result<(String, &'a str), ExpandError> {
    let seconds = |at: i64| format!("toDateTime({at})");
    if matches!(name, "fromTime" | "toTime") {
        let at = if name == "fromTime" {
            range.from
        } else {
            range.to
        };
        return Ok((seconds(at), behind.strip_prefix("()").unwrap_or(behind)));
    }
    let (from, to) = match name {
        "timeFilter" => (seconds(range.from), seconds(range.to)),
        "dateFilter" => (day(range.from)?, day(range.to)?),
        _ => return Err(ExpandError::Macro(format!("$__{name}"))),
    };
    let (column, behind) =
        argument(behind).ok_or_else(|| ExpandError::Open(format!("__{name}")))?;
    Ok((format!("{column} >= {from} AND {column} <= {to}"), behind))
}

/// What stands in the brackets at the beginning, which may have brackets in it.
fn argument(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('(')?;
    let mut depth = 1_u32;
    for (place, c) in inside.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inside[..place], &inside[place + 1..]));
        }
    }
    None
}

fn day(at: i64) -> Result<String, ExpandError> {
    let at = Timestamp::from_second(at).map_err(|_| ExpandError::Time(at))?;
    Ok(format!(
        "toDate('{}')",
        TimeZone::UTC.to_datetime(at).date()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-02-01 00:00:00 and 2026-03-11 00:15:00 UTC.
    const RANGE: TimeRange = TimeRange {
        from: 1_769_904_000,
        to: 1_773_188_100,
    };

    #[test]
    fn variables_and_macros_become_what_the_plugin_makes_of_them() {
        let values = Values::from([
            ("cohort".into(), vec!["pilote-rural".into()]),
            ("province".into(), vec!["07.211".into(), "M'diq".into()]),
        ]);
        let table = [
            ("SELECT 1", "SELECT 1"),
            ("c = ${cohort:singlequote}", "c = 'pilote-rural'"),
            ("c = '$cohort' AND 1", "c = 'pilote-rural' AND 1"),
            (
                "p IN (${province:singlequote})",
                r"p IN ('07.211','M\'diq')",
            ),
            ("p IN (${province:sqlstring})", "p IN ('07.211','M''diq')"),
            ("p IN (${province})", "p IN ('07.211','M'diq')"),
            ("${province:csv}", "07.211,M'diq"),
            ("match(x, 'a$')", "match(x, 'a$')"),
            (
                "$__timeFilter(t) AND 1",
                "t >= toDateTime(1769904000) AND t <= toDateTime(1773188100) AND 1",
            ),
            (
                "$__dateFilter(toDate(t))",
                "toDate(t) >= toDate('2026-02-01') AND toDate(t) <= toDate('2026-03-11')",
            ),
            (
                "t > $__fromTime AND t < $__toTime()",
                "t > toDateTime(1769904000) AND t < toDateTime(1773188100)",
            ),
        ];
        for (sql, expected) in table {
            assert_eq!(
                expand(sql, &values, RANGE).as_deref(),
                Ok(expected),
                "{sql}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_an_error_and_never_sent() {
        let values = Values::from([("none".into(), Vec::new()), ("x".into(), vec!["1".into()])]);
        let table = [
            ("${month}", ExpandError::Variable("month".into())),
            ("$none", ExpandError::Variable("none".into())),
            (
                "${x:lucene}",
                ExpandError::Format("x".into(), "lucene".into()),
            ),
            ("$__adHoc(t)", ExpandError::Macro("$__adHoc".into())),
            ("$__timeFilter(t", ExpandError::Open("__timeFilter".into())),
            ("${x", ExpandError::Open("{".into())),
        ];
        for (sql, expected) in table {
            assert_eq!(expand(sql, &values, RANGE), Err(expected), "{sql}");
        }
    }
}
