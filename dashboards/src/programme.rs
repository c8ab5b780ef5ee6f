//! The dashboard *Programme*, read from its file.

use serde::Deserialize;
use serde_json::Value;

const PROGRAMME: &str = include_str!("../grafana/dashboards/programme.json");

/// A panel: a question, and the query that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// The question.
    pub title: String,
    pub description: String,
    /// How it is drawn: `stat`, `barchart`, `table`, …
    pub kind: String,
    /// With variables and macros in it: see [`expand`](crate::expand).
    pub sql: String,
    pub format: Format,
}

/// The shape that a panel needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The first column is a time, the others are numbers.
    TimeSeries,
    /// Columns of any type; a bar chart's first column is the text under its bars.
    Table,
}

/// A variable that a query fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    /// Returns one column: the values, or `text|value` where `pairs`.
    pub sql: String,
    /// Whether the text that people choose differs from the value in the queries.
    pub pairs: bool,
    /// Whether several values can be chosen.
    pub multi: bool,
}

/// The file is not the dashboard that this binary was made for.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    #[error("reading the dashboard Programme: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "panel \"{title}\" of the dashboard Programme has format {format}: expected 0 (time series) or 1 (table)"
    )]
    Format { title: String, format: u8 },
}

#[derive(Deserialize)]
struct File {
    panels: Vec<PanelJson>,
    templating: Templating,
}

#[derive(Deserialize)]
struct PanelJson {
    title: String,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    targets: [Target; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    raw_sql: String,
    format: u8,
}

#[derive(Deserialize)]
struct Templating {
    list: Vec<Value>,
}

#[derive(Deserialize)]
struct QueryVariable {
    name: String,
    query: String,
    regex: String,
    multi: bool,
}

/// The panels, in the order of the page.
///
/// # Errors
/// The embedded file is not as expected (a test forbids that).
pub fn panels() -> Result<Vec<Panel>, DashboardError> {
    let file: File = serde_json::from_str(PROGRAMME)?;
    let panel = |panel: PanelJson| {
        let [target] = panel.targets;
        let format = match target.format {
            0 => Format::TimeSeries,
            1 => Format::Table,
            format => {
                return Err(DashboardError::Format {
                    title: panel.title,
                    format,
                });
            }
        };
        Ok(Panel {
            title: panel.title,
            description: panel.description,
            kind: panel.kind,
            sql: target.raw_sql,
            format,
        })
    };
    file.panels.into_iter().map(panel).collect()
}

/// The variables that queries fill, in the order in which they depend on each other.
///
/// # Errors
/// The embedded file is not as expected (a test forbids that).
pub fn variables() -> Result<Vec<Variable>, DashboardError> {
    let file: File = serde_json::from_str(PROGRAMME)?;
    let mut variables = Vec::new();
    for value in file.templating.list {
        if value["type"] == "query" {
            let variable: QueryVariable = serde_json::from_value(value)?;
            variables.push(Variable {
                name: variable.name,
                sql: variable.query,
                pairs: !variable.regex.is_empty(),
                multi: variable.multi,
            });
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Value {
        serde_json::from_str(PROGRAMME).unwrap()
    }

    #[test]
    fn six_panels_ask_a_question_each_and_say_how_to_read_the_answer() {
        let panels = panels().unwrap();
        assert_eq!(panels.len(), 6);
        for panel in panels {
            assert!(panel.title.ends_with('?'), "{}", panel.title);
            assert!(panel.description.len() > 60, "{}", panel.title);
            assert_eq!(panel.format, Format::Table, "{}", panel.title);
        }
    }

    #[test]
    fn analysts_read_views_of_pub_and_nothing_else() {
        let queries = panels().unwrap().into_iter().map(|panel| panel.sql);
        let filled = variables()
            .unwrap()
            .into_iter()
            .map(|variable| variable.sql);
        for sql in queries.chain(filled) {
            let words: Vec<&str> = sql.split_whitespace().collect();
            for pair in words
                .windows(2)
                .filter(|pair| matches!(pair[0], "FROM" | "JOIN"))
            {
                assert!(pair[1].starts_with("pub."), "{sql}");
            }
        }
    }

    #[test]
    fn the_file_is_what_grafana_11_6_to_13_load() {
        let file = file();
        assert_eq!(file["schemaVersion"], 42);
        assert_eq!(file["id"], Value::Null);
        for panel in file["panels"].as_array().unwrap() {
            let target = &panel["targets"][0];
            for source in [&panel["datasource"], &target["datasource"]] {
                assert_eq!(source["type"], "grafana-clickhouse-datasource");
                assert_eq!(source["uid"], "${datasource}");
            }
            assert_eq!(target["editorType"], "sql");
            assert_eq!(target["queryType"], "table");
            assert!(target["pluginVersion"].is_string());
            assert_eq!(target["refId"], "A");
        }
    }

    #[test]
    fn no_two_panels_overlap() {
        let mut taken = std::collections::BTreeSet::new();
        for panel in file()["panels"].as_array().unwrap() {
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(place.0 < 24 && taken.insert(place), "{}", panel["title"]);
            }
        }
    }

    #[test]
    fn a_variable_comes_behind_those_that_it_depends_on() {
        let variables = variables().unwrap();
        let names: Vec<&str> = variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        assert_eq!(names, ["cohort", "region", "province", "month"]);
        for (place, variable) in variables.iter().enumerate() {
            for name in &names[place..] {
                assert!(
                    !variable.sql.contains(&format!("${{{name}")),
                    "{}",
                    variable.name
                );
            }
        }
    }
}
