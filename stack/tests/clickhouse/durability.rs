//! What was acknowledged survives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clickhouse::{Client, Row};
use hissa_stack::clickhouse::ClickHouse;
use serde::Serialize;

use crate::harness::options;

/// Rows of a batch: one block, stored whole or not at all.
const ROWS: u64 = 5_000;

#[derive(Row, Serialize)]
struct Sample {
    batch: u64,
    row: u64,
    bytes: u64,
}

async fn insert(client: &Client, batch: u64) -> clickhouse::error::Result<()> {
    let mut insert = client.insert::<Sample>("samples").await?;
    for row in 0..ROWS {
        insert
            .write(&Sample {
                batch,
                row,
                bytes: batch * row,
            })
            .await?;
    }
    insert.end().await
}

/// Inserts until ClickHouse is gone; returns the acknowledged batches.
async fn insert_until_the_end(
    client: Client,
    next: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
) -> Vec<u64> {
    let mut stored = Vec::new();
    loop {
        let batch = next.fetch_add(1, Ordering::Relaxed);
        if insert(&client, batch).await.is_err() {
            return stored;
        }
        stored.push(batch);
        acknowledged.fetch_add(1, Ordering::Release);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_middle_of_inserts_loses_no_acknowledged_batch() {
    let folder = tempfile::tempdir().unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let mut acknowledged_batches = Vec::new();
    for round in 0..3 {
        let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
        let client = Client::default().with_url(clickhouse.url());
        let create = "CREATE TABLE IF NOT EXISTS samples (batch UInt64, row UInt64, bytes UInt64) \
                      ENGINE = ReplacingMergeTree ORDER BY (batch, row)";
        client.query(create).execute().await.unwrap();
        check(&client, &acknowledged_batches).await;

        let acknowledged = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..3)
            .map(|_| {
                tokio::spawn(insert_until_the_end(
                    client.clone(),
                    Arc::clone(&next),
                    Arc::clone(&acknowledged),
                ))
            })
            .collect();
        // Three writers always have an insert on its way, so the kill comes in the middle of some.
        while acknowledged.load(Ordering::Acquire) < 10 + 7 * round {
            tokio::task::yield_now().await;
        }
        clickhouse.kill().unwrap();
        for writer in writers {
            acknowledged_batches.extend(writer.await.unwrap());
        }
    }
    let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
    check(
        &Client::default().with_url(clickhouse.url()),
        &acknowledged_batches,
    )
    .await;
    clickhouse.stop().await.unwrap();
}

/// Every acknowledged batch is there; every batch that is there is whole.
async fn check(client: &Client, acknowledged: &[u64]) {
    let sql = "SELECT batch, count(), sum(bytes) FROM samples FINAL GROUP BY batch";
    let stored: Vec<(u64, u64, u64)> = client.query(sql).fetch_all().await.unwrap();
    let stored: BTreeMap<u64, (u64, u64)> = stored
        .into_iter()
        .map(|(batch, rows, bytes)| (batch, (rows, bytes)))
        .collect();
    for (batch, found) in &stored {
        assert_eq!(
            *found,
            (ROWS, batch * (ROWS - 1) * ROWS / 2),
            "batch {batch}"
        );
    }
    for batch in acknowledged {
        assert!(
            stored.contains_key(batch),
            "the acknowledged batch {batch} is lost"
        );
    }
}

#[tokio::test]
async fn inserts_are_synchronous_and_forced_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let clickhouse = ClickHouse::launch(options(folder.path())).await.unwrap();
    let client = Client::default().with_url(clickhouse.url());
    let sql = "SELECT DISTINCT name, value FROM (\
               SELECT name, value FROM system.merge_tree_settings UNION ALL SELECT name, value FROM system.settings) \
               WHERE name IN ('async_insert', 'fsync_after_insert', 'fsync_part_directory') ORDER BY name";
    // A client that asks for asynchronous inserts gets the more that it did not ask for.
    let found: Vec<(String, String)> = client
        .clone()
        .with_setting("async_insert", "1")
        .query(sql)
        .fetch_all()
        .await
        .unwrap();
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("async_insert", "0"),
            ("fsync_after_insert", "1"),
            ("fsync_part_directory", "1")
        ]
    );
    clickhouse.stop().await.unwrap();
}
