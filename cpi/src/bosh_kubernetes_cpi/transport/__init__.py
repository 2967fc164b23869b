"""HTTP, and the Kubernetes API on it, with the standard library alone: start-up time is paid at every call."""
