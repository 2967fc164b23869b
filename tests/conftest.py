"""Fixtures of the cluster are for cluster and end-to-end tests; naming one is what makes a test need the cluster."""

pytest_plugins = ["tests.support.cluster.fixtures"]
