-- What the carrier was told, by closed booked day: decisions, and the SIMs that they were about. Cohorts of fewer than
-- k SIMs are hidden; no place is named, so that a small number speaks of a whole cohort and of no school.
CREATE OR REPLACE VIEW pub.decision_day
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    booked_day,
    toString(cohort)   AS cohort,
    toString(class)    AS class,
    toString(action)   AS action,
    toString(reason)   AS reason,
    count()            AS decisions,
    uniqExact(sim)     AS sims
FROM hissa.decision FINAL
WHERE generation = (SELECT generation FROM pub.reporting_rule)
  AND booked_day < (SELECT open_booked_day FROM hissa.closed)
  AND cohort IN (
      SELECT cohort FROM hissa.stay GROUP BY cohort HAVING uniqExact(sim) >= (SELECT k FROM pub.reporting_rule)
  )
GROUP BY booked_day, cohort, class, action, reason;
