"""The errors that decide what becomes of a task.

    FlipTechError
    ├── PermanentError          never retried
    │   ├── InvalidInput        what a person typed or uploaded can't be used
    │   └── NotYetBuilt         the actor is declared, its work is not built yet
    └── TransientError          retried with backoff, or after `retry_after`
        └── RateLimited         retried when the limit allows; burns no attempt

    Cancelled                   the task was asked to stop (not an Exception)

Any other exception follows the actor's own retry policy. The message of each is
one sentence that says what is wrong and what to do; people read it in admin.
"""

from __future__ import annotations


class FlipTechError(Exception):
    """Root of all errors that this product raises on purpose."""


class PermanentError(FlipTechError):
    """Raised when trying again can't help."""


class InvalidInput(PermanentError):
    """Raised when something that a person gave can't be used as it is."""


class NotYetBuilt(PermanentError):
    """Raised by an actor whose work a later change brings."""


class TransientError(FlipTechError):
    """Raised when trying again later may help.

    `retry_after` is in seconds; None leaves the delay to the actor's policy.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """Raised when a limit says "not yet": the task waits and keeps its attempts."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)


class Cancelled(BaseException):
    """Raised inside a running task after somebody cancelled it.

    Not an Exception, so that a body which catches those can't swallow it.
    """
