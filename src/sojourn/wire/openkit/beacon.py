"""A beacon, already decompressed: the prefix to a batch, each record to an event. A bad record costs no neighbour."""

import re
from collections import Counter
from typing import Any, Final

from sojourn.wire.derived_ids import derived_id
from sojourn.wire.messages import Absence, Batch, Device, Parsed, Refusal, Sdk, Software
from sojourn.wire.native import WireError
from sojourn.wire.openkit.fields import FieldError, Fields, integer, milliseconds, read_fields
from sojourn.wire.openkit.records import STREAM, Session, read_record

MAX_PAIRS: Final = 500_000
"""Key-value pairs of one beacon; the largest that a client sends at our limit has about 150,000."""
MAX_RECORDS: Final = 100_000
_VERSION = re.compile(r"\d+\.\d+\.(\d{5,9})")
_OS = re.compile(r"(.*?)\s+v?(\d[\w.-]*)")
_CLIENTS: Final = {
    "okjs": "openkit-js",
    "okjava": "openkit-java",
    "okdotnet": "openkit-dotnet",
    "okpython": "openkit-python",
}
_LEVELS: Final = {"0": "off", "1": "performance"}
_FACTS: Final = (
    ("sw", "screen.width"),
    ("sh", "screen.height"),
    ("so", "screen.orientation"),
    ("ul", "user.language"),
    ("ct", "network.connection.type"),
    ("np", "network.connection.subtype"),
    ("cr", "network.carrier.name"),
)


def read_beacon(body: bytes) -> Parsed:
    """The batch in a beacon, with those of its records that could not be read, by their place.

    A record with a start and an end has two numbers of the one counter. The second is declared absent, so that the
    numbers of a session have a gap exactly where something has not arrived.

    Raises WireError when the prefix does not tell the session, or the body has too many pairs or records.
    """
    if body.count(b"&") >= MAX_PAIRS:
        raise WireError(f"the beacon has more than {MAX_PAIRS} fields")
    head, *records = body.decode("utf-8", "replace").split("&et=")
    if len(records) > MAX_RECORDS:
        raise WireError(f"the beacon has more than {MAX_RECORDS} records")
    prefix = read_fields(head)
    try:
        session = _read_session(prefix)
        batch = _read_batch(prefix, session)
    except FieldError as error:
        raise WireError(f"the prefix of the beacon is not valid: {error}") from error
    positions: list[int] = []
    refusals: list[Refusal] = []
    payloads: Counter[str] = Counter()
    for index, record in enumerate(records):
        fields = read_fields("et=" + record)
        payload = fields.get("pl", "")
        try:
            event = read_record(session, fields, payloads[payload])
        except FieldError as error:
            refusals.append(Refusal(index=index, reason="invalid", message=str(error)))
            _declare_absent(batch, session, fields, ("s0", "s1"), "unreadable")
            continue
        if payload:
            payloads[payload] += 1
        batch.events.append(event)
        positions.append(index)
        _declare_absent(batch, session, fields, ("s1",), "second_number")
    return Parsed(batch=batch, positions=positions, refusals=refusals)


def read_client_ip(body: bytes) -> str:
    """The address that the application gave for its user, "" where it gave none."""
    return read_fields(body[:4000].decode("utf-8", "replace").partition("&et=")[0]).get("ip", "")


def _read_session(prefix: Fields) -> Session:
    application, visitor = prefix.get("ap", ""), integer(prefix, "vi")
    number, start = integer(prefix, "sn"), integer(prefix, "tv")
    key = ("openkit", application, str(visitor), str(number))
    sequence = integer(prefix, "ss", -1)
    # Only clients that give every session a number of its own send `ss`; the successor of a split then knows its
    # predecessor. For the others the start time alone tells two sessions apart.
    session_id = derived_id(*key, str(sequence)) if sequence >= 0 else derived_id(*key, "", str(start))
    previous = derived_id(*key, str(sequence - 1)) if sequence > 0 else ""
    facts: dict[str, Any] = {name: prefix[field] for field, name in _FACTS if prefix.get(field)}
    return Session(
        session_id=session_id,
        previous_session_id=previous,
        start=start * 1000,
        sent_at=milliseconds(prefix, "tx", 0),
        # At level 0 the clients take numbers for records that they never send.
        numbered=prefix.get("dl") != "0",
        retags=prefix.get("tt") != "okjs",
        facts=facts,
    )


def _read_batch(prefix: Fields, session: Session) -> Batch:
    name, version = prefix.get("os", ""), ""
    if found := _OS.fullmatch(name[:200]):
        name, version = found.groups()
    return Batch(
        instance_id=f"openkit:{integer(prefix, 'vi')}",
        sent_at=session.sent_at,
        sdk=Sdk(name=_CLIENTS.get(prefix.get("tt", ""), "openkit"), version=_client_version(prefix.get("va", ""))),
        app_version=prefix.get("vn", ""),
        device=Device(manufacturer=prefix.get("mf", ""), model=prefix.get("md", "")),
        os=Software(name=name, version=version),
        data_collection=_LEVELS.get(prefix.get("dl", ""), "user_behavior"),
    )


def _client_version(sent: str) -> str:
    """`8.323.40200` -> `4.2.0`: the version of the library is the last number of three."""
    if not (found := _VERSION.fullmatch(sent)):
        return sent
    number = int(found[1])
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


def _declare_absent(batch: Batch, session: Session, fields: Fields, keys: tuple[str, ...], reason: str) -> None:
    """Say that no event will come for the numbers in these fields."""
    if not session.numbered:
        return
    for key in keys:
        try:
            number = integer(fields, key, 0)
        except FieldError:
            continue
        if number > 0:
            batch.absences.append(
                Absence(session_id=session.session_id, stream_id=STREAM, sequence=number - 1, reason=reason)
            )
