//! A make-believe carrier: a seeded feed with known truth, obeying decisions
