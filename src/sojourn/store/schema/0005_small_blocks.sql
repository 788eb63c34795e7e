-- For a store that was made before its first files said so: see 0001_events.sql. The order in which its copies of an event
-- stand back stays the former one, by the number of their properties alone.
ALTER TABLE events ADD COLUMN IF NOT EXISTS precedence UInt64 DEFAULT bitShiftLeft(toUInt64(kept), 48)
    + toUInt64(140737488355328 - greatest(least(clock_offset, 140737488355327), -140737488355327));
ALTER TABLE events MODIFY SETTING min_compress_block_size = 16384, max_compress_block_size = 65536;
ALTER TABLE session_states MODIFY SETTING min_compress_block_size = 16384, max_compress_block_size = 65536;
ALTER TABLE session_index MODIFY SETTING min_compress_block_size = 16384, max_compress_block_size = 65536;
ALTER TABLE derived_sessions MODIFY SETTING min_compress_block_size = 16384, max_compress_block_size = 65536;
