"""What holds over the embedded engine holds over a server and over a cluster: the same tests, another store."""

from tests.web.test_ingest import (
    test_a_wrong_clock_is_corrected_by_the_least_offset,
    test_an_event_sent_again_counts_once,
    test_gaps_are_missing_until_they_arrive_and_dropped_ones_are_absent,
    test_properties_keep_their_types_and_discards_are_told_and_listed,
    test_too_old_and_too_new_events_are_rejected_and_not_missing,
)

__all__ = [
    "test_a_wrong_clock_is_corrected_by_the_least_offset",
    "test_an_event_sent_again_counts_once",
    "test_gaps_are_missing_until_they_arrive_and_dropped_ones_are_absent",
    "test_properties_keep_their_types_and_discards_are_told_and_listed",
    "test_too_old_and_too_new_events_are_rejected_and_not_missing",
]
