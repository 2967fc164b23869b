"""The version of this release: of the CPI, the operator and the chart alike. Loaded by what tells it to people only."""

VERSION = "0.1.0"
LABEL = "app.kubernetes.io/version"  # on the operator's Lease
