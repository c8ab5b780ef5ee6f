//! ClickHouse's refusals, in a sentence with its remedy.

use clickhouse::error::Error;

/// What people are told when ClickHouse does not answer a question.
pub fn unanswered(why: Error) -> anyhow::Error {
    let told = why.to_string();
    if told.contains("UNKNOWN_DATABASE") || told.contains("UNKNOWN_TABLE") {
        anyhow::anyhow!(
            "ClickHouse has no tables of Hissa yet: start `hissa up`, or `hissa aggregate`, which makes them"
        )
    } else {
        anyhow::Error::from(why).context("asking ClickHouse")
    }
}
