//! The demo's path from end to end, compared with the truth
