//! The engine, and what its two users do with it.

use clickhouse::Client;
use hissa_aggregator::clickhouse::migrate;
use hissa_stack::clickhouse::{ClickHouse, ClickHouseOptions, User};
use hissa_stack::download::chdb;
use hissa_stack::{Report, folders};
use serde_json::Value;

/// A running engine with the schema in it, and its two users.
pub struct Engine {
    _process: ClickHouse,
    _folder: tempfile::TempDir,
    pub owner: Client,
    pub analyst: Client,
}

impl Engine {
    pub async fn start() -> Engine {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("clickhouse");
        let launch = move || {
            let report = Report::to(|progress| eprintln!("{progress}"));
            let library = ClickHouseOptions::library_override();
            let options = ClickHouseOptions {
                data_dir,
                port: None,
                lib: library
                    .unwrap_or_else(|| chdb::fetch(&folders::cache().unwrap(), &report).unwrap()),
                binary: ClickHouseOptions::beside_this_program().unwrap(),
                users: vec![
                    User::owner("hissa", "o"),
                    User::reader("analyst", "a", &["pub"]),
                ],
                memory_per_query_mib: None,
            };
            ClickHouse::launch_blocking(&options, &report).unwrap()
        };
        let process = tokio::task::spawn_blocking(launch).await.unwrap();
        let client = Client::default().with_url(process.url());
        let owner = client.clone().with_user("hissa").with_password("o");
        migrate(&owner).await.unwrap();
        Engine {
            owner,
            analyst: client.with_user("analyst").with_password("a"),
            _process: process,
            _folder: folder,
        }
    }

    pub async fn insert(&self, table: &str, rows: &[String]) {
        let sql = format!("INSERT INTO hissa.{table} VALUES {}", rows.join(", "));
        self.owner.query(&sql).execute().await.unwrap();
    }

    /// What an analyst sees, as lines of values.
    pub async fn sees(&self, sql: &str) -> Vec<String> {
        let rows = self.answers(sql).await;
        let line = |row: &Value| {
            let values = row.as_array().unwrap().iter();
            let text = |value: &Value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            };
            values.map(text).collect::<Vec<_>>().join(" ")
        };
        rows["data"].as_array().unwrap().iter().map(line).collect()
    }

    pub async fn answers(&self, sql: &str) -> Value {
        let mut cursor = self.analyst.query(sql).fetch_bytes("JSONCompact").unwrap();
        let bytes = cursor
            .collect()
            .await
            .unwrap_or_else(|why| panic!("{why}: {sql}"));
        serde_json::from_slice(&bytes).unwrap()
    }
}
