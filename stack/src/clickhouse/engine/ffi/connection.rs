//! Connections to the engine, and what runs on them.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;

use super::{Answer, Engine, Insert, RawConnection, RawResult, Rows, WithParams};

/// A connection: a session of its own, one statement at a time, on the thread that opened it.
pub struct Connection {
    pub(super) engine: &'static Engine,
    /// The library's pointer to its pointer. Raw pointers keep this type on one thread.
    handle: NonNull<RawConnection>,
}

/// What a statement does to what outlives it, by the engine's own parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    ReadOnly,
    Mutating,
    /// `SET`, `USE`, `SYSTEM`, `KILL`, …: session state and the engine itself.
    Control,
    /// It does not parse; the engine says why when it runs.
    Unknown,
}

/// See [`Connection::classify`]. The layout is the library's.
#[repr(C)]
pub(super) struct Analysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

impl Connection {
    pub(super) fn new(engine: &'static Engine, handle: NonNull<RawConnection>) -> Connection {
        Connection { engine, handle }
    }

    pub(super) fn raw(&self) -> RawConnection {
        // SAFETY: the library made this pointer in `connect`, it is freed in `drop` only.
        unsafe { *self.handle.as_ptr() }
    }

    /// Says how many statements `sql` holds and what kind they are, without running them.
    pub fn classify(&mut self, sql: &[u8]) -> (u32, Class) {
        let mut analysis = Analysis {
            struct_size: 0,
            statement_count: 0,
            flags: 0,
            query_class: 4,
        };
        analysis.struct_size = u32::try_from(size_of::<Analysis>()).unwrap_or(0);
        // SAFETY: `sql` is given with its length and only read; no target database; `analysis` is a struct of the
        // size that its first field says and lives through the call.
        let state = unsafe {
            (self.engine.functions.classify)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                std::ptr::null(),
                0,
                &raw mut analysis,
            )
        };
        let class = match analysis.query_class {
            0 => Class::ReadOnly,
            1 | 2 => Class::Mutating,
            3 => Class::Control,
            _ => Class::Unknown,
        };
        if state == 0 {
            (analysis.statement_count, class)
        } else {
            (0, Class::Unknown)
        }
    }

    /// Runs a statement and returns its whole answer.
    ///
    /// # Errors
    ///
    /// The engine's exception as text.
    pub fn query(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &Params,
    ) -> Result<Answer<'_>, String> {
        let result = self.call(self.engine.functions.query, sql, format, params);
        self.answer(result)
    }

    /// Starts a query whose answer is fetched in chunks.
    ///
    /// # Errors
    ///
    /// The engine's exception as text.
    pub fn stream(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &Params,
    ) -> Result<Rows<'_>, String> {
        let handle = self.call(self.engine.functions.stream_query, sql, format, params);
        let error = self.answer(handle).map(std::mem::forget);
        error.map(|()| Rows::new(self, handle))
    }

    /// Starts an INSERT (without `FORMAT`) whose data is then appended in `format`.
    ///
    /// # Errors
    ///
    /// The engine's exception as text.
    pub fn insert(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &Params,
    ) -> Result<Insert<'_>, String> {
        let handle = self.call(self.engine.functions.insert, sql, format, params);
        let insert = Insert::new(self, handle);
        match insert.error() {
            Some(error) => Err(error),
            None => Ok(insert),
        }
    }

    fn call(
        &self,
        function: WithParams<*mut c_void>,
        sql: &[u8],
        format: &str,
        params: &Params,
    ) -> *mut c_void {
        let pointers = |texts: &[String]| {
            texts
                .iter()
                .map(|text| text.as_ptr().cast())
                .collect::<Vec<*const c_char>>()
        };
        let lengths = |texts: &[String]| texts.iter().map(String::len).collect::<Vec<usize>>();
        // SAFETY: every string is given as pointer and length, is only read, and lives through the call; the library
        // copies what it keeps. `params` has as many values as names.
        unsafe {
            function(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                pointers(&params.names).as_ptr(),
                lengths(&params.names).as_ptr(),
                pointers(&params.values).as_ptr(),
                lengths(&params.values).as_ptr(),
                params.names.len(),
            )
        }
    }

    pub(super) fn answer<'a>(&self, result: RawResult) -> Result<Answer<'a>, String> {
        let answer = Answer::new(self.engine, result);
        if result.is_null() {
            return Err("the engine gave no answer".to_owned());
        }
        // SAFETY: `result` is a live result; the text belongs to it and is copied before it is destroyed.
        match unsafe { Engine::text((self.engine.functions.result_error)(result)) } {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the pointer is the one that `connect` gave, closed here and never used again. Results and streams
        // borrow the connection, so none is left.
        unsafe { (self.engine.functions.close)(self.handle.as_ptr()) };
    }
}

/// Query parameters: `{name:Type}` in the statement.
#[derive(Debug, Clone, Default)]
pub struct Params {
    names: Vec<String>,
    values: Vec<String>,
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Params {
        let (names, values) = pairs.into_iter().unzip();
        Params { names, values }
    }
}
