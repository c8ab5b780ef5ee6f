-- What the views for analysts go by, in one place:
--   generation         the generation of the log that is shown;
--   k                  fewer enrolled SIMs than this are not shown;
--   closes_after_days  civil days from the end of a month until it closes, as in the programme.
CREATE OR REPLACE VIEW pub.reporting_rule AS
SELECT
    toUInt32(1)  AS generation,
    toUInt64(10) AS k,
    toUInt16(7)  AS closes_after_days;
