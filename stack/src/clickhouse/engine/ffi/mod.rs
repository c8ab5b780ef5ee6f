//! `libchdb` behind safe types. The only unsafe code of the front.
//!
//! The library is never unloaded: its threads and destructors would outlive its code.
#![allow(unsafe_code)]

mod connection;
mod results;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use libloading::Library;

use connection::Analysis;
pub use connection::{Class, Connection, Params};
pub use results::{Answer, Counts, Insert, Rows};

/// The library cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("loading {} failed: {source}. Fetch it again (`hissa stack up` does), or name another with --lib.", path.display())]
    Load {
        path: PathBuf,
        source: libloading::Error,
    },
    #[error(
        "{} has no `{name}`: it is not the pinned version of libchdb. Fetch it again (`hissa stack up` does).", path.display()
    )]
    Symbol { path: PathBuf, name: &'static str },
}

/// What a C function answers with: an opaque result that must be destroyed.
type RawResult = *mut c_void;
type RawConnection = *mut c_void;
type RawInsert = *mut c_void;
/// Names and lengths, values and lengths, how many: the last five arguments of each function with parameters.
type WithParams<T> = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> T;

/// Declares the table of functions and how it is filled.
macro_rules! functions {
    ($($field:ident: $symbol:literal as $kind:ty,)+) => {
        struct Functions { $($field: $kind,)+ }

        impl Functions {
            fn of(library: &Library, path: &Path) -> Result<Functions, LoadError> {
                Ok(Functions { $($field: {
                    // SAFETY: the type is the one that the library's header declares for this name, in the version
                    // that is pinned. The address stays good because the library is never unloaded.
                    let found = unsafe { library.get::<$kind>($symbol) };
                    *found.map_err(|_| LoadError::Symbol { path: path.to_owned(), name: $symbol })?
                },)+ })
            }
        }
    };
}

functions! {
    set_signal_handlers: "chdb_set_signal_handlers_enabled" as unsafe extern "C" fn(c_int),
    connect: "chdb_connect" as unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut RawConnection,
    close: "chdb_close_conn" as unsafe extern "C" fn(*mut RawConnection),
    query: "chdb_query_with_params_n" as WithParams<RawResult>,
    stream_query: "chdb_stream_query_with_params_n" as WithParams<RawResult>,
    stream_fetch: "chdb_stream_fetch_result" as unsafe extern "C" fn(RawConnection, RawResult) -> RawResult,
    stream_cancel: "chdb_stream_cancel_query" as unsafe extern "C" fn(RawConnection, RawResult),
    destroy_result: "chdb_destroy_query_result" as unsafe extern "C" fn(RawResult),
    insert: "chdb_stream_insert_with_params_n" as WithParams<RawInsert>,
    insert_append: "chdb_stream_append" as unsafe extern "C" fn(RawInsert, *const c_void, usize) -> c_int,
    insert_done: "chdb_stream_done" as unsafe extern "C" fn(RawInsert) -> RawResult,
    insert_cancel: "chdb_stream_cancel_insert" as unsafe extern "C" fn(RawInsert),
    insert_error: "chdb_stream_insert_error" as unsafe extern "C" fn(RawInsert) -> *const c_char,
    insert_destroy: "chdb_destroy_insert_stream" as unsafe extern "C" fn(RawInsert),
    result_buffer: "chdb_result_buffer" as unsafe extern "C" fn(RawResult) -> *const u8,
    result_length: "chdb_result_length" as unsafe extern "C" fn(RawResult) -> usize,
    result_error: "chdb_result_error" as unsafe extern "C" fn(RawResult) -> *const c_char,
    result_rows: "chdb_result_rows_read" as unsafe extern "C" fn(RawResult) -> u64,
    result_bytes: "chdb_result_bytes_read" as unsafe extern "C" fn(RawResult) -> u64,
    storage_rows: "chdb_result_storage_rows_read" as unsafe extern "C" fn(RawResult) -> u64,
    storage_bytes: "chdb_result_storage_bytes_read" as unsafe extern "C" fn(RawResult) -> u64,
    rows_written: "chdb_result_rows_written" as unsafe extern "C" fn(RawResult) -> u64,
    bytes_written: "chdb_result_bytes_written" as unsafe extern "C" fn(RawResult) -> u64,
    classify: "chdb_classify_query_n" as unsafe extern "C" fn(
        RawConnection, *const c_char, usize, *const c_char, usize, *mut Analysis) -> c_int,
    shutdown: "chdb_shutdown" as unsafe extern "C" fn() -> c_int,
}

/// The loaded library.
pub struct Engine {
    functions: Functions,
}

impl Engine {
    /// Loads the library at `path`, once a process. It leaves the process's signals alone.
    ///
    /// # Errors
    ///
    /// The file is no library, or not the one that is pinned.
    pub fn load(path: &Path) -> Result<&'static Engine, LoadError> {
        // SAFETY: loading runs the library's initialisers. They are ClickHouse's own, made to be loaded into a process
        // that has started threads, and touch nothing of ours.
        let library = unsafe { Library::new(path) };
        let library = library.map_err(|source| LoadError::Load {
            path: path.to_owned(),
            source,
        })?;
        let functions = Functions::of(&library, path)?;
        std::mem::forget(library);
        // SAFETY: plain call with a number, before the first connection as the header asks.
        unsafe { (functions.set_signal_handlers)(0) };
        Ok(Box::leak(Box::new(Engine { functions })))
    }

    /// Opens a connection. The first one starts the engine with `arguments` (`--path=…` among them); settings among
    /// them are the connection's own. `None` where the engine does not start: it says no reason.
    pub fn connect(&'static self, arguments: &[CString]) -> Option<Connection> {
        let mut pointers: Vec<*mut c_char> = arguments
            .iter()
            .map(|argument| argument.as_ptr().cast_mut())
            .collect();
        let count = c_int::try_from(pointers.len()).ok()?;
        // SAFETY: `pointers` holds `count` pointers to strings that end with a zero and live through the call, which
        // only reads them.
        let handle = unsafe { (self.functions.connect)(count, pointers.as_mut_ptr()) };
        NonNull::new(handle).map(|handle| Connection::new(self, handle))
    }

    /// Stops the engine's threads. Every connection must be closed; without effect otherwise.
    pub fn shut_down(&self) {
        // SAFETY: no argument. The library refuses by itself while a connection is open.
        unsafe { (self.functions.shutdown)() };
    }

    /// # Safety
    ///
    /// `text` is null or a string that ends with a zero and lives through the call.
    unsafe fn text(text: *const c_char) -> Option<String> {
        if text.is_null() {
            return None;
        }
        // SAFETY: as the caller promised.
        Some(
            unsafe { CStr::from_ptr(text) }
                .to_string_lossy()
                .into_owned(),
        )
    }
}

/// Ends the process at once, without destructors: the engine's would race with a statement that still runs.
pub fn leave(code: i32) -> ! {
    // SAFETY: the call takes a number and does not return.
    unsafe { libc::_exit(code) }
}
