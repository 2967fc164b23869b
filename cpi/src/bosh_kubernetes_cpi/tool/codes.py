"""Exit codes of the tool (docs/tool.md)."""

FINE = 0
FINDINGS = 1  # failures of doctor, orphans that are there, a CID that is not, an image that cannot be used
WRONG_USE = 2  # argparse's own
IN_THE_WAY = 3  # it could not look: configuration, connection, rights
FAULT = 70  # of the tool itself
INTERRUPTED = 130


class WrongUse(Exception):  # noqa: N818 (as those of the CPI)
    """The options do not say enough, or too much. The message names them."""
