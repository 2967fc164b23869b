"""How the release's bin/cpi starts the CPI: `python3 -I -S start.py CONFIG.json`.

Without `site` (-S), since the .pth files of a machine's packages run at each start, and may well take longer than
`info`. As a script, since for `-m` or a folder Python loads its runpy first.
"""

import os
import sys

if __name__ == "__main__":
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

    from bosh_kubernetes_cpi.__main__ import main

    sys.exit(main())
