"""Builds the BOSH release without the bosh CLI: what is staged here is what `bosh create-release` takes, too."""
