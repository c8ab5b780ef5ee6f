//! The schema, as numbered migrations.
//!
//! A migration is a file `schema/NNNN_name.sql` and a line in [`MIGRATIONS`]; a test compares the list with the folder.
//! 0001 to 0009 are the tables of facts, 0010 and up the views for analysts (0012 to 0019 are no more: see 0020). In a
//! file:
//!
//! - statements end with a semicolon at the end of a line, and no other line ends with one;
//! - a comment is a line of its own that begins with `--`;
//! - every statement can run again (`IF NOT EXISTS`, `OR REPLACE`), for two aggregators may start at once, and a crash
//!   may come between a statement and the row that remembers it;
//! - databases are named (`hissa.sim_day`, `pub.…`).
//!
//! A file that was released is not changed: what is to be different is a new migration.

use clickhouse::Client;
use clickhouse::error::Error;

/// A numbered file of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        &[$(Migration { version: $version, name: $name, sql: include_str!(concat!("schema/", $name, ".sql")) }),*]
    };
}

/// All migrations, in the order of their numbers. The first one runs at every start.
const MIGRATIONS: &[Migration] = migrations![
    1 "0001_databases",
    2 "0002_sim_day",
    3 "0003_sim_cycle",
    4 "0004_decision",
    5 "0005_outcome_day",
    6 "0006_assignment",
    7 "0007_freshness",
    8 "0008_place_hour",
    9 "0009_flag_day",
    10 "0010_pub_area",
    11 "0011_pub_reporting_rule",
    20 "0020_full_forms",
    21 "0021_stay",
    22 "0022_sim_month",
    23 "0023_cell_month",
    24 "0024_pub_province_month",
    25 "0025_pub_programme_month",
    26 "0026_pub_outcome_day",
    27 "0027_pub_restatement",
    28 "0028_pub_decision_day",
    29 "0029_pub_freshness",
    30 "0030_pub_hour",
    31 "0031_pub_quality_day",
];

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(
        "the ClickHouse schema is at version {found}, and this binary knows it up to {known}: run the version of hissa that wrote it, or a newer one"
    )]
    Newer { found: u32, known: u32 },
    #[error("ClickHouse refused migration {name} at \"{statement}\": {why}")]
    Refused {
        name: &'static str,
        /// The beginning of the statement.
        statement: String,
        why: Error,
    },
    #[error("cannot read the schema's version from ClickHouse: {0}")]
    Unreadable(Error),
}

/// Applies the migrations that were not applied yet, and returns the schema's version.
///
/// # Errors
/// The schema is newer than this binary, or ClickHouse does not answer or refuses.
pub async fn migrate(client: &Client) -> Result<u32, SchemaError> {
    migrate_with(client, MIGRATIONS).await
}

async fn migrate_with(client: &Client, migrations: &[Migration]) -> Result<u32, SchemaError> {
    let (first, known) = match (migrations.first(), migrations.last()) {
        (Some(first), Some(last)) => (first, last.version),
        _ => return Ok(0),
    };
    apply(client, first).await?;
    let applied = client
        .query_raw("SELECT DISTINCT version FROM hissa.schema_version ORDER BY version")
        .fetch_all::<u32>()
        .await
        .map_err(SchemaError::Unreadable)?;
    if let Some(found) = applied.last().copied().filter(|found| *found > known) {
        return Err(SchemaError::Newer { found, known });
    }
    for migration in migrations {
        if applied.contains(&migration.version) {
            continue;
        }
        apply(client, migration).await?;
        let remember = format!(
            "INSERT INTO hissa.schema_version (version, name) SELECT {}, '{}'",
            migration.version, migration.name
        );
        run(client, migration.name, &remember).await?;
        tracing::info!(migration = migration.name, "ClickHouse schema: applied");
    }
    // Inserts validate against columns that the client may have asked for before.
    client.clear_cached_metadata().await;
    Ok(known)
}

async fn apply(client: &Client, migration: &Migration) -> Result<(), SchemaError> {
    for statement in statements(migration.sql) {
        run(client, migration.name, &statement).await?;
    }
    Ok(())
}

async fn run(client: &Client, name: &'static str, statement: &str) -> Result<(), SchemaError> {
    client
        .query_raw(statement)
        .execute()
        .await
        .map_err(|why| SchemaError::Refused {
            name,
            statement: statement.lines().next().unwrap_or_default().to_owned(),
            why,
        })
}

/// The statements of a file, one a request, without comments and semicolons.
fn statements(sql: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for line in sql.lines() {
        let line = line.trim_end();
        if line.is_empty() || line.trim_start().starts_with("--") {
            continue;
        }
        match line.strip_suffix(';') {
            Some(last) => {
                open.push(last);
                statements.push(open.join("\n"));
                open.clear();
            }
            None => open.push(line),
        }
    }
    if !open.is_empty() {
        statements.push(open.join("\n"));
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/clickhouse/schema");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> = MIGRATIONS
            .iter()
            .map(|migration| format!("{}.sql", migration.name))
            .collect();
        assert_eq!(listed, files);
        for migration in MIGRATIONS {
            assert!(
                migration
                    .name
                    .starts_with(&format!("{:04}_", migration.version)),
                "{migration:?}"
            );
        }
    }

    #[test]
    fn every_statement_can_run_again() {
        for migration in MIGRATIONS {
            for statement in statements(migration.sql) {
                assert!(
                    statement.contains("IF NOT EXISTS")
                        || statement.contains("OR REPLACE")
                        || statement.contains("IF EXISTS"),
                    "{}: {statement}",
                    migration.name
                );
            }
        }
    }

    #[test]
    fn a_file_is_cut_at_semicolons_that_end_a_line() {
        let sql = "-- about;\nSELECT 1;\n\nSELECT ';',\n  -- why\n  2;\nSELECT 3\n";
        assert_eq!(
            statements(sql),
            ["SELECT 1", "SELECT ';',\n  2", "SELECT 3"]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_from_before_the_full_forms_is_brought_up_to_date() {
        let engine = super::super::tests::engine().await;
        let client = &engine.client;
        let before: Vec<Migration> = MIGRATIONS
            .iter()
            .filter(|migration| !matches!(migration.version, 8 | 9 | 20..))
            .copied()
            .collect();
        migrate_with(client, &before).await.unwrap();
        for statement in [
            // What its views were under.
            "INSERT INTO hissa.schema_version (version, name) SELECT number, 'gone' FROM numbers(12, 8)",
            "INSERT INTO hissa.assignment (generation, sim, valid_from, booked_day, cohort, version) \
             VALUES (1, unhex('ab'), '2026-02-01', '2026-02-01', 'rural', 1)",
            "INSERT INTO hissa.freshness VALUES (1, 0, 9, 0, '2026-03-01', 9)",
        ] {
            client.query(statement).execute().await.unwrap();
        }
        assert_eq!(migrate(client).await.unwrap(), 31);
        let stays = client
            .query("SELECT cohort, toString(valid_until) FROM hissa.stay")
            .fetch_all::<(String, String)>()
            .await
            .unwrap();
        assert_eq!(stays, [("rural".into(), "2299-12-31".into())]);
    }
}
