//! Settings that a request may not change, and the bound on memory.

use crate::clickhouse::exception::Exception;

/// Settings by which a statement would reach files, the network, or SQL that this front does not see.
const REFUSED: [&str; 23] = [
    "additional_result_filter",
    "additional_table_filters",
    "allow_experimental_ai_functions",
    "allow_experimental_eval_table_function",
    "allow_experimental_kusto_dialect",
    "allow_experimental_polyglot_dialect",
    "allow_experimental_prql_dialect",
    "allow_introspection_functions",
    "default_table_engine",
    "default_temporary_table_engine",
    "dialect",
    "format_avro_schema_registry_url",
    "format_schema",
    "format_schema_source",
    "format_template_resultset",
    "format_template_row",
    "implicit_select",
    "input_format_record_errors_file_path",
    "output_format_schema",
    "parallel_replicas_custom_key",
    "polyglot_dialect",
    "rename_files_after_processing",
    "url_base",
];

/// Settings that are accepted and left alone: every insert here is synchronous and durable when it is answered, which
/// is more than they ask for.
const IGNORED: [&str; 2] = ["async_insert", "wait_for_async_insert"];

/// What becomes of a setting.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is handed to the engine.
    Apply,
    /// It has no meaning here.
    Ignore,
}

/// Judges the setting `name = value` of a request or of a statement's `SETTINGS`.
///
/// # Errors
///
/// The setting is refused to everyone, `readonly` would be lifted, or the memory bound would be passed.
pub fn judge(name: &str, value: &str, memory_bytes_max: u64) -> Result<Verdict, Exception> {
    let lower = name.to_ascii_lowercase();
    if REFUSED.contains(&lower.as_str()) {
        return Err(Exception::denied(format!(
            "the setting `{name}` could reach files, the network or statements that are not checked here"
        )));
    }
    if IGNORED.contains(&lower.as_str()) {
        return Ok(Verdict::Ignore);
    }
    if lower == "readonly" {
        return Err(Exception::readonly(
            "Cannot modify 'readonly' setting in readonly mode",
        ));
    }
    if lower == "max_memory_usage" || lower == "max_memory_usage_for_user" {
        // What is no number is left to the engine, which says so in its own words. 0 means "without a bound".
        let wanted = value.trim().parse::<u64>();
        if wanted.is_ok_and(|wanted| wanted == 0 || wanted > memory_bytes_max) {
            return Err(Exception::new(
                452,
                format!(
                    "Setting {name} shouldn't be greater than {memory_bytes_max}, which is what this ClickHouse \
                     gives a query: start it with a larger --memory-per-query"
                ),
                "SETTING_CONSTRAINT_VIOLATION",
            ));
        }
    }
    Ok(Verdict::Apply)
}

/// The statement that applies `settings` to a connection, or `None` where there are none.
///
/// # Errors
///
/// A name that is no setting's name, so that it cannot carry SQL.
pub fn statement(settings: &[(String, String)]) -> Result<Option<String>, Exception> {
    if settings.is_empty() {
        return Ok(None);
    }
    let mut pairs = Vec::with_capacity(settings.len());
    for (name, value) in settings {
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
            && !name.starts_with(|first: char| first.is_ascii_digit());
        if !is_name {
            return Err(Exception::new(
                115,
                format!("Unknown setting '{name}'"),
                "UNKNOWN_SETTING",
            ));
        }
        pairs.push(format!("{name} = {}", text(value)));
    }
    Ok(Some(format!("SET {}", pairs.join(", "))))
}

/// `value` as a string literal.
pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// `name` as a quoted identifier.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_reaches_out_or_lifts_a_bound_is_refused() {
        for (name, value, expected) in [
            ("max_threads", "4", Ok(Verdict::Apply)),
            ("ASYNC_INSERT", "1", Ok(Verdict::Ignore)),
            ("max_memory_usage", "100", Ok(Verdict::Apply)),
            ("max_memory_usage", "1001", Err(452)),
            ("max_memory_usage", "0", Err(452)),
            ("readonly", "0", Err(164)),
            ("Dialect", "kusto", Err(497)),
            ("additional_table_filters", "{}", Err(497)),
        ] {
            let found = judge(name, value, 1000).map_err(|refused| refused.code());
            assert_eq!(found, expected, "of {name} = {value}");
        }
    }

    #[test]
    fn settings_become_one_statement_and_no_name_carries_sql() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let set = statement(&[pair("a", "1"), pair("b.c", "it's \\")]).unwrap();
        assert_eq!(set.unwrap(), "SET a = '1', b.c = 'it\\'s \\\\'");
        assert!(statement(&[]).unwrap().is_none());
        for name in ["a = 1, b", "", "1a", "a;b", "é"] {
            assert_eq!(
                statement(&[pair(name, "1")]).unwrap_err().code(),
                115,
                "of {name:?}"
            );
        }
    }
}
