"""Fixtures of the cluster are for cluster and end-to-end tests; naming one is what makes a test need the cluster."""

import pytest

pytest_plugins = ["tests.support.cluster.fixtures"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many fault points were tried, and how to try the sampled ones again."""
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    told = [pair for report in reports for pair in report.user_properties]
    for what in sorted({name for name, _ in told if name.startswith("fault points")}):
        terminalreporter.write_line(f"{what}: {sum(count for name, count in told if name == what)}")
    for seed in sorted({value for name, value in told if name == "FAULT_SEED"}):
        terminalreporter.write_line(f"the sample of them: FAULT_SEED={seed}")
