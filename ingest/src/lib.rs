//! Carrier feeds into hissa.usage
