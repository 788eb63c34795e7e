"""Sojourn: user and session management for Real User Monitoring. These are the names of the Python SDK.

    import sojourn

    sojourn.start(endpoint="http://127.0.0.1:8321", frontend="shop", key="…")
    sojourn.identify_user("user@example.com")
    sojourn.send_event(sojourn.EventData("checkout").add_event_property("event_properties.cart.total_value", 3))

The server lives in the other rooms of this package and is imported by none of this.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sojourn.sdk.actions import Action, RootAction
    from sojourn.sdk.agent import Agent
    from sojourn.sdk.api import (
        add_event_modifier,
        apply_user_privacy_options,
        current_agent,
        end_session,
        end_view,
        enter_action,
        flush,
        identify_user,
        remove_event_modifier,
        send_event,
        send_exception_event,
        send_http_request_event,
        send_session_property_event,
        shutdown,
        start,
        start_view,
        using,
    )
    from sojourn.sdk.data import EventData, ExceptionEventData, HttpRequestEventData, SessionPropertyEventData
    from sojourn.sdk.privacy import DataCollectionLevel, UserPrivacyOptions
    from sojourn.wire.messages import Device, Software

__all__ = [
    "Action",
    "Agent",
    "DataCollectionLevel",
    "Device",
    "EventData",
    "ExceptionEventData",
    "HttpRequestEventData",
    "RootAction",
    "SessionPropertyEventData",
    "Software",
    "UserPrivacyOptions",
    "add_event_modifier",
    "apply_user_privacy_options",
    "current_agent",
    "end_session",
    "end_view",
    "enter_action",
    "flush",
    "identify_user",
    "remove_event_modifier",
    "send_event",
    "send_exception_event",
    "send_http_request_event",
    "send_session_property_event",
    "shutdown",
    "start",
    "start_view",
    "using",
]


def __getattr__(name: str) -> object:
    """Import the SDK at the first use of one of its names, so that the other rooms of the package do not pay for it."""
    if name not in __all__:
        raise AttributeError(f"module 'sojourn' has no attribute {name!r}")
    from sojourn.sdk import actions, agent, api, data, privacy

    for public in __all__:
        for module in (api, agent, actions, data, privacy):
            if hasattr(module, public):
                globals()[public] = getattr(module, public)
                break
    return globals()[name]
