"""What axe-core finds wrong with a page for people who do not see it, do not hear it, or use no mouse."""

from __future__ import annotations

from django.conf import settings
from playwright.sync_api import Page

AXE = settings.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"
RUN = """() => axe.run().then(({violations}) => violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .flatMap(({id, help, nodes}) => nodes.map(({target, failureSummary}) =>
        `${id}: ${help} at ${target.join(" ")} (${failureSummary.split("\\n").slice(1).join(";").trim()})`)))"""


def serious(page: Page) -> list[str]:
    """Each serious or critical finding, with its rule and its place. Raises when axe-core is not installed (`make test` does)."""
    page.add_script_tag(path=AXE)
    found: list[str] = page.evaluate(RUN)
    return found
