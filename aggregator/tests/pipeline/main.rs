//! Entries in, decisions, alerts and rows out: with the real Kafka and the real ClickHouse.

#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

mod feed;
#[path = "../scene/house.rs"]
mod house;
#[path = "../scene/mod.rs"]
mod scene;

use hissa_aggregator::clickhouse::{SchemaError, migrate};
use hissa_aggregator::snapshots::SnapshotStore;
use hissa_core::shard::LOGIC;
use hissa_core::sim::Partitions;

use feed::{feed, partitions};
use house::House;
use scene::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out_across_a_stop_and_a_crash() {
    let feed = feed();
    let house = House::build(partitions()).await;
    feed.publish(&house, 0, ..);
    let first = house.start();
    house.fresh(&feed.end_of(0)).await;
    first.stop().await;
    feed.compare_snapshots(&house, 0);

    // Dropped where it stands, some time after its first row of the second half; the next one begins at the snapshots.
    feed.publish(&house, 1, ..20);
    let mut abrupt = house.config.clone();
    abrupt.drain_ms = 0;
    let second = house.start_with(abrupt);
    let partition = feed.end_of(0).first_key_value().map(|(p, o)| (*p, o + 1));
    house.fresh(&partition.into_iter().collect()).await;
    second.stop().await;

    feed.publish(&house, 1, 20..);
    let mut watched = house.config.clone();
    watched.listen = free_address();
    let third = house.start_with(watched.clone());
    house.fresh(&feed.end_of(1)).await;
    let metrics = get(watched.listen, "/metrics").await.unwrap();
    for line in [
        "hissa_sims{programme=\"tablettes-2026\",state=\"enrolled\"} 60",
        "hissa_balance_discrepancy_records{feed=\"pgw\"} 0",
        "hissa_records_total{feed=\"pgw\",outcome=\"duplicate\",reason=\"\"} 0",
        "hissa_clickhouse_insert_failures_total{kind=\"lasting\",table=\"sim_day\"} 0",
        "hissa_flagged_records_total{feed=\"pgw\",flag=\"leaked_education\"} 0",
        "hissa_leaked_bytes_total{class=\"education\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} not in\n{metrics}");
    }
    assert!(
        get(watched.listen, "/readyz")
            .await
            .unwrap()
            .ends_with("ok\n")
    );
    third.stop().await;
    feed.compare(&house).await;
    feed.compare_snapshots(&house, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_clickhouse_is_away_decisions_go_on_and_rows_follow() {
    let feed = feed();
    let mut house = House::build(partitions()).await;
    feed.publish(&house, 0, ..);
    let running = house.start();
    house.fresh(&feed.end_of(0)).await;
    house.kill_clickhouse();
    feed.publish(&house, 1, ..);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while house.decisions().len() < feed.decisions.len() {
        assert!(
            std::time::Instant::now() < deadline,
            "decisions stand still"
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    house.start_clickhouse();
    house.fresh(&feed.end_of(1)).await;
    feed.compare(&house).await;
    running.stop().await;
    feed.compare_snapshots(&house, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_table_stops_rows_and_says_so_and_decisions_go_on() {
    let feed = feed();
    let house = House::build(partitions()).await;
    feed.publish(&house, 0, ..);
    let mut config = house.config.clone();
    config.listen = free_address();
    let running = house.start_with(config.clone());
    house.fresh(&feed.end_of(0)).await;
    let drop = house.client().query("DROP TABLE hissa.sim_cycle SYNC");
    drop.execute().await.unwrap();
    feed.publish(&house, 1, ..);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(90);
    let mut livez = String::new();
    while !livez.contains("refuses rows") || house.decisions().len() < feed.decisions.len() {
        assert!(std::time::Instant::now() < deadline, "{livez}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        livez = get(config.listen, "/livez").await.unwrap();
    }
    assert!(livez.contains("hissa.sim_cycle"), "{livez}");
    running.stop().await;
    // No snapshot hides the rows that were not written: they follow from the log once the schema is right.
    let store = SnapshotStore::new(&house.snapshots(), 1, LOGIC);
    for partition in partitions().numbers() {
        assert_eq!(store.list(partition).unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_again_and_a_newer_schema_is_refused() {
    let house = House::build(Partitions::try_from(1).unwrap()).await;
    let client = house.client();
    let version = migrate(&client).await.unwrap();
    assert_eq!(migrate(&client).await.unwrap(), version);
    let newer = version + 1;
    client
        .query(&format!(
            "INSERT INTO hissa.schema_version (version, name) SELECT {newer}, 'of the future'"
        ))
        .execute()
        .await
        .unwrap();
    let refused = migrate(&client).await.unwrap_err();
    assert!(
        matches!(refused, SchemaError::Newer { found, known } if found == newer && known == version),
        "{refused}"
    );
    let ended = house.start().end().await.unwrap_err().to_string();
    assert!(
        ended.contains("run the version of hissa that wrote it"),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_registry_halts_the_shard_and_not_the_process() {
    let house = House::build(Partitions::try_from(1).unwrap()).await;
    let sims = sims(2, Partitions::try_from(1).unwrap()).remove(0);
    // A block that begins at revision 5 is a gap: the shard stops, the process does not.
    let mut block = registry(&sims);
    block.from_rev = 5;
    house.publish(0, &[block_entry(0, &block)]);
    let address = free_address();
    let mut config = house.config.clone();
    config.listen = address;
    let running = house.start_with(config);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let why = loop {
        let text = get(address, "/livez").await.unwrap_or_default();
        if text.contains("has halted") {
            break text;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(
        why.contains("partition 0 has halted: registry block 5.."),
        "{why}"
    );
    running.stop().await;
}

/// An address that nobody listens on.
fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A page of a service.
async fn get(address: std::net::SocketAddr, path: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
