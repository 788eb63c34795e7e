"""A plain script: a user, a custom event with properties, an action with a value, and an error that was handled.

SOJOURN_KEY=… python examples/script.py
"""

import sojourn
from sojourn import EventData, SessionPropertyEventData


def main() -> None:
    """What the script is for."""
    sojourn.identify_user("ada@example.com")
    sojourn.send_session_property_event(
        SessionPropertyEventData().add_session_property("session_properties.tier", "gold")
    )
    with sojourn.enter_action("Import") as action:
        rows = 3
        action.report_value("rows", rows)
        try:
            int("not a number")
        except ValueError as error:
            action.report_error(error)
    sojourn.send_event(EventData("imported", event_properties={"event_properties.rows": rows}))


if __name__ == "__main__":
    sojourn.start(frontend="shop")
    main()
    # No flush is needed: what was reported is sent when the interpreter ends, or at the next start.
