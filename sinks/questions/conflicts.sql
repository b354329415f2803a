-- name_vi: Báo cáo trùng, một số liệu hai nguồn, tổng không khớp các phần
-- name_en: Duplicated reports, figures with two sources, wholes that differ from their parts
-- parameter: kind String = | duplicate, two_sources, parts_differ; để trống: tất cả / empty: all
-- parameter: indicator String = | mã chỉ số; để trống: tất cả / indicator; empty: all
-- parameter: months Int32 = 14 | các kỳ kết thúc trong số tháng gần đây / periods that end within the last months
-- parameter: as_of Moment = now | theo hiểu biết vào thời điểm, dd/mm/yyyy hh:mm / as known at a moment
-- column: kind | Loại
-- column: indicator_name | Chỉ số
-- column: figure | Số liệu
-- column: territory_name | Địa bàn
-- column: subject | Đối tượng, phân tổ
-- column: period_start | Kỳ (từ ngày)
-- column: providers | Cơ quan cung cấp
-- column: said | Giá trị
-- column: records | Bản ghi
-- column: times | Số lần
-- duplicate: what one provider said again; two_sources: of one series and period by more than one provider (Decision 1012/QĐ-TTg I.3: one
-- source); parts_differ: the country's figure against the sum of all provinces, beyond what rounding explains. Rules: indicators/quality.py. Only what
-- was told more than once can be in conflict: one cheap pass finds those units, and two units under one hash are told apart after it. Both kinds
-- of conflict are found in one reading: planning it twice cost as much as reading.
WITH
    sent_by AS
    (
        SELECT
            indicator, component, figure, series, period_start, provider,
            arraySort(groupUniqArray((revision, received_at, topic, partition, offset, value, status, source_record_id))) AS sent,
            arrayCompact(x -> x.1, sent) AS kept
        FROM reports
        WHERE period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32}) AND received_at <= {as_of:DateTime64(3, 'UTC')}
            AND ({indicator:String} = '' OR indicator = {indicator:String}) AND {kind:String} != 'parts_differ'
            AND cityHash64(series_hash, period_start) IN
            (
                SELECT cityHash64(series_hash, period_start) AS unit FROM reports
                WHERE period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32}) AND received_at <= {as_of:DateTime64(3, 'UTC')}
                    AND ({indicator:String} = '' OR indicator = {indicator:String}) AND {kind:String} != 'parts_differ'
                GROUP BY unit HAVING count() > 1
            )
            AND status NOT IN ('receipt', 'receipt_gone')
            AND (figure != 'actual' OR (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'reported'))
        GROUP BY indicator, component, figure, period_type, series, period_start, provider
    ),
    told AS
    (
        SELECT
            indicator, component, figure, series, period_start,
            arraySort(groupArray(tuple(provider, kept[-1].6, kept[-1].8, kept[-1].7, sent.6, sent.8,
                length(sent) - length(arrayCompact(x -> (ifNull(x.6, 0), x.7), kept))))) AS tellers,
            arrayFilter(x -> x.4 != 'deleted', tellers) AS live,
            arrayConcat(
                arrayMap(x -> ('duplicate', [x.1], x.5, x.6, toUInt64(x.7)), arrayFilter(x -> x.7 > 0, tellers)),
                if(length(live) > 1, [('two_sources', live.1, live.2, arrayMap(x -> x.2, arraySort(arrayZip(live.1, live.3))), toUInt64(length(live)))], []))
                AS conflicts
        FROM sent_by
        GROUP BY indicator, component, figure, series, period_start
    ),
    found AS
    (
        SELECT conflict.1 AS kind, indicator, component, figure, series, period_start, conflict.2 AS providers, conflict.3 AS said, conflict.4 AS records,
            conflict.5 AS times
        FROM told ARRAY JOIN conflicts AS conflict
        UNION ALL
        SELECT
            'parts_differ', v.indicator, v.component, v.figure, concat(v.indicator, '|', v.component, '|VN|||', v.figure), v.period_start,
            arraySort(groupUniqArray(v.provider)), [anyIf(v.value, v.territory = 'VN'), sumIf(v.value, v.territory != 'VN')], [], count() - 1
        FROM territory_values AS v FINAL
        INNER JOIN series_specs AS s ON s.indicator = v.indicator AND s.component = v.component
        WHERE v.status != 'deleted' AND s.additivity IN ('flow', 'stock') AND (v.figure != 'actual' OR s.fold = 'reported')
            AND v.territory IN (SELECT code FROM territories WHERE kind = 'province' OR code = 'VN')
            AND v.period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})
            AND v.period_type NOT IN ('instant', 'hour', 'day', 'week')
            AND ({indicator:String} = '' OR v.indicator = {indicator:String}) AND {kind:String} IN ('', 'parts_differ')
        GROUP BY v.indicator, v.component, v.figure, v.period_type, v.period_start
        HAVING countIf(v.territory = 'VN') = 1 AND count() - 1 = (SELECT count() FROM territories WHERE kind = 'province')
            AND abs(anyIf(v.value, v.territory = 'VN') - sumIf(v.value, v.territory != 'VN')) > count() * exp10(-any(s.scale)) / 2
    )
SELECT
    f.kind AS kind, coalesce(nullIf(i.name_vi, ''), f.indicator) || if(f.component = '', '', ' · ' || f.component) AS indicator_name,
    f.figure AS figure, coalesce(nullIf(t.name_vi, ''), splitByChar('|', f.series)[3]) AS territory_name,
    trim(concat(splitByChar('|', f.series)[4], ' ', splitByChar('|', f.series)[5])) AS subject, f.period_start AS period_start,
    arrayStringConcat(f.providers, ', ') AS providers,
    arrayStringConcat(arrayMap(x -> ifNull(replaceOne(toString(x), '.', ','), '–'), f.said), ' · ') AS said,
    arrayStringConcat(f.records, ' · ') AS records, f.times AS times
FROM found AS f
LEFT JOIN indicators AS i ON i.id = f.indicator
LEFT JOIN territories AS t ON t.code = splitByChar('|', f.series)[3]
WHERE {kind:String} = '' OR f.kind = {kind:String}
ORDER BY period_start DESC, kind, indicator_name, territory_name, subject
LIMIT 1000
