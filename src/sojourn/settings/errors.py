"""What the settings refuse, and how they say so: always the field at fault and the limit that holds."""


class SettingsError(ValueError):
    """A change that is refused. `field` names the part at fault; `message` is one sentence for a person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotFoundError(SettingsError):
    """What was named does not exist."""


class ConflictError(SettingsError):
    """What was to be added exists already."""


class UnavailableError(RuntimeError):
    """The database of the settings cannot be reached, is locked for too long, or has an unknown schema."""
