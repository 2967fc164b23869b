"""What goes wrong while a release is built."""


class ReleaseError(Exception):
    """A release cannot be built from what is there; the message names the file, what is wrong with it and the cure."""
