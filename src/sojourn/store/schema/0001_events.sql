-- Facts. A copy of an event has the same key and is one row after a merge and under FINAL; of copies that kept
-- different numbers of properties (a property was defined in between), the fullest stays, and of those the one with the
-- least measured clock offset: whichever came first, the same copy.
-- source_id is the client's session id, or '~' and the instance id where the client manages no sessions.
-- Property values and attributes are JSON scalars, so that they keep their types. Times are microseconds.
-- Granules and blocks are small, as most questions are about one session, and read each block that has a row of it whole.
-- context is a JSON object, the same for many events: app_version, device_type, …, sdk_version.
CREATE TABLE IF NOT EXISTS events (
    frontend LowCardinality(String),
    source_id String,
    stream_id String,
    sequence Int64 DEFAULT -1,
    event_id UUID,
    kind LowCardinality(String),
    name String,
    client_timestamp Int64,
    duration Int64,
    clock_offset Int64,
    received_at Int64,
    instance_id String,
    user_identifier String,
    retag UInt8,
    previous_session_id String,
    start_reason LowCardinality(String),
    end_reason LowCardinality(String),
    action_id String,
    parent_action_id String,
    attributes Map(LowCardinality(String), String),
    event_properties Map(LowCardinality(String), String),
    session_properties Map(LowCardinality(String), String),
    context LowCardinality(String),
    client_ip String,
    kept UInt16,
    precedence UInt64 DEFAULT bitShiftLeft(toUInt64(kept), 48)
        + toUInt64(140737488355328 - greatest(least(clock_offset, 140737488355327), -140737488355327))
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(fromUnixTimestamp64Micro(received_at))
ORDER BY (frontend, source_id, stream_id, sequence, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, index_granularity = 256,
    min_compress_block_size = 16384, max_compress_block_size = 65536;

-- Places in a stream whose event will never arrive: rejected by the server, or dropped by an SDK that said so.
CREATE TABLE IF NOT EXISTS absences (
    frontend LowCardinality(String),
    source_id String,
    stream_id String,
    sequence Int64,
    reason LowCardinality(String),
    received_at Int64
)
ENGINE = ReplacingMergeTree
ORDER BY (frontend, source_id, stream_id, sequence)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

-- The ledger of what was left out of events. One row a value; a copy of the event is the same row. A row is settled
-- once its value went into its event, or stands under another reason, after the definitions changed (store/replay.py).
CREATE TABLE IF NOT EXISTS discards (
    frontend LowCardinality(String),
    key String,
    reason LowCardinality(String),
    source_id String,
    event_id UUID,
    client_timestamp Int64,
    received_at Int64,
    sdk_name LowCardinality(String),
    sdk_version LowCardinality(String),
    value String,
    settled Int64
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (frontend, key, reason, source_id, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, index_granularity = 1024;
