"""The CPI executable: one JSON request on stdin, one JSON answer on stdout."""
