-- Quality of reported figures as a series: per provider, indicator and period how many units reported of those that ever do, how late the first
-- report was after the end of its period, and how far the newest figure is from the first. From observations alone, so nothing is computed twice
-- and a correction of today changes what is said of the past. Rules: indicators/quality.py (punctuality is that of the first report; a first
-- value of zero has no percentage). Entries of events have no due report: only indicators with a fold `reported`, or figures that are plans.
CREATE OR REPLACE VIEW quality AS
WITH
    figures AS
    (
        SELECT
            provider, indicator, component, figure, period_type, period_start, series,
            max(period_end) AS ends,
            argMin(tuple(value, ingested_at), tuple(revision, offset)) AS first,
            argMax(tuple(value, status, revision), tuple(revision, -offset)) AS newest
        FROM observations
        WHERE (figure != 'actual' OR (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'reported'))
        GROUP BY provider, indicator, component, figure, period_type, period_start, series
    ),
    units AS
    (
        SELECT provider, indicator, component, figure, period_type, uniqExact(series) AS expected
        FROM figures
        GROUP BY provider, indicator, component, figure, period_type
    )
SELECT
    f.provider AS provider, f.indicator AS indicator, f.component AS component, f.figure AS figure, f.period_type AS period_type,
    f.period_start AS period_start,
    countIf(f.newest.2 != 'deleted') AS reported,
    any(u.expected) AS expected,
    toDecimal64(reported, 6) * 100 / expected AS completeness_percent,
    quantileExactInclusive(0.5)(greatest(dateDiff('minute', f.ends, f.first.2), 0)) / 60 AS median_delay_hours,
    max(greatest(dateDiff('minute', f.ends, f.first.2), 0)) / 60 AS longest_delay_hours,
    countIf(f.newest.3 > 0 AND f.newest.1 != f.first.1 AND f.newest.2 != 'deleted') AS revised,
    avgIf(abs(toFloat64(f.newest.1 - f.first.1)) * 100 / abs(toFloat64(f.first.1)),
        f.newest.3 > 0 AND f.newest.1 != f.first.1 AND f.newest.2 != 'deleted' AND f.first.1 != 0) AS mean_revision_percent,
    avgIf(toFloat64(f.newest.1 - f.first.1) * 100 / abs(toFloat64(f.first.1)),
        f.newest.3 > 0 AND f.newest.1 != f.first.1 AND f.newest.2 != 'deleted' AND f.first.1 != 0) AS bias_percent
FROM figures AS f
INNER JOIN units AS u USING (provider, indicator, component, figure, period_type)
GROUP BY provider, indicator, component, figure, period_type, period_start;
