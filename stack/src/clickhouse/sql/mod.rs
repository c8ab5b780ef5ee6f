//! What the front must know of a statement before the engine sees it: its tokens, where an INSERT's data begins, and
//! what is refused.

pub mod guard;
pub mod insert;
pub mod inside;
pub mod output;
pub mod readers;
pub mod settings;
pub mod token;
