# SPDX-License-Identifier: MIT
"""Browser: a headless Chromium, driven through its debugging pipe."""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from live import Failure, Skip, wait_until


class Browser:
    """Scripts are switched off: pages must do without."""

    def __init__(self, place, width=1280, height=800, language="en"):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise Skip("chromium is not installed")
        profile = tempfile.mkdtemp(dir=place.path)
        to_read, self.out = os.pipe()
        self.input, to_write = os.pipe()

        # Chromium reads from 3 and writes to 4; neither may be in the way of the other.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read, to_write)]
        with open(place.file("chromium.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash",
                 program, "--headless=new", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--no-first-run", "--ignore-certificate-errors",
                 "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=ends)
        for end in ends:
            os.close(end)
        os.close(to_read)
        os.close(to_write)
        place.at_close.append(self.close)
        self.buffer, self.number, self.session = b"", 0, None
        self.loading = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Network.enable")
        self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.input)

    def _next(self, seconds=60):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.input], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure("chromium says nothing")
            chunk = os.read(self.input, 1 << 16)
            if not chunk:
                raise Failure("chromium has ended")
            self.buffer += chunk
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        event = message.get("method")
        if event in ("Page.frameStartedLoading", "Page.frameStoppedLoading"):
            self.loading = event == "Page.frameStartedLoading"
        return message

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            pass
        if "error" in answer:
            raise Failure(f"{method}: {answer['error']}")
        return answer["result"]

    def html(self):
        try:
            root = self.call("DOM.getDocument")["root"]["nodeId"]
            return self.call("DOM.getOuterHTML", nodeId=root)["outerHTML"]
        except Failure:
            return ""  # another page came in between

    def go(self, url, words):
        """Until the page holds these words."""
        result = self.call("Page.navigate", url=url)
        if result.get("errorText"):
            raise Failure(f"{url}: {result['errorText']}")
        self.wait(words)

    def wait(self, words):
        """A title is there before the buttons are."""
        wait_until(lambda: words in self.html() and not self.loading, f"a page with {words!r}")

    def key(self, name, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                      windowsVirtualKeyCode=code,
                      **({"text": "\r"} if name == "Enter" and kind == "keyDown" else {}))

    def press(self, number=1):
        """The button that so many TABs lead to: as who uses no mouse does it."""
        for _ in range(number):
            self.key("Tab", 9)
        self.key("Enter", 13)

    def size(self):
        """(width of what is drawn, width of the window)."""
        metrics = self.call("Page.getLayoutMetrics")
        return metrics["cssContentSize"]["width"], metrics["cssLayoutViewport"]["clientWidth"]

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))
        return path
