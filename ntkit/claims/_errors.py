"""The errors of this package: one class per meaning, all of them `ValueError`s that say what to do."""


class NtkitError(ValueError):
    """Something the user can mend; the command prints it on one line and ends with exit status 2."""


class ClaimError(NtkitError):
    """A claim is declared wrongly; the message begins with the file and line of the declaration."""


class EvidenceError(NtkitError):
    """A measurement returned data that its rule cannot judge; the claim is `failed`, never judged on what is left."""


class StoreError(NtkitError):
    """The store cannot be read or written; what it held before is still there."""


class UserCodeError(Exception):
    """Code of the user raised; the command prints where in her own files, then one line, and ends with exit status 1.

    Attributes:
        frames: lines of her files, as in a traceback.
    """

    def __init__(self, message: str, frames: str) -> None:
        super().__init__(message)
        self.frames = frames


class UsageError(NtkitError):
    """The command was asked for something that is not there."""
