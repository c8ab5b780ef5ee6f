-- What assignments and decisions say since the rules are complete. Columns are added here, and the views that follow
-- bear new numbers (0021 and up; 0012 to 0019 were theirs before), though no released version knew the old ones: so a
-- database of a demo or a test bench that was made before is brought up to date like any other, and nobody is told
-- to throw one away. The views' old files are gone, for OR REPLACE makes their text obsolete.
--
-- valid_until is exclusive, and null where the assignment has no end; one at or before valid_from takes the assignment
-- back. offset is the entry of hissa.usage that decided, also where no row did.
ALTER TABLE hissa.assignment
    ADD COLUMN IF NOT EXISTS valid_until Nullable(Date32) AFTER booked_day;

ALTER TABLE hissa.decision
    ADD COLUMN IF NOT EXISTS allowance LowCardinality(String) AFTER cycle,
    ADD COLUMN IF NOT EXISTS granted_bytes UInt64 AFTER limit_bytes,
    ADD COLUMN IF NOT EXISTS apply_after_ms Int64 AFTER effective_at_ms,
    ADD COLUMN IF NOT EXISTS `offset` UInt64 AFTER rule;
