-- Sessions of clients that do not manage them, and of client session ids whose events break the timeouts, as
-- summaries/ derives them from the set of events; see docs/derived-sessions.md.

-- Whether the sessions of a client's session id are in derived_sessions. Once they were, they stay there, whole again or
-- not: so the word never has to be taken back.
ALTER TABLE session_states ADD COLUMN IF NOT EXISTS derived SimpleAggregateFunction(max, UInt8);

-- One row a session. version is the number of events that were looked at: of two nodes that derived one source, who saw
-- more is right. void takes a session away that late events joined to another one, or cut elsewhere.
-- A place is that of an event in the total order: timestamp, stream, sequence, event id. The session's events are those
-- of the source from first_place on and before next_place; those before tagged_place have the carried identifier.
-- Not synced at each insert: what a power cut takes is derived again at the next start.
CREATE TABLE IF NOT EXISTS derived_sessions (
    frontend LowCardinality(String),
    session_id String,
    source_id String,
    version UInt64,
    void UInt8,
    first_place Tuple(Int64, String, Int64, String),
    next_place Tuple(Int64, String, Int64, String),
    tagged_place Tuple(Int64, String, Int64, String),
    inherited_identifier String,
    carried_identifier String,
    instance_id String,
    context String,
    previous_session_id String,
    clock_offset Int64,
    start_time Int64,
    end_time Int64,
    start_reason LowCardinality(String),
    end_reason LowCardinality(String),
    user_identifier String,
    user_identifiers Array(String),
    event_count UInt64,
    action_count UInt64,
    error_count UInt64,
    missing_events Int64,
    absent_events UInt64,
    empty UInt8,
    first_values Map(String, String),
    last_values Map(String, String)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (frontend, session_id)
SETTINGS min_rows_to_fsync_after_merge = 1, index_granularity = 64,
    min_compress_block_size = 16384, max_compress_block_size = 65536;

-- The timeouts of each frontend since they were noticed (microseconds), so that a session is judged by those of its time.
CREATE TABLE IF NOT EXISTS session_policies (
    frontend LowCardinality(String),
    since Int64,
    idle_timeout Int64,
    max_duration Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (frontend, since)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- Up to where each run of a server has derived what it received (microseconds), until a later run has caught up for it.
CREATE TABLE IF NOT EXISTS derivations (
    run String,
    derived_until Int64,
    settled UInt8,
    written_at Int64
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY run
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
