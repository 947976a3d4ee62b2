"""Open a report in headless Chromium: desktop, phone and paper.

    python tests/verify_report.py runs/demo/tracks/report.html OUT

Writes ``desktop.png`` (1280 px wide), ``phone.png`` (390 px) and ``print.pdf`` into OUT. Fails if
the page is wider than the phone, if an image is broken, if it would fetch anything, or if nothing
is printed. What a page fetches is read from its HTML: its policy forbids all of it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
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
# The page stands in a frame as wide as a phone; its own policy lets no script in.
HARNESS = """<!doctype html><iframe id="f" src="{page}" width="{width}" height="800"></iframe>
<pre id="told"></pre><script>
document.getElementById("f").onload = () => {{
  const d = document.getElementById("f").contentDocument;
  const broken = [...d.images].filter(i => !i.complete || !i.naturalWidth).length;
  document.getElementById("told").textContent =
    `width=${{d.documentElement.scrollWidth}} images=${{d.images.length}} broken=${{broken}}`;
}};</script>"""


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
    harness.write_text(HARNESS.format(page=url, width=PHONE), encoding="utf-8")
    told = run("--dump-dom", "--virtual-time-budget=5000", harness.resolve().as_uri())
    harness.unlink()
    found = re.search(r"width=(\d+) images=(\d+) broken=(\d+)", told.partition("<script>")[0])
    wrong = []
    if found is None:
        return ["the page did not load in the frame"]
    width, images, broken = map(int, found.groups())
    if width > PHONE:
        wrong.append(f"it is {width} px wide on a phone of {PHONE} px")
    if broken:
        wrong.append(f"{broken} of {images} images are broken")
    fetched = re.findall(r'(?:src|@import|url\()=?["\']?(https?:[^"\')]+)', page.read_text())
    if fetched:
        wrong.append(f"it would fetch {fetched[0]}")
    pages = len(re.findall(rb"/Type\s*/Page\b", (out / "print.pdf").read_bytes()))
    if not pages:
        wrong.append("nothing is printed")
    sys.stdout.write(f"{images} images, {width} px on a phone, {pages} printed pages\n")
    return wrong


if __name__ == "__main__":
    problems = failures(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.exit("\n".join(problems) if problems else 0)
