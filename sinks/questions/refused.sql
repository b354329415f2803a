-- name_vi: Số liệu bị từ chối, theo khâu và lý do
-- name_en: Refused input by stage and reason
-- column: stage | Khâu
-- column: reason | Lý do
-- column: source | Nguồn
-- column: letters | Số bản ghi
-- column: first_seen | Lần đầu
-- column: last_appended | Lần cuối
SELECT stage, reason, source, letters, first_seen, last_appended FROM dead_letter_counts ORDER BY letters DESC, stage, reason LIMIT 1000
