"""The native JSON of `POST /v1/events`: bytes to a batch and a receipt to bytes. A bad event costs no neighbour."""

import msgspec

from sojourn.wire.messages import Batch, Event, Parsed, Receipt, Refusal


class WireError(ValueError):
    """A body that cannot be read at all. The message names the field and what was expected."""


class _Envelope(Batch, kw_only=True):
    """A batch whose events are still bytes."""

    events: list[msgspec.Raw] = msgspec.field(default_factory=list)  # type: ignore[assignment]


_whole = msgspec.json.Decoder(Batch)
_envelope = msgspec.json.Decoder(_Envelope)
_event = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def read_batch(body: bytes) -> Parsed:
    """The batch in a body, with those of its events that could not be read, by their place.

    Raises WireError when the body is not JSON or its envelope is wrong.
    """
    try:
        batch = _whole.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_one_by_one(body)
    return Parsed(batch=batch, positions=range(len(batch.events)))


def _read_one_by_one(body: bytes) -> Parsed:
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as error:
        raise WireError(f"the batch is not valid: {error}") from error
    except RecursionError as error:
        raise WireError("the body is not valid JSON: it is nested too deep") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(f"the body is not valid JSON: {error}") from error
    events: list[Event] = []
    positions: list[int] = []
    refusals: list[Refusal] = []
    for index, raw in enumerate(envelope.events):
        try:
            events.append(_event.decode(raw))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            refusals.append(Refusal(index=index, reason="invalid", message=str(error)))
        else:
            positions.append(index)
    fields = {name: getattr(envelope, name) for name in Batch.__struct_fields__ if name != "events"}
    return Parsed(batch=Batch(**fields, events=events), positions=positions, refusals=refusals)


def write_receipt(receipt: Receipt) -> bytes:
    """The receipt as JSON."""
    return _encoder.encode(receipt)
