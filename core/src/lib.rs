//! The pure core of Hissa: what a byte counts for, what a SIM may do, and why
