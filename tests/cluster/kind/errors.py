"""Errors of the test cluster's tool.

ClusterError            said to the user in one line, exit code 1
└─ CommandError         a program that we ran failed: its command line, exit code and last lines
"""


class ClusterError(Exception):
    """Something that the user has to know: what happened, to what, why, what to do."""


class CommandError(ClusterError):
    """A program failed."""
