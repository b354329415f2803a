-- Which office issued a request («đề nghị xác nhận số liệu», «yêu cầu báo cáo, giải trình»), and which answers that office has looked at.
ALTER TABLE alert_actions
    ADD COLUMN IF NOT EXISTS issuing_office String DEFAULT '' COMMENT 'office@place, told of the answer';

CREATE TABLE IF NOT EXISTS request_looks
(
    answer String COMMENT 'action_id of the answer',
    looked_at DateTime64(3, 'UTC') COMMENT 'when the audit line was appended'
)
ENGINE = ReplacingMergeTree
ORDER BY answer
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_looks_feed TO request_looks AS
SELECT JSONExtractString(body, 'with') AS answer, appended AS looked_at
FROM audit
WHERE JSONExtractString(body, 'did') = 'requests.look';

-- Acts on the two requests of alerts, each once, with what the alerts process made of it (empty: not yet). Withheld with their alert.
CREATE OR REPLACE VIEW board_requests AS
SELECT
    acts.action_id AS action_id, acts.alert_id AS alert_id, acts.action AS action, acts.actor AS actor, acts.note AS note,
    acts.acted_at AS acted_at, acts.inquiry AS inquiry, acts.authority AS authority, acts.document_number AS document_number,
    acts.outcome AS outcome, acts.issuing_office AS issuing_office, told.transition AS transition, told.note AS said,
    acts.action_id IN (SELECT answer FROM request_looks) AS looked
FROM
(
    SELECT * FROM alert_actions
    WHERE inquiry != '' AND alert_id IN
    (
        SELECT alert_id FROM alert_current FINAL
        WHERE territory IN
            (
                SELECT code FROM territories
                WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
                    OR (province != '' AND has({territories:Array(String)}, province))
            )
            AND series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32})
            AND indicator NOT IN
            (
                SELECT name FROM formula_operands
                WHERE operand IN (SELECT indicator FROM restricted_series WHERE access_level > {clearance:Int32})
            )
    )
    LIMIT 1 BY action_id
) AS acts
LEFT JOIN
(
    SELECT alert_id, cause, toString(transition) AS transition, note FROM alert_events
    WHERE alert_id IN (SELECT alert_id FROM alert_actions WHERE inquiry != '')
    LIMIT 1 BY alert_id, cause
) AS told ON told.alert_id = acts.alert_id AND told.cause = acts.action_id;
