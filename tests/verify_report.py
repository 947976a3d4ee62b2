"""Open a report in headless Chromium: desktop, phone and paper.

    python tests/verify_report.py runs/demo/tracks/report.html OUT

Writes ``desktop.png`` (1280 px wide), ``phone.png`` (390 px) and ``print.pdf`` into OUT. Fails if
the page is wider than the phone or, as printed, than A4, if an image is broken, if it would fetch
anything, or if nothing is printed. What a page fetches is read from its HTML: its policy forbids
all of it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
)
PHONE, DESKTOP, HEIGHT = 390, 1280, 3000
PAPER = 717  # px at 96 dpi: A4 is 210 mm wide, less Chromium's margins of 0.4 inches
FETCHING = {"src", "srcset", "poster", "data", "background"}
# The page stands in a frame as wide as a phone, then as paper with its rules for print; its own
# policy lets no script in.
HARNESS = """<!doctype html><iframe id="f" src="{page}" style="border:0;width:{phone}px"></iframe>
<pre id="told"></pre><script>
document.getElementById("f").onload = () => {{
  const f = document.getElementById("f"), d = f.contentDocument;
  const broken = [...d.images].filter(i => !i.complete || !i.naturalWidth).length;
  const phone = d.documentElement.scrollWidth;
  for (const sheet of d.styleSheets)
    for (const rule of sheet.cssRules)
      if (rule.media?.mediaText === "print") rule.media.mediaText = "all";
  f.style.width = "{paper}px";
  document.getElementById("told").textContent =
    `phone=${{phone}} paper=${{d.documentElement.scrollWidth}} images=${{d.images.length}} ` +
    `broken=${{broken}}`;
}};</script>"""


class Fetched(HTMLParser):
    """What a page would ask for, other than images inside it; links wait for a click."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.urls: list[str] = re.findall(r"@import[^;]+|url\((?!['\"]?data:)[^)]*\)", text)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            fetches = name in FETCHING or (tag == "link" and name == "href")
            if fetches and not (value or "").startswith("data:"):
                self.urls.append(f"{tag} {name}={value}")


def chromium() -> str:
    """The browser on this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    sys.exit("no Chromium is on PATH: install it (Debian: apt-get install chromium)")


def run(*arguments: str) -> str:
    """One start of the browser, with a profile of its own."""
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium(), *FLAGS, f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        sys.exit(f"Chromium failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def failures(page: Path, out: Path) -> list[str]:
    """Write the pictures; what is wrong, each a sentence."""
    out.mkdir(parents=True, exist_ok=True)
    url = page.resolve().as_uri()
    for name, width in (("desktop", DESKTOP), ("phone", PHONE)):
        shot = f"--screenshot={out / f'{name}.png'}"
        run(shot, f"--window-size={width},{HEIGHT}", url)
    run(f"--print-to-pdf={out / 'print.pdf'}", "--no-pdf-header-footer", url)
    harness = out / "harness.html"
    harness.write_text(HARNESS.format(page=url, phone=PHONE, paper=PAPER), encoding="utf-8")
    told = run("--dump-dom", "--virtual-time-budget=5000", harness.resolve().as_uri())
    harness.unlink()
    fetched = Fetched(page.read_text(encoding="utf-8")).urls
    wrong = [f"it would fetch {fetched[0]}"] if fetched else []
    numbers = r"phone=(\d+) paper=(\d+) images=(\d+) broken=(\d+)"
    found = re.search(numbers, told.partition("<script>")[0])
    if found is None:
        return [*wrong, "the page did not load in the frame"]
    phone, paper, images, broken = map(int, found.groups())
    if phone > PHONE:
        wrong.append(f"it is {phone} px wide on a phone of {PHONE} px")
    if paper > PAPER:
        wrong.append(f"it is {paper} px wide on paper of {PAPER} px: columns are cut off")
    if broken:
        wrong.append(f"{broken} of {images} images are broken")
    pages = len(re.findall(rb"/Type\s*/Page\b", (out / "print.pdf").read_bytes()))
    if not pages:
        wrong.append("nothing is printed")
    sys.stdout.write(f"{images} images, {phone} px on a phone, {pages} printed pages\n")
    return wrong


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("say: python tests/verify_report.py PAGE.html OUT")
    problems = failures(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.exit("\n".join(problems) if problems else 0)
