"""What a reader can turn, as a page of its own and in a frame of the report.

Nothing is ever fetched, and no script runs but the one that the plugin handed over: the policy of a
page names it by its digest. A frame is sandboxed: it has no access to the page around it. A frame
inherits the policy of that page, which therefore names the digest too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from html import escape

from zoo.contract.figures import Interactive
from zoo.errors import PluginError

__all__ = ["framed", "is_digest", "script_digest", "script_policy", "standing_alone"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_DIGEST = re.compile(r"sha256-[A-Za-z0-9+/]{43}=")
_ENDS = re.compile(r"</script|<!--|\r", re.IGNORECASE)
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def script_digest(script: str) -> str:
    """As a policy names it: the base64 of the script's SHA-256."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def is_digest(text: str) -> bool:
    """Whether a text is what :func:`script_digest` returns."""
    return _DIGEST.fullmatch(text) is not None


def script_policy(digests: Iterable[str]) -> str:
    """What to append to a policy so that these scripts run; empty for none."""
    named = " ".join(f"'{digest}'" for digest in sorted(set(digests)) if is_digest(digest))
    return f"; script-src {named}" if named else ""


def standing_alone(title: str, shown: Interactive) -> str:
    """A whole document.

    Args:
        title: Text.
        shown: What is in it.

    Raises:
        PluginError: The script would end its own tag, or the data are no JSON.
    """
    if _ENDS.search(shown.script):
        raise PluginError(
            "a script holds '</script', '<!--' or a carriage return",
            where=title,
            remedy="write it otherwise: a page would end it there",
        )
    try:
        data = json.dumps(shown.data, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"interactive data are no JSON ({error})",
            where=title,
            remedy="give texts, finite numbers, lists and mappings",
        ) from error
    policy = _POLICY + script_policy([script_digest(shown.script)])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title></head>\n<body>\n{shown.markup}\n"
        f'<script type="application/json" id="data">{data.translate(_ESCAPES)}</script>\n'
        f"<script>{shown.script}</script>\n</body></html>\n"
    )


def framed(document: str, *, title: str, height: int) -> str:
    """A document in a frame that may run its script and nothing else."""
    return (
        f'<iframe sandbox="allow-scripts" loading="lazy" height="{int(height)}" '
        f'title="{escape(title)}" srcdoc="{escape(document)}"></iframe>'
    )
