"""info: answered before every other call, so it reads no configuration and asks nobody."""

from __future__ import annotations

from ..versions import ANNOUNCED, STEMCELL_FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call


def info(_call: Call) -> dict[str, Any]:
    return {"stemcell_formats": list(STEMCELL_FORMATS), "api_version": ANNOUNCED}
