//! The engine's start in this process: one data folder, durable inserts, no files beside it.

use std::ffi::CString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::clickhouse::engine::ffi::{Connection, Engine, LoadError, Params};
use crate::clickhouse::sql::guard::Guard;
use crate::clickhouse::wire::respond::Said;

/// The engine's own configuration: an insert is on the disk when it is answered, its folder entry too, so that not
/// even a power failure takes back what a client was told. (In SQL these are settings of each table; here they are
/// every table's default.) The bound on all queries together keeps the machine's other processes alive.
const CONFIGURATION: &str = "\
<clickhouse>
    <merge_tree>
        <fsync_after_insert>1</fsync_after_insert>
        <fsync_part_directory>1</fsync_part_directory>
    </merge_tree>
    <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
</clickhouse>
";

/// The engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(
        "the data folder {} is used by another running ClickHouse. Stop that one, or choose another folder.", folder.display()
    )]
    InUse { folder: PathBuf },
    #[error("{doing} {} failed: {source}. Check that the folder belongs to you and is writable.", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "ClickHouse's engine does not start on {}: the folder may be damaged or made by a newer version. Move it away \
         to start with an empty one.", folder.display()
    )]
    Refused { folder: PathBuf },
    #[error("ClickHouse's engine failed at its start: `{sql}` gave: {exception}")]
    Statement { sql: String, exception: String },
}

/// The engine, started. It stops when this is dropped after the last connection.
pub struct Started {
    pub engine: &'static Engine,
    /// What answers say of it.
    pub said: Said,
    /// What must not be asked of it.
    pub guard: Guard,
    /// Arguments of every further connection.
    pub arguments: Vec<CString>,
    /// Where large request bodies may wait: a folder of this process alone.
    pub spool_dir: PathBuf,
    /// The engine lives as long as one connection does, so one is never used up.
    keeper: Option<Connection>,
    /// Held as long as the engine runs: two engines on one folder would destroy it.
    _lock: File,
}

impl Started {
    /// Starts the engine of `library` on `data_dir`; a query may take `memory_bytes` of memory.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(
        library: &Path,
        data_dir: &Path,
        memory_bytes: u64,
    ) -> Result<Started, StartError> {
        fs::create_dir_all(data_dir).map_err(file("making", data_dir))?;
        let data_dir = fs::canonicalize(data_dir).map_err(file("looking for", data_dir))?;
        let lock = lock(&data_dir)?;
        let configuration = data_dir.join("engine.xml");
        fs::write(&configuration, CONFIGURATION).map_err(file("writing", &configuration))?;
        let engine_dir = data_dir.join("engine");
        let spool_dir = data_dir.join("spool");
        for folder in [&engine_dir, &spool_dir] {
            fs::create_dir_all(folder).map_err(file("making", folder))?;
        }
        // A relative path in a statement then leads nowhere.
        std::env::set_current_dir(&spool_dir).map_err(file("entering", &spool_dir))?;

        forget_an_empty_default(&engine_dir)?;
        let engine = Engine::load(library)?;
        let arguments = arguments(&engine_dir, &configuration, memory_bytes);
        let keeper = engine.connect(&arguments);
        let mut keeper = keeper.ok_or_else(|| StartError::Refused {
            folder: data_dir.clone(),
        })?;
        only_tables_in_default(&mut keeper)?;

        let said = Said {
            version: column(&mut keeper, "SELECT version()")?.concat(),
            timezone: column(&mut keeper, "SELECT timezone()")?.concat(),
        };
        let functions = column(&mut keeper, "SELECT name FROM system.table_functions")?;
        let mut engines = column(&mut keeper, "SELECT name FROM system.table_engines")?;
        engines.extend(column(
            &mut keeper,
            "SELECT name FROM system.database_engines",
        )?);
        let guard = Guard::new(&functions, &engines, memory_bytes);
        Ok(Started {
            engine,
            said,
            guard,
            arguments,
            spool_dir,
            keeper: Some(keeper),
            _lock: lock,
        })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.keeper.take());
        self.engine.shut_down();
    }
}

fn arguments(engine_dir: &Path, configuration: &Path, memory_bytes: u64) -> Vec<CString> {
    let texts = [
        "hissa-clickhouse".to_owned(),
        format!("--path={}", engine_dir.display()),
        format!("--config-file={}", configuration.display()),
        format!("--max_memory_usage={memory_bytes}"),
        // An insert is answered when it is stored; this engine would otherwise gather several.
        "--async_insert=0".to_owned(),
        // The library's own conveniences, which a server does not have.
        "--implicit_select=0".to_owned(),
        "--allow_introspection_functions=0".to_owned(),
    ];
    // A path with a zero byte cannot exist, so nothing is dropped here.
    texts
        .into_iter()
        .filter_map(|text| CString::new(text).ok())
        .collect()
}

/// The library's `default` database also shows every file of this machine as a table (`` SELECT * FROM `/etc/passwd` ``).
/// It is put back at each start, over the stored database; this takes it away again and leaves the stored one.
fn only_tables_in_default(keeper: &mut Connection) -> Result<(), StartError> {
    if column(
        keeper,
        "SELECT engine FROM system.databases WHERE name = 'default'",
    )?
    .concat()
        != "Overlay"
    {
        return Ok(());
    }
    run(keeper, "DETACH DATABASE default")?;
    // At the first start nothing is stored yet, and attaching fails.
    if run(keeper, "ATTACH DATABASE default").is_err() {
        run(keeper, "CREATE DATABASE default ENGINE = Atomic")?;
    }
    run(keeper, "USE default")
}

/// A stored `default` database in which no table was ever made cannot be attached again: the engine knows its UUID by
/// the folder of its tables, which the first table makes. It holds nothing, so it goes, and is made anew.
fn forget_an_empty_default(engine_dir: &Path) -> Result<(), StartError> {
    let stored = engine_dir.join("metadata/default.sql");
    let Ok(text) = fs::read_to_string(&stored) else {
        return Ok(());
    };
    let Some(uuid) = text
        .split('\'')
        .nth(1)
        .filter(|uuid| uuid.is_ascii() && uuid.len() == 36)
    else {
        return Ok(());
    };
    if engine_dir
        .join("store")
        .join(&uuid[..3])
        .join(uuid)
        .exists()
    {
        return Ok(());
    }
    fs::remove_file(&stored).map_err(file("removing", &stored))
}

fn run(connection: &mut Connection, sql: &str) -> Result<(), StartError> {
    column(connection, sql).map(drop)
}

/// The lines of an answer of one column.
fn column(connection: &mut Connection, sql: &str) -> Result<Vec<String>, StartError> {
    let answer = connection
        .query(sql.as_bytes(), "TabSeparatedRaw", &Params::default())
        .map_err(|exception| StartError::Statement {
            sql: sql.to_owned(),
            exception,
        })?;
    Ok(String::from_utf8_lossy(answer.bytes())
        .lines()
        .map(str::to_owned)
        .collect())
}

fn lock(data_dir: &Path) -> Result<File, StartError> {
    let path = data_dir.join("in-use.lock");
    let lock = File::create(&path).map_err(file("writing", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(StartError::InUse {
            folder: data_dir.to_owned(),
        }),
        Err(fs::TryLockError::Error(source)) => Err(file("locking", &path)(source)),
    }
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::File {
        doing,
        path,
        source,
    }
}
