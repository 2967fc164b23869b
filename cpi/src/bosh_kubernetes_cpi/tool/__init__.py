"""The tool beside the CPI, for people (docs/tool.md). No call of the CPI loads any of it."""
