"""`orphans`: what no Director of a list owns, and its deletion."""
