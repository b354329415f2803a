-- What a report still owes, by code, beside its alert (rules of kind due).
ALTER TABLE conditions ADD COLUMN IF NOT EXISTS missing String DEFAULT '' CODEC(ZSTD(1));
ALTER TABLE alert_events ADD COLUMN IF NOT EXISTS missing String DEFAULT '' CODEC(ZSTD(1));
ALTER TABLE alert_current ADD COLUMN IF NOT EXISTS missing String DEFAULT '' CODEC(ZSTD(1));
