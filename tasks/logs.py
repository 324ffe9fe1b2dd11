"""Keep the log lines of a run beside its attempt."""

from __future__ import annotations

import logging

from tasks.current import current_claim

#: Lines kept of one run; more would make a chatty task's row heavy.
KEPT_LINES = 200
#: Characters kept of one line.
KEPT_CHARACTERS = 500


class AttemptLog(logging.Handler):
    """Hands every record to the claim under which its thread runs, if any."""

    def __init__(self) -> None:
        super().__init__(level=logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record; the last line kept says that more were left out."""
        held = current_claim()
        if held is None or len(held.log) > KEPT_LINES:
            return
        if len(held.log) == KEPT_LINES:
            held.log.append("… further lines are in the worker's log only.")
            return
        try:
            held.log.append(self.format(record)[:KEPT_CHARACTERS])
        except (TypeError, ValueError):
            # A record whose arguments don't fit its text: logging's own way to say so.
            self.handleError(record)
