"""Admission of a batch: each event is taken or rejected with a reason, each property kept or discarded with one."""

import ipaddress
import re
from collections import Counter
from dataclasses import dataclass

import msgspec

from sojourn.ingest.check import event_problem
from sojourn.rules.definitions import Catalog
from sojourn.rules.erased import Erased
from sojourn.rules.events import RejectReason
from sojourn.rules.limits import (
    MAX_ATTRIBUTE_VALUE,
    MAX_ATTRIBUTES,
    MAX_EVENT_AGE,
    MAX_EVENT_LEAD,
    MAX_EVENT_PROPERTIES,
    MAX_ID,
    MAX_NAME,
    MAX_PROPERTY_NAME,
    MAX_SEQUENCE,
    MAX_USER_IDENTIFIER,
)
from sojourn.rules.names import PropertyKind, name_problem, split_name
from sojourn.rules.properties import Discard, DiscardReason, clean_properties
from sojourn.rules.sessions import SessionPolicy
from sojourn.rules.summaries import skew_of
from sojourn.rules.users import hash_identifier
from sojourn.rules.values import Value, clean_value
from sojourn.store.rows import AbsenceRow, Context, DiscardRow, EventRow, Rows, source_of
from sojourn.wire.messages import Absence, Batch, DiscardCount, Event, Parsed, Policy, Receipt, Refusal

MAX_REPORTED_KEYS = 100
"""Distinct discarded keys that one receipt names."""
MAX_DISCARDS = 5_000
"""Discarded values of one batch that are kept and counted by key; the others are counted together, under OTHER_KEYS."""
OTHER_KEYS = "…"
MAX_ABSENCES = 50_000
"""Absent places that one batch may declare; more are left out, and stay missing."""
MAX_CONTEXT_VALUE = 100
"""Characters of a device's, a version's or an SDK's name; a longer one is cut."""

_ATTRIBUTE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say about events of one frontend."""

    frontend: str
    policy: SessionPolicy
    catalog: Catalog
    hash_key: bytes | None = None
    """With a key, user identifiers are kept only as a keyed hash."""
    mask_ip: bool = True
    erased: Erased | None = None
    """Who was erased, and must not come back with events of before."""


@dataclass(slots=True)
class Admitted:
    """The rows of one batch and the receipt that becomes true once they are durable."""

    rows: Rows
    receipt: Receipt


def admit(parsed: Parsed, terms: Terms, received_at: int, client_ip: str = "") -> Admitted:
    """Check a batch by the rules. `received_at` in microseconds by the server's clock. Never raises for bad data."""
    return _Admission(parsed.batch, terms, received_at, client_ip).run(parsed)


class _Admission:
    """The work on one batch: what its events share, and what is found on the way."""

    def __init__(self, batch: Batch, terms: Terms, received_at: int, client_ip: str) -> None:
        self.batch = batch
        self.terms = terms
        self.received_at = received_at
        self.offset = received_at - batch.sent_at if batch.sent_at > 0 else 0
        self.skew = skew_of(self.offset)
        self.rows = Rows(events=[], absences=[], discards=[])
        self.counts: Counter[tuple[str, DiscardReason]] = Counter()
        self.keep_values = batch.data_collection == "user_behavior"
        cut = MAX_CONTEXT_VALUE
        self.context = Context(
            app_version=batch.app_version[:cut],
            device_type=batch.device.type[:cut],
            device_manufacturer=batch.device.manufacturer[:cut],
            device_model=batch.device.model[:cut],
            os_name=batch.os.name[:cut],
            os_version=batch.os.version[:cut],
            browser_name=batch.browser.name[:cut],
            browser_version=batch.browser.version[:cut],
            sdk_name=batch.sdk.name[:cut],
            sdk_version=batch.sdk.version[:cut],
        )
        self.shared = {
            "instance_id": batch.instance_id,
            "context": self.context.json(),
            "client_ip": mask_ip(client_ip) if terms.mask_ip else client_ip,
        }

    def run(self, parsed: Parsed) -> Admitted:
        refusals = list(parsed.refusals)
        for position, event in zip(parsed.positions, self.batch.events, strict=True):
            problem = event_problem(event) or self._time_problem(event)
            if problem is None and self._is_erased(event):
                # No place is kept for it either: its session is one that there never was.
                refusals.append(_refusal_of_erased(position, event))
            elif problem is None:
                self._take(event)
            else:
                reason, message = problem
                refusals.append(
                    Refusal(index=position, event_id=event.event_id[:MAX_ID], reason=reason, message=message)
                )
                self._mark_absent(event.session_id, event.stream_id, event.sequence, 1, f"rejected_{reason}")
        for absence in self.batch.absences:
            self._declare_absent(absence)
        receipt = Receipt(
            accepted=len(self.rows.events),
            rejected=refusals,
            discards=self._discard_counts(),
            policy=Policy(idle_timeout=self.terms.policy.idle_timeout, max_duration=self.terms.policy.max_duration),
            server_time=self.received_at,
        )
        return Admitted(self.rows, receipt)

    def _time_problem(self, event: Event) -> tuple[RejectReason, str] | None:
        """Old events are welcome for 30 days; one further in the future than an hour has a wrong clock."""
        age = self.received_at - event.timestamp - self.skew
        if age > MAX_EVENT_AGE:
            return RejectReason.TOO_OLD, f"timestamp: older than {MAX_EVENT_AGE // 86_400_000_000} days"
        if age < -MAX_EVENT_LEAD:
            return RejectReason.IN_FUTURE, f"timestamp: more than {MAX_EVENT_LEAD // 3_600_000_000} h in the future"
        return None

    def _is_erased(self, event: Event) -> bool:
        erased = self.terms.erased
        return erased is not None and erased.covers(
            self._identifier(event.user_identifier),
            source_of(event.session_id, self.batch.instance_id),
            event.event_id.lower(),
            event.timestamp + self.skew,
        )

    def _take(self, event: Event) -> None:
        event_properties, valid = self._properties(
            PropertyKind.EVENT, event, event.event_properties, MAX_EVENT_PROPERTIES
        )
        # Which properties are too many is not for the definitions to say: they may change, and the event stays.
        room = MAX_EVENT_PROPERTIES - valid
        session_properties, _ = self._properties(PropertyKind.SESSION, event, event.session_properties, room)
        self.rows.events.append(
            EventRow(
                frontend=self.terms.frontend,
                source_id=source_of(event.session_id, self.batch.instance_id),
                stream_id=event.stream_id,
                sequence=event.sequence,
                event_id=event.event_id.lower(),
                kind=event.kind,
                name=event.name[:MAX_NAME],
                client_timestamp=event.timestamp,
                duration=event.duration,
                clock_offset=self.offset,
                received_at=self.received_at,
                user_identifier=self._identifier(event.user_identifier),
                retag=event.retag,
                previous_session_id=event.previous_session_id,
                start_reason=event.start_reason,
                end_reason=event.end_reason,
                action_id=event.action_id,
                parent_action_id=event.parent_action_id,
                attributes=_attributes(event.attributes),
                event_properties=event_properties,
                session_properties=session_properties,
                kept=len(event_properties) + len(session_properties),
                **self.shared,
            )
        )

    def _identifier(self, identifier: str) -> str:
        if not identifier or self.terms.hash_key is None:
            return identifier[:MAX_USER_IDENTIFIER]
        return hash_identifier(identifier, self.terms.hash_key)

    def _properties(
        self, kind: PropertyKind, event: Event, sent: dict[str, object], room: int
    ) -> tuple[dict[str, str], int]:
        """What is kept of an event's properties, and how many of them there was room for, defined or not."""
        if not sent:
            return {}, 0
        valid, discards = clean_properties(kind, sent, room)
        kept, undefined = self.terms.catalog.admit(valid)
        for discard in (*discards, *undefined):
            self._discard(event, discard)
        return {name: _encode(value).decode() for name, value in kept.items()}, len(valid)

    def _discard(self, event: Event, discard: Discard) -> None:
        key = discard.key[: MAX_PROPERTY_NAME + 1]
        if len(self.rows.discards) >= MAX_DISCARDS:
            self.counts[OTHER_KEYS, discard.reason] += 1
            return
        self.counts[key, discard.reason] += 1
        value = clean_value(discard.value) if self.keep_values else None
        self.rows.discards.append(
            DiscardRow(
                frontend=self.terms.frontend,
                key=key,
                reason=discard.reason,
                source_id=source_of(event.session_id, self.batch.instance_id),
                event_id=event.event_id.lower(),
                client_timestamp=event.timestamp,
                received_at=self.received_at,
                sdk_name=self.context.sdk_name,
                sdk_version=self.context.sdk_version,
                value="" if value is None else _encode(value).decode(),
            )
        )

    def _discard_counts(self) -> list[DiscardCount]:
        return [
            DiscardCount(key=key, reason=reason, count=count, message=_explain(key, reason, self.terms))
            for (key, reason), count in sorted(self.counts.items())[:MAX_REPORTED_KEYS]
        ]

    def _declare_absent(self, absence: Absence) -> None:
        self._mark_absent(
            absence.session_id, absence.stream_id, absence.sequence, absence.count, f"dropped_{absence.reason[:40]}"
        )

    def _mark_absent(self, session_id: str, stream_id: str, sequence: int, count: int, reason: str) -> None:
        count = min(count, MAX_ABSENCES - len(self.rows.absences))
        if not 0 <= sequence <= MAX_SEQUENCE - count or len(session_id) > MAX_ID or len(stream_id) > MAX_ID:
            return
        source_id = source_of(session_id, self.batch.instance_id)
        self.rows.absences.extend(
            AbsenceRow(
                frontend=self.terms.frontend,
                source_id=source_id,
                stream_id=stream_id,
                sequence=sequence + place,
                reason=reason,
                received_at=self.received_at,
            )
            for place in range(count)
        )


def _refusal_of_erased(position: int, event: Event) -> Refusal:
    return Refusal(
        index=position,
        event_id=event.event_id,
        reason=RejectReason.ERASED,
        message="the user, or the session, was erased after this event",
    )


def _attributes(attributes: dict[str, object]) -> dict[str, str]:
    """The built-in facts as JSON scalars: the first 32 with a plain name and a value, long strings cut."""
    kept: dict[str, str] = {}
    for name in sorted(attributes):
        value: Value | None
        sent = attributes[name]
        value = sent[:MAX_ATTRIBUTE_VALUE] if isinstance(sent, str) else clean_value(sent)
        if value is not None and _ATTRIBUTE_NAME.fullmatch(name) and len(kept) < MAX_ATTRIBUTES:
            kept[name] = _encode(value).decode()
    return kept


def _explain(key: str, reason: DiscardReason, terms: Terms) -> str:
    """One sentence for the developer who sent the property."""
    match reason:
        case DiscardReason.UNDEFINED:
            return f"{key}: not defined for frontend {terms.frontend!r}; discarded"
        case DiscardReason.INVALID_NAME:
            split = split_name(key)
            if split is None:
                prefixes = " or ".join(repr(kind.prefix) for kind in PropertyKind)
                return f"{key}: the name must start with {prefixes}; discarded"
            problem = name_problem(key, split[0]) or _other_kind(split[0])
            return f"{key}: {problem}; discarded"
        case DiscardReason.TYPE_MISMATCH:
            definition = terms.catalog.find(key)
            wanted = definition.data_type.value if definition else "other"
            return f"{key}: the value is not a {wanted}; discarded"
        case DiscardReason.INVALID_VALUE:
            return f"{key}: a value is a string, a boolean or a finite number; discarded"
        case DiscardReason.TOO_MANY:
            return f"{key}: more than {MAX_EVENT_PROPERTIES} properties, or one property in two spellings; discarded"


def _other_kind(sent: PropertyKind) -> str:
    """What is wrong with a good name among the properties of the other kind."""
    among = PropertyKind.SESSION if sent is PropertyKind.EVENT else PropertyKind.EVENT
    return f"the name must start with {among.prefix!r} where it was sent"


def mask_ip(address: str) -> str:
    """An address without its host part: the last byte of IPv4, the last 80 bits of IPv6; "" if it is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False).network_address)
