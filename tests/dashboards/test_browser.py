"""Every page in a real browser, by three readers, on a wall, a laptop and a phone: it fits, nothing fails, axe finds nothing serious;
acts by mouse and keyboard; a live change is on the screen.

Skipped where the machine has no Chromium. Screenshots are kept under the test's folder.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from dashboards.accounts import Account
from dashboards.live import Change
from dashboards.main import Server, serving
from dashboards.session import COOKIE
from tests.dashboards.browser import SIZES, Tab, browser, found
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, Memory, Seeded, made
from tests.dashboards.seeds import NOW_MS
from tests.dashboards.seeds_emergency import DRILL, STORM

CHROMIUM = found()
pytestmark = [pytest.mark.loopback, pytest.mark.timeout(300), pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
RULES = "{resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}"
SERIOUS = (
    f"axe.run(document, {RULES}).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))"
    ".map(v => v.id + ': ' + v.nodes[0].target + ' ' + v.nodes[0].failureSummary))"
)
ROUNDS: list[tuple[Account, str, bool, tuple[str, ...]]] = [
    (
        LEADER,
        "laptop",
        False,
        (
            *("/", "/ranking", "/map", "/alerts", "/alerts/a25", "/supply", "/indicator/guide-7146/F02", "/print", "/report", "/emergency"),
            *("/rules/GN-DTC-CHAM-KE-HOACH", "/requests"),
        ),
    ),
    (
        DUTY,
        "phone",
        False,
        (
            *("/", "/ranking?lang=en", "/map?layers=situation,resources&shade=-&lang=vi", "/projects/DA-01-01", "/tasks", "/report"),
            *(f"/emergency/{STORM}", "/alerts/a31"),
        ),
    ),
    (ANALYST, "wall", True, ("/wall", "/projects", "/operations", "/indicator/vn-1012/A.I.1", f"/emergency/{DRILL}", "/rules")),
]


async def enter(tab: Tab, server: Server, account: Account) -> str:
    """Sign a reader in; the board's address."""
    board, home = server.board, f"http://127.0.0.1:{server.port}"
    await tab.cookie(home, COOKIE, board.sessions.written(board.sessions.begin(account, NOW_MS)))
    return home


def test_every_page_fits_and_reads_well_for_three_readers(seeded: Seeded, tmp_path: Path) -> None:
    async def look(server: Server) -> list[str]:
        assert CHROMIUM is not None
        wrong: list[str] = []
        examined: set[tuple[str, bool]] = set()
        async with browser(CHROMIUM) as tab:
            for account, size, dark, pages in ROUNDS:
                home = await enter(tab, server, account)
                for page in pages:
                    await tab.open(home + page, size, dark)
                    where = f"{account.name} {size} {page}"
                    width = await tab.run("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
                    wrong += [f"{where}: {width} px wide"] if width > SIZES[size][0] else []
                    kind = page.partition("?")[0], dark
                    if kind not in examined:  # once in light and once in dark is enough for each kind of page
                        examined.add(kind)
                        await tab.run(AXE + "; true")
                        wrong += [f"{where}: {said}" for said in await tab.run(SERIOUS)]
                    wrong += [f"{where}: {error}" for error in tab.errors]
                    tab.errors.clear()
                    await tab.picture(
                        tmp_path / f"{account.name}-{size}-{page.strip('/').replace('/', '-').partition('?')[0] or 'overview'}.png"
                    )
        return wrong

    with serving(made(seeded.settings, Memory())) as server:
        assert asyncio.run(look(server)) == []


async def click(tab: Tab, selector: str) -> None:
    """One click of a first-time reader, and the page it leads to."""
    await tab.leave()
    await tab.run(f"document.querySelector({selector!r}).click()")
    await tab.arrived()


def test_what_we_knew_on_a_given_morning_is_four_steps_away(seeded: Seeded) -> None:
    """Overview → the indicator → a moment → what was known: three clicks and one entry. The wall turns and stops."""

    async def work(server: Server) -> None:
        assert CHROMIUM is not None
        async with browser(CHROMIUM) as tab:
            home = await enter(tab, server, LEADER)
            await tab.open(f"{home}/")
            await click(tab, ".card h3 a[href^='/indicator/guide-7146/F02']")  # 1
            await tab.run("document.querySelector('#as_of').value = '10/10/2026 08:00'")  # 2
            await click(tab, "#as_of ~ button")  # 3
            table = "document.querySelector('details[open] table')"
            assert "60,00%" in await tab.run(f"{table}.textContent"), "September's rate was known on that morning"
            assert await tab.run(f"{table}.querySelectorAll('td.changed').length") == 1, "October's was not"
            await tab.open(f"{home}/wall?seconds=600")
            await tab.until("document.querySelectorAll('.screen.on').length === 1")
            first = await tab.run("document.querySelector('.screen.on h2').textContent")
            await tab.run("document.querySelector('#next').click()")
            assert await tab.run("document.querySelector('.screen.on h2').textContent") != first
            await tab.run("document.querySelector('#pause').click()")
            assert await tab.run("document.querySelector('#pause').getAttribute('aria-pressed')") == "true"
            assert tab.errors == []

    with serving(made(seeded.settings, Memory())) as server:
        asyncio.run(work(server))


def test_a_duty_officer_finds_acts_and_sees_what_changes(seeded: Seeded) -> None:
    journal = Memory()

    async def work(server: Server) -> None:
        assert CHROMIUM is not None
        async with browser(CHROMIUM) as tab:
            home = await enter(tab, server, DUTY)
            await tab.open(f"{home}/")
            await tab.run("document.querySelector('nav a[href=\"/ranking\"]').click()")  # 1: who is furthest behind
            await tab.until("document.querySelector('.answer a[href^=\"/alerts/\"]')")
            assert "Tỉnh Phú Thọ" in await tab.run("document.querySelector('.answer').textContent")
            await tab.run("document.querySelector('.answer a[href^=\"/alerts/\"]').click()")  # 2: and who was told
            await tab.until("document.querySelector('.acts button.primary')")
            assert "Chủ tịch Ủy ban nhân dân" in await tab.run("document.querySelector('.about').textContent")
            await tab.run("document.querySelector('.acts button.primary').focus()")
            await tab.leave()
            await tab.key("Enter", 13)  # acknowledged by keyboard
            await tab.arrived()
            assert await tab.run("Boolean(document.querySelector('.done'))")
            await tab.leave()
            await tab.run(
                "(d => { d.open = true; d.querySelector('textarea').value = 'đã rõ'; d.querySelector('button').click(); })"
                "(document.querySelector('.acts details'))"
            )
            await tab.arrived()
            await tab.open(f"{home}/")
            change = Change("result", "F02.country|VN|", "guide-7146/F02", "VN", 0, NOW_MS, value=Decimal("72.5"), measure_unit="percent")
            alert = Change("alert", "alert:new", "vn-1012/D.1", "31", 0, NOW_MS, severity=4, condition="active", title_vi="Nước <lên>")
            seen = "document.querySelector('[data-key=\"F02.country|VN|\"]').textContent === '72,50%'"
            async with asyncio.timeout(90):
                while not await tab.run(seen):  # the page listens a moment after it is loaded
                    server.board.hub.publish([change, alert])
                    await asyncio.sleep(0.3)
            await tab.until("document.querySelector('#alerts li').dataset.alert === 'new'")
            assert await tab.run("document.querySelector('#alerts li h3').textContent") == "Nước <lên>"
            assert tab.errors == []

    with serving(made(seeded.settings, journal)) as server:
        asyncio.run(work(server))
    assert [act.action for act in journal.acts] == ["acknowledge", "explain"]
