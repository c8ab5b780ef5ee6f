//! Snapshots in a local folder: `<generation>/<partition>/<logic>/<offset>.snap`.
//!
//! A file appears whole or not at all: it is written under another name, flushed to the disk, renamed, and the folder
//! is flushed. The same name means the same state, so that two owners that race do no harm. The newest three are kept.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How many snapshots of a partition are kept: one may be torn by a fault of the disk, and so may the next.
const KEPT: usize = 3;

/// Where the snapshots of all partitions are.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    folder: PathBuf,
    generation: u32,
    logic: u32,
}

/// A snapshot on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The last entry that is in it.
    pub offset: u64,
    pub path: PathBuf,
}

/// Why a snapshot could not be stored or listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {path}: {why}; check that the folder is there, writable, and not full")]
pub struct StoreError {
    doing: &'static str,
    path: PathBuf,
    why: io::Error,
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |why| StoreError { doing, path, why }
}

impl SnapshotStore {
    /// A store of the generation and logic; the folder is made when the first snapshot is.
    pub fn new(folder: &Path, generation: u32, logic: u32) -> SnapshotStore {
        SnapshotStore {
            folder: folder.to_owned(),
            generation,
            logic,
        }
    }

    /// The snapshots of a partition, the newest first. Other files are not looked at.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn list(&self, partition: u16) -> Result<Vec<Stored>, StoreError> {
        let folder = self.folder_of(partition);
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(failed("read the snapshots' folder", &folder)(why)),
        };
        let mut stored = Vec::new();
        for file in files {
            let path = file
                .map_err(failed("read the snapshots' folder", &folder))?
                .path();
            if let Some(offset) = offset_of(&path) {
                stored.push(Stored { offset, path });
            }
        }
        stored.sort_by_key(|stored| std::cmp::Reverse(stored.offset));
        Ok(stored)
    }

    /// The bytes of a snapshot.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, stored: &Stored) -> Result<Vec<u8>, StoreError> {
        fs::read(&stored.path).map_err(failed("read the snapshot", &stored.path))
    }

    /// Stores the state as of `offset`, and removes all but the newest three. When it returns, the bytes are on the
    /// disk.
    ///
    /// # Errors
    /// The disk is full, or the folder cannot be written; nothing is there under the snapshot's name then.
    pub fn store(&self, partition: u16, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let folder = self.folder_of(partition);
        make_folders(&folder)?;
        let path = folder.join(format!("{offset:020}.snap"));
        match fs::read(&path) {
            Ok(there) if there == bytes => return Ok(()),
            Ok(_) => tracing::warn!(
                path = %path.display(),
                "a snapshot of this offset is there with other bytes: it was torn, and is written anew"
            ),
            Err(_) => {}
        }
        let temporary = folder.join(format!(".{offset:020}.{}.part", std::process::id()));
        let written = write_through(&temporary, bytes)
            .map_err(failed("write the snapshot", &temporary))
            .and_then(|()| {
                fs::rename(&temporary, &path).map_err(failed("name the snapshot", &path))
            });
        if let Err(why) = written {
            // What is left of it is of no use; the error that matters is the first one.
            let _ = fs::remove_file(&temporary);
            return Err(why);
        }
        flush_folder(&folder)?;
        self.prune(partition)
    }

    fn prune(&self, partition: u16) -> Result<(), StoreError> {
        for old in self.list(partition)?.iter().skip(KEPT) {
            match fs::remove_file(&old.path) {
                Ok(()) => {}
                // Another owner was faster.
                Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => return Err(failed("remove the old snapshot", &old.path)(why)),
            }
        }
        Ok(())
    }

    fn folder_of(&self, partition: u16) -> PathBuf {
        self.folder
            .join(self.generation.to_string())
            .join(partition.to_string())
            .join(self.logic.to_string())
    }
}

fn offset_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".snap")?.parse().ok()
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name is on the disk when its folder is.
fn flush_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("flush the snapshots' folder", folder))
}

/// Makes the folder and those above it, each name flushed.
fn make_folders(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_folders(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
        Err(why) => return Err(failed("make the snapshots' folder", folder)(why)),
    }
    parent.map_or(Ok(()), flush_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(store: &SnapshotStore) -> Vec<u64> {
        store
            .list(3)
            .unwrap()
            .iter()
            .map(|stored| stored.offset)
            .collect()
    }

    #[test]
    fn the_newest_three_are_kept_by_number_and_not_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path(), 1, 1);
        assert_eq!(offsets(&store), [0; 0]);
        for offset in [9, 10, 100, 99] {
            store.store(3, offset, b"state").unwrap();
        }
        assert_eq!(offsets(&store), [100, 99, 10]);
        assert!(folder.path().join("1/3/1").is_dir());
    }

    #[test]
    fn nothing_else_in_the_folder_is_taken_for_a_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path(), 1, 1);
        store.store(3, 5, b"state").unwrap();
        let inside = folder.path().join("1/3/1");
        for name in [".00000000000000000006.77.part", "notes.txt", "x.snap"] {
            fs::write(inside.join(name), b"other").unwrap();
        }
        assert_eq!(offsets(&store), [5]);
    }

    #[test]
    fn a_second_writer_of_the_same_offset_changes_nothing_and_a_torn_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path(), 1, 1);
        for bytes in [&b"state"[..], b"state", b"whole"] {
            store.store(3, 5, bytes).unwrap();
            let stored = &store.list(3).unwrap()[0];
            assert_eq!(store.read(stored).unwrap(), bytes);
        }
        let names: Vec<_> = fs::read_dir(folder.path().join("1/3/1")).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file stays: {names:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let store = SnapshotStore::new(&file, 1, 1);
        let message = store.store(3, 5, b"state").unwrap_err().to_string();
        assert!(message.contains("file/1"), "{message}");
    }
}
