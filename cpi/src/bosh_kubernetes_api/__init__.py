"""What the CPI and the operator agree on: names, labels, reasons and resource builders.

Pure functions and constants on the standard library only: the CPI imports this at every call, so nothing here may
import anything slow (`typing`, `dataclasses`, `re` at module level included), and nothing here does I/O.
"""
