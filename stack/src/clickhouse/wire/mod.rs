//! Bytes on the wire: compressions of both kinds, the two layouts of Native blocks, and how an answer is sent.

pub mod blocks;
pub mod decode;
pub mod encode;
pub mod native;
pub mod respond;
pub mod types;
