"""The test cluster: brings up the real kind, also on machines where no image can be pulled (see cluster.py)."""
