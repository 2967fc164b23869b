"""How the release's bin/cpi starts the CPI: `python3 -I -S start.py CONFIG.json`.

Without `site` (-S), since the .pth files of a machine's Python run whatever they like at each start. As a script, since
for `-m` or a folder Python loads its runpy first. Together that is as much as the rest of `info`.
"""

import os
import sys

if __name__ == "__main__":
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

    from bosh_kubernetes_cpi.__main__ import main

    sys.exit(main())
