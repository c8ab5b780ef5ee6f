//! What ClickHouse says of the whole deployment.

use std::collections::BTreeMap;

use clickhouse::error::Error;
use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

/// Up to where a partition's rows are written.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Fresh {
    pub partition: u16,
    pub offset: u64,
    pub clock_ms: i64,
}

/// Decisions in force.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct InForce {
    pub class: String,
    pub action: String,
    pub sims: u64,
}

/// Rows by feed and outcome.
pub async fn outcomes(
    client: &Client,
    generation: u32,
) -> Result<BTreeMap<String, BTreeMap<String, u64>>, Error> {
    #[derive(Row, Deserialize)]
    struct Outcome {
        feed: String,
        outcome: String,
        records: u64,
    }
    let sql = "SELECT toString(feed) AS feed, toString(outcome) AS outcome, sum(records) AS records \
        FROM hissa.outcome_day FINAL WHERE generation = ? GROUP BY feed, outcome";
    let rows = client
        .query(sql)
        .bind(generation)
        .fetch_all::<Outcome>()
        .await?;
    let mut feeds: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for row in rows {
        feeds
            .entry(row.feed)
            .or_default()
            .insert(row.outcome, row.records);
    }
    Ok(feeds)
}

/// Freshness by partition.
pub async fn freshness(client: &Client, generation: u32) -> Result<Vec<Fresh>, Error> {
    let sql = "SELECT partition, offset, clock_ms FROM hissa.freshness FINAL WHERE generation = ? ORDER BY partition";
    client.query(sql).bind(generation).fetch_all().await
}

/// How many SIMs are enrolled.
pub async fn sims(client: &Client, generation: u32) -> Result<u64, Error> {
    let sql = "SELECT uniqExact(sim) FROM hissa.assignment WHERE generation = ?";
    client.query(sql).bind(generation).fetch_one().await
}

/// How many SIMs each action of each class is in force for: the newest decision of a (SIM, class).
pub async fn in_force(client: &Client, generation: u32) -> Result<Vec<InForce>, Error> {
    let sql = "SELECT toString(class) AS class, toString(action) AS action, count() AS sims FROM \
        (SELECT sim, class, argMax(action, sequence) AS action FROM hissa.decision WHERE generation = ? GROUP BY sim, class) \
        GROUP BY class, action ORDER BY class, action";
    client.query(sql).bind(generation).fetch_all().await
}
