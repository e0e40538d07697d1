"""A headless Chromium that notes what a page does: errors on its console, requests to other hosts.

Debian's packages `chromium` and `chromium-driver`, and Python's `selenium`, must be installed.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SIZE = (1280, 800)  # px of the window
OWN = {"", "localhost", "127.0.0.1"}  # hosts of this machine; blobs and data have none
ERRORS = {"SEVERE"}
WAIT = 60.0  # seconds for an answer


def missing() -> str:
    """What is not installed; empty if all is there."""
    try:
        import selenium  # noqa: F401
    except ModuleNotFoundError:
        return "needs selenium"
    programs = ("chromium", "chromedriver")
    return ", ".join(f"needs {name}" for name in programs if shutil.which(name) is None)


@contextmanager
def browser(wait: float = WAIT) -> Iterator[Any]:
    """A driver of a fresh headless Chromium.

    Args:
        wait: seconds to wait for a script or an element.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        size,
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver") or "")
    driver = webdriver.Chrome(options, service)
    driver.set_script_timeout(wait)
    driver.implicitly_wait(wait)
    try:
        yield driver
    finally:
        driver.quit()


def filled(driver: Any, selector: str, name: str, *parts: str, but: str = "") -> str:
    """A property of an element, once it is not empty, or holds one of some parts.

    Args:
        driver: the browser.
        selector: the element in CSS.
        name: name of the property.
        parts: what it may hold.
        but: what counts as empty.

    Raises:
        TimeoutError: it stays empty.
    """
    end = time.perf_counter() + WAIT
    while time.perf_counter() < end:
        value = driver.find_element("css selector", selector).get_property(name) or ""
        if any(one in value for one in parts) if parts else value not in ("", but):
            return str(value)
        time.sleep(0.02)
    raise TimeoutError(f"{selector} must be filled within {WAIT:g} s, got nothing")


def console_errors(driver: Any) -> list[str]:
    """Errors on the console since the last call."""
    return [one["message"] for one in driver.get_log("browser") if one["level"] in ERRORS]


def foreign_requests(driver: Any) -> list[str]:
    """Addresses on other hosts that the page has asked for since the last call."""
    events = [json.loads(one["message"])["message"] for one in driver.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in asked if (urlsplit(url).hostname or "") not in OWN]


def cpu_seconds(driver: Any) -> float:
    """Seconds of the CPU, over all threads, that the page's process has taken."""
    driver.execute_cdp_cmd("Performance.enable", {})
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "ProcessTime"))


def screenshot(driver: Any, place: Path) -> Path:
    """A picture of the window, of few enough colours to be small."""
    import io

    from PIL import Image

    whole = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    place.parent.mkdir(parents=True, exist_ok=True)
    whole.quantize(128).save(place, optimize=True)
    return place
