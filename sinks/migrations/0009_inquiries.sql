-- Acts on the two requests («đề nghị xác nhận số liệu», «yêu cầu báo cáo, giải trình»): which, under whose authority, with which outcome.
ALTER TABLE alert_actions
    ADD COLUMN IF NOT EXISTS inquiry LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS authority String DEFAULT '',
    ADD COLUMN IF NOT EXISTS document_number String DEFAULT '',
    ADD COLUMN IF NOT EXISTS outcome LowCardinality(String) DEFAULT '';
