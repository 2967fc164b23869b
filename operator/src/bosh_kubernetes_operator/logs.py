"""Logs: one JSON object a line on stderr. Extra fields are given by `extra={"machine": …}`.

No object is ever logged whole: a log line holds names, reasons and counts, so no credential can get into one.
"""

from __future__ import annotations

import json
import logging
import sys
import time

FIELDS = ("machine", "disk", "pod", "step", "reason", "seconds")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line: dict[str, object] = {
            "time": moment,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {field: record.__dict__[field] for field in FIELDS if field in record.__dict__}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # These tell of every request and every watch; their warnings are kept.
    for noisy in ("kopf", "aiohttp", "asyncio", "kubernetes"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
