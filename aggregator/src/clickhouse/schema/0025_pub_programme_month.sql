-- As pub.province_month, over a cohort as a whole; the median is over its SIMs, not over its provinces. Cohorts of fewer
-- than k SIMs are hidden.
CREATE OR REPLACE VIEW pub.programme_month
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    cohort,
    month,
    enrolled_sims,
    zero_sims / enrolled_sims               AS zero_share,
    learning_bytes,
    all_bytes,
    learning_bytes / enrolled_sims / 1e9    AS mean_gb,
    median_bytes / 1e9                      AS median_gb,
    education_bytes / nullIf(all_bytes, 0)  AS education_share_low,
    learning_bytes / nullIf(all_bytes, 0)   AS education_share_high
FROM hissa.cell_month
WHERE level = 'cohort'
  AND enrolled_sims >= (SELECT k FROM pub.reporting_rule);
