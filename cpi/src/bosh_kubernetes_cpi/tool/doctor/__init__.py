"""`doctor`: whether cluster, account, operator and registry are as the CPI needs them."""
