-- Whose doomed rows these are: servers over one store may erase at the same time. It begins with the time in microseconds.
ALTER TABLE doomed_sources ADD COLUMN IF NOT EXISTS erasure String DEFAULT '';
ALTER TABLE doomed_events ADD COLUMN IF NOT EXISTS erasure String DEFAULT '';
