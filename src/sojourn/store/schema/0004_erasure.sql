-- What is about to be deleted: sources whole, or single events of sources of which others stay. Deletions name these
-- rows and never a person, as the engine keeps the text of each. What is left here after a crash is deleted at the start.
-- source_id may also be the id of a derived session, which is then forgotten and derived anew from what stays.
CREATE TABLE IF NOT EXISTS doomed_sources (
    frontend LowCardinality(String),
    source_id String,
    whole UInt8
)
ENGINE = MergeTree
ORDER BY (frontend, source_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE TABLE IF NOT EXISTS doomed_events (
    frontend LowCardinality(String),
    source_id String,
    event_id UUID
)
ENGINE = MergeTree
ORDER BY (frontend, source_id, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Who and what was erased, as keyed hashes: events from before an erasure that arrive later are refused.
CREATE TABLE IF NOT EXISTS tombstones (
    frontend LowCardinality(String),
    digest String,
    erased_at Int64
)
ENGINE = ReplacingMergeTree(erased_at)
ORDER BY (frontend, digest)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
