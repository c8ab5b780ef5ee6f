//! The HTTP interface: reading requests, answering them, and the server around both.

pub mod answer;
pub mod form;
pub mod request;
pub mod server;
