"""`explain CID`: what a thing is, how it is, and its story."""
