"""A headless Chromium for tests, driven over its DevTools protocol; nothing but loopback, a profile that is thrown away."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS: Final = 90.0
STEP_SECONDS: Final = 90.0
SIZES: Final = {"wall": (1920, 1080, 1.0), "laptop": (1366, 768, 1.0), "phone": (390, 844, 2.0)}


def found() -> str | None:
    """The browser of this machine, if it has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self.errors: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; events that come meanwhile are looked through for errors of the page."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(STEP_SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == number:
                    assert "error" not in message, message["error"]
                    result: dict[str, Any] = message["result"]
                    return result
                self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(message["params"]["exceptionDetails"].get("text")))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            entry = message["params"]["entry"]
            self.errors.append(f"{entry['text']} {entry.get('url', '')}")

    async def open(self, address: str, size: str = "laptop", dark: bool = False) -> None:
        """Go to an address at a screen's size and wait until it is loaded."""
        width, height, scale = SIZES[size]
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=size == "phone")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.leave()
        await self.call("Page.navigate", url=address)
        await self.arrived()

    async def leave(self) -> None:
        """Mark the present page, so that `arrived` cannot take it for the next one."""
        await self.run("window.nhipLeft = true")

    async def arrived(self) -> None:
        """Wait until another page than the marked one is loaded."""
        await self.until("!window.nhipLeft && document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(STEP_SECONDS):
            while not await self.run(f"Boolean({script})"):
                await asyncio.sleep(0.05)

    async def key(self, name: str, code: int) -> None:
        """Press a key: Tab 9, Enter 13."""
        text = "\r" if name == "Enter" else ""
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=name, code=name, windowsVirtualKeyCode=code, text=text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=code)

    async def cookie(self, address: str, name: str, value: str) -> None:
        """Set a cookie for an address."""
        await self.call("Network.setCookie", url=address, name=name, value=value, httpOnly=True)

    async def picture(self, path: Path, full: bool = False) -> None:
        """A screenshot as PNG."""
        answer = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        path.write_bytes(base64.b64decode(answer["data"]))


@asynccontextmanager
async def browser(executable: str) -> AsyncIterator[Tab]:
    """A tab of a browser of its own, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="nhip-browser-", ignore_cleanup_errors=True) as profile:
        flags = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-port=0",
        )
        process = await asyncio.create_subprocess_exec(
            executable,
            *flags,
            f"--user-data-dir={profile}",
            "about:blank",
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await _port(process)
            async with aiohttp.ClientSession() as http, http.ws_connect(await _page(http, port), max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await tab.call(f"{domain}.enable")
                yield tab
        finally:
            process.kill()
            await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async with asyncio.timeout(START_SECONDS):
        async for line in process.stderr:
            match = re.search(rb"ws://127\.0\.0\.1:(\d+)/", line)
            if match:
                return int(match[1])
    raise AssertionError("the browser ended before it listened")


async def _page(http: aiohttp.ClientSession, port: int) -> str:
    async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
        pages = json.loads(await answer.text())
    return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))
