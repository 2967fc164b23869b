"""What the CPI's account may do: read from the page that tells users, so that the page is enough."""

from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"

Rights = dict[tuple[str, str], set[str]]  # API group ("" for core) and plural -> verbs

# The page's tables, and a kind that must be in each.
TABLES = {"In the machines' namespace:": ("", "secrets"), "In the cluster:": ("storage.k8s.io", "storageclasses")}


def documented() -> Rights:
    """The two tables of the page."""
    result: Rights = {}
    for title, one in TABLES.items():
        _, _, text = PAGE.read_text().partition(title)
        for line in text.strip().splitlines():
            if not line.startswith("|"):
                break
            group, resources, verbs = (cell.strip() for cell in line.strip("|").split("|"))
            if group in ("group", "---"):
                continue
            for resource in resources.split(","):
                key = ("" if group == "core" else group.strip("`"), resource.strip(" `"))
                result[key] = {verb.strip() for verb in verbs.partition("(")[0].split(",")}
        assert one in result
    return result


def verb(method: str, name: str, watching: bool) -> str:
    """The verb that a request needs."""
    if method == "GET":
        return "get" if name else "watch" if watching else "list"
    return {"POST": "create", "PATCH": "patch", "DELETE": "delete"}[method]
