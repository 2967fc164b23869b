"""Builds the BOSH release tarball, without the bosh CLI: `python cpi/release/make_release.py`. See docs/release.md."""

import sys

from maker.cli import main

if __name__ == "__main__":
    sys.exit(main())
