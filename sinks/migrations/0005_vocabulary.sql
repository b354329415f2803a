-- The words: small tables, replaced as a whole whenever the vocabulary is loaded, so that every question can name what it shows.
CREATE TABLE IF NOT EXISTS territories
(
    code LowCardinality(String),
    name_vi String,
    short_name_vi String,
    kind LowCardinality(String),
    parent LowCardinality(String),
    province LowCardinality(String) COMMENT 'code of the province it lies in, itself for a province, empty for the country',
    lon Nullable(Float64),
    lat Nullable(Float64),
    area_km2 Nullable(Float64)
)
ENGINE = MergeTree ORDER BY code;

CREATE TABLE IF NOT EXISTS indicators
(
    id LowCardinality(String) COMMENT 'catalogue/code',
    catalogue LowCardinality(String),
    code LowCardinality(String),
    concept LowCardinality(String),
    name_vi String,
    name_en String,
    measure LowCardinality(String),
    policy_kind LowCardinality(String)
)
ENGINE = MergeTree ORDER BY id;

CREATE TABLE IF NOT EXISTS series_specs
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    concept LowCardinality(String),
    concept_group LowCardinality(String),
    fold LowCardinality(String) COMMENT 'event or reported: how actual figures are folded',
    additivity LowCardinality(String),
    measure_unit LowCardinality(String),
    scale Int32,
    subject_type LowCardinality(String)
)
ENGINE = MergeTree ORDER BY (indicator, component);

CREATE TABLE IF NOT EXISTS subjects
(
    type LowCardinality(String),
    id String,
    name_vi String,
    name_en String,
    territory LowCardinality(String),
    agency LowCardinality(String),
    lon Nullable(Float64),
    lat Nullable(Float64),
    limits Array(Tuple(name LowCardinality(String), value Decimal(38, 6))),
    origin LowCardinality(String)
)
ENGINE = MergeTree ORDER BY (type, id);

CREATE TABLE IF NOT EXISTS agencies
(
    code LowCardinality(String),
    name_vi String,
    name_en String,
    kind LowCardinality(String),
    parent_agency LowCardinality(String)
)
ENGINE = MergeTree ORDER BY code;

CREATE TABLE IF NOT EXISTS formulas
(
    id LowCardinality(String),
    name_vi String,
    name_en String,
    kind LowCardinality(String),
    indicator LowCardinality(String),
    component LowCardinality(String),
    level LowCardinality(String),
    measure_unit LowCardinality(String),
    figure_compared LowCardinality(String),
    places Int32
)
ENGINE = MergeTree ORDER BY id;
