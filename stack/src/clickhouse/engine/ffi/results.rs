//! What the engine answers: whole, in chunks, or while it takes rows.

use std::marker::PhantomData;
use std::slice;

use super::{Connection, Engine, RawInsert, RawResult};

/// An answer, or one chunk of it.
pub struct Answer<'a> {
    engine: &'static Engine,
    result: RawResult,
    connection: PhantomData<&'a mut Connection>,
}

/// What the engine counted while it made an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub read_rows: u64,
    pub read_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
}

impl Counts {
    /// Adds a further chunk's counts.
    pub fn add(&mut self, more: Counts) {
        let sums = [
            (&mut self.read_rows, more.read_rows),
            (&mut self.read_bytes, more.read_bytes),
            (&mut self.result_rows, more.result_rows),
            (&mut self.result_bytes, more.result_bytes),
            (&mut self.written_rows, more.written_rows),
            (&mut self.written_bytes, more.written_bytes),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Answer<'_> {
    pub(super) fn new(engine: &'static Engine, result: RawResult) -> Self {
        Answer {
            engine,
            result,
            connection: PhantomData,
        }
    }

    /// The formatted bytes.
    pub fn bytes(&self) -> &[u8] {
        let functions = &self.engine.functions;
        // SAFETY: the result is live as long as `self`; buffer and length belong together, and a null buffer (no
        // rows) is caught.
        unsafe {
            let buffer = (functions.result_buffer)(self.result);
            if buffer.is_null() {
                return &[];
            }
            slice::from_raw_parts(buffer, (functions.result_length)(self.result))
        }
    }

    /// What the engine counted.
    pub fn counts(&self) -> Counts {
        let functions = &self.engine.functions;
        // SAFETY: plain reads of numbers of a live result.
        unsafe {
            Counts {
                read_rows: (functions.storage_rows)(self.result),
                read_bytes: (functions.storage_bytes)(self.result),
                result_rows: (functions.result_rows)(self.result),
                result_bytes: (functions.result_bytes)(self.result),
                written_rows: (functions.rows_written)(self.result),
                written_bytes: (functions.bytes_written)(self.result),
            }
        }
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        if !self.result.is_null() {
            // SAFETY: the result is ours and destroyed once.
            unsafe { (self.engine.functions.destroy_result)(self.result) };
        }
    }
}

/// A query whose answer comes in chunks. Dropped before its end, it is cancelled.
pub struct Rows<'a> {
    connection: &'a mut Connection,
    handle: RawResult,
    ended: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(connection: &'a mut Connection, handle: RawResult) -> Rows<'a> {
        Rows {
            connection,
            handle,
            ended: false,
        }
    }

    /// The next chunk, or `None` at the end.
    ///
    /// # Errors
    ///
    /// The engine's exception as text; the query is over then.
    pub fn next_chunk(&mut self) -> Result<Option<Answer<'_>>, String> {
        if self.ended {
            return Ok(None);
        }
        // SAFETY: connection and handle are live, and `&mut self` makes fetches follow one another.
        let result = unsafe {
            (self.connection.engine.functions.stream_fetch)(self.connection.raw(), self.handle)
        };
        let answer = self
            .connection
            .answer(result)
            .inspect_err(|_| self.ended = true)?;
        if answer.bytes().is_empty() {
            self.ended = true;
            return Ok(None);
        }
        Ok(Some(answer))
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        let functions = &self.connection.engine.functions;
        // SAFETY: the handle is live until it is destroyed here, once; it is cancelled only while the query runs.
        unsafe {
            if !self.ended {
                (functions.stream_cancel)(self.connection.raw(), self.handle);
            }
            (functions.destroy_result)(self.handle);
        }
    }
}

/// An INSERT that takes its data in pieces. Dropped before [`Insert::finish`], it is cancelled.
pub struct Insert<'a> {
    connection: &'a mut Connection,
    handle: RawInsert,
    ended: bool,
}

impl<'a> Insert<'a> {
    pub(super) fn new(connection: &'a mut Connection, handle: RawInsert) -> Insert<'a> {
        Insert {
            connection,
            handle,
            ended: false,
        }
    }

    /// Hands over the next piece of data; blocks while the engine is behind.
    ///
    /// # Errors
    ///
    /// The engine's exception as text.
    pub fn append(&mut self, data: &[u8]) -> Result<(), String> {
        // SAFETY: the stream is live; the bytes are given with their length and copied by the library.
        let state = unsafe {
            (self.connection.engine.functions.insert_append)(
                self.handle,
                data.as_ptr().cast(),
                data.len(),
            )
        };
        if state == 0 {
            return Ok(());
        }
        Err(self
            .error()
            .unwrap_or_else(|| "the insert ended early".to_owned()))
    }

    /// Stores the rows and returns what was written.
    ///
    /// # Errors
    ///
    /// The engine's exception as text.
    pub fn finish(mut self) -> Result<Counts, String> {
        self.ended = true;
        // SAFETY: the stream is live and finished once.
        let result = unsafe { (self.connection.engine.functions.insert_done)(self.handle) };
        self.connection.answer(result).map(|answer| answer.counts())
    }

    pub(super) fn error(&self) -> Option<String> {
        // SAFETY: the stream is live; the text belongs to it and is copied.
        unsafe { Engine::text((self.connection.engine.functions.insert_error)(self.handle)) }
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        let functions = &self.connection.engine.functions;
        // SAFETY: the stream is live until it is destroyed here, once.
        unsafe {
            if !self.ended {
                (functions.insert_cancel)(self.handle);
            }
            (functions.insert_destroy)(self.handle);
        }
    }
}
