//! The engine: the library behind safe types, its start in this process, and the connections that statements run on.

pub mod ffi;
pub mod pool;
pub mod start;
pub mod statement;
pub mod text;
