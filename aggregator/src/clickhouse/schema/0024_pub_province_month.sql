-- Gigabytes (10^9 bytes) per enrolled SIM by province and month, zeros in; medians are exact (the mean of the middle
-- two). A SIM enrolled at any time in the month is one SIM, in the province of its last enrolled day; bytes stay in the
-- province where they were used. learning is education and unknown; the share of education lies between
-- education_share_low (nothing unknown was education) and education_share_high (all of it was).
-- Provinces of fewer than k SIMs are hidden; and where all hidden ones of a cohort and month together have fewer than
-- k, the next smallest are hidden too, so that the programme's total less the provinces shown tells of nobody. (A
-- province that all its SIMs have left has none, and its bytes are theirs all the same.)
CREATE OR REPLACE VIEW pub.province_month
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    cohort,
    region,
    if(r.name_fr = '', region, r.name_fr)      AS region_name_fr,
    if(r.name_ar = '', region, r.name_ar)      AS region_name_ar,
    province,
    if(p.name_fr = '', province, p.name_fr)    AS province_name_fr,
    if(p.name_ar = '', province, p.name_ar)    AS province_name_ar,
    month,
    enrolled_sims,
    zero_sims / enrolled_sims                  AS zero_share,
    learning_bytes,
    all_bytes,
    learning_bytes / enrolled_sims / 1e9       AS mean_gb,
    median_bytes / 1e9                         AS median_gb,
    education_bytes / nullIf(all_bytes, 0)     AS education_share_low,
    learning_bytes / nullIf(all_bytes, 0)      AS education_share_high
FROM
(
    SELECT
        *,
        count() OVER smaller - 1                          AS smaller_cells,
        sum(enrolled_sims) OVER smaller - enrolled_sims  AS smaller_sims
    FROM hissa.cell_month
    WHERE level = 'province'
    WINDOW smaller AS (
        PARTITION BY cohort, month ORDER BY enrolled_sims ASC, province ASC, region ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
) AS cell
LEFT JOIN (SELECT code, name_fr, name_ar FROM pub.area WHERE level = 'region') AS r ON r.code = cell.region
LEFT JOIN (SELECT code, name_fr, name_ar FROM pub.area WHERE level = 'province') AS p ON p.code = cell.province
WHERE enrolled_sims >= (SELECT k FROM pub.reporting_rule)
  AND (smaller_cells = 0 OR smaller_sims >= (SELECT k FROM pub.reporting_rule));
