//! Rows as bytes, owned by the sink until ClickHouse has acknowledged them.

use bytes::Bytes;
use hissa_core::facts::Fact;

use super::row_binary::RowBinary;
use super::rows::Owner;
use super::tables::Table;
use crate::worker::Freshness;

/// The rows of one batch of one worker, by table. Made in the thread of the shard, so that the sink has only to send.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    rows: [Rows; Table::ALL.len()],
}

/// Rows of one table, ready to be sent, as often as need be.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub count: usize,
    pub bytes: Bytes,
}

impl Batch {
    /// Encodes what a worker wants written.
    pub fn encode(owner: Owner, facts: &[Fact], freshness: Option<&Freshness>) -> Batch {
        let mut counts = [0; Table::ALL.len()];
        let mut rows: [RowBinary; Table::ALL.len()] = Default::default();
        for fact in facts {
            let place = place(Table::of(fact));
            counts[place] += 1;
            owner.fact(&mut rows[place], fact);
        }
        if let Some(freshness) = freshness {
            let place = place(Table::Freshness);
            counts[place] += 1;
            owner.freshness(&mut rows[place], freshness);
        }
        let mut counts = counts.into_iter();
        Batch {
            rows: rows.map(|rows| Rows {
                count: counts.next().unwrap_or(0),
                bytes: rows.bytes.into(),
            }),
        }
    }

    /// The rows of a table.
    pub fn rows(&self, table: Table) -> &Rows {
        &self.rows[place(table)]
    }

    /// All rows.
    pub fn count(&self) -> usize {
        self.rows.iter().map(|rows| rows.count).sum()
    }
}

fn place(table: Table) -> usize {
    table as usize
}

/// The statement and the first bytes of an insert: names and types of the columns, which ClickHouse compares with the
/// table's. A column that was renamed or retyped is an error, never a row of nonsense.
pub(super) fn opening(table: Table) -> (String, Bytes) {
    let columns = table.columns();
    let mut header = RowBinary::default();
    header.length(columns.len());
    for (name, _) in columns {
        header.string(name);
    }
    for (_, kind) in columns {
        header.string(kind);
    }
    let names: Vec<String> = columns
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let sql = format!(
        "INSERT INTO hissa.{} ({}) FORMAT RowBinaryWithNamesAndTypes",
        table.name(),
        names.join(", ")
    );
    (sql, header.bytes.into())
}
