"""Debian's Chromium without a window, driven over a pipe by its DevTools protocol: opens pages, points, clicks, looks.

with Browser() as browser:
    browser.open(path, width=390)
    browser.point(120, 300)
    assert browser.evaluate("document.title") == "..."
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

PATIENCE = 60.0  # seconds that an answer may take
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")


def program() -> str | None:
    """The browser's program; None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One page of a browser of its own. ``failures``: what its scripts have raised, or fetched from elsewhere."""

    def __enter__(self) -> "Browser":
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        command = [program(), *OPTIONS, f"--user-data-dir={self._folder.name}", "about:blank"]
        # It reads what it is asked from descriptor 3, and answers on 4.
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._asked, self._session, self.failures, self._events = b"", 0, None, [], set()
        try:
            self._attach()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _attach(self) -> None:
        (page,) = [each for each in self.ask("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        attached = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.ask(f"{domain}.enable")

    def __exit__(self, *raised) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._folder.cleanup()

    def ask(self, method: str, **parameters) -> dict:
        """One call of the protocol, and its result."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def open(self, page: Path, width: int = 1280, height: int = 900) -> None:
        """Show a file in a window of so many pixels, when it has loaded."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self._events.discard("Page.loadEventFired")
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._read()

    def evaluate(self, expression: str):
        """What JavaScript says, if it is a number, text, a list or the like."""
        said = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in said:
            raise RuntimeError(f"{expression}: {said['result'].get('description', said['exceptionDetails']['text'])}")
        return said["result"].get("value")

    def point(self, x: float, y: float) -> None:
        """Move the pointer to a place in the window."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Press and release the left button there."""
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press and release a key on what has the focus."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key)

    def picture(self, path: Path, whole: bool = False) -> Path:
        """The window as PNG, or the ``whole`` page."""
        shown = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(shown["data"]))
        return path

    def _clip(self, whole: bool) -> dict:
        if not whole:
            return {}
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _read(self) -> dict:
        """The next answer or event."""
        while b"\0" not in self._buffer:
            if not select.select([self._from], [], [], PATIENCE)[0]:
                raise RuntimeError(f"{program()} has not answered for {PATIENCE:g} s")
            more = os.read(self._from, 1 << 20)
            if not more:
                raise RuntimeError(f"{program()} has ended with {self._process.wait()}")
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        answer = json.loads(text)
        method, said = answer.get("method", ""), answer.get("params", {})
        self._events.add(method)
        if method == "Runtime.exceptionThrown":
            self.failures.append(said["exceptionDetails"].get("exception", {}).get("description", "?"))
        if method == "Network.requestWillBeSent" and not said["request"]["url"].startswith(("file:", "data:")):
            self.failures.append(f"asked the network for {said['request']['url']}")
        return answer
