"""Renews `files/requirements*.lock.jinja`: `python3 locks.py`, with `platform` and `uv` on the PATH.

Renders the template in all its choices, lets uv resolve each, and writes what they have in common with what each adds.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CHOICES = {
    "": [],
    'parameters.database == "postgres"': ["--set", "database=postgres"],
    'parameters.cache == "redis"': ["--set", "cache=redis"],
}
LOCKS = {"requirements.lock": [], "requirements-dev.lock": ["--group", "dev"]}
HEADER = "# README.md says how this is renewed."


def blocks(settings: list[str], lock: str, group: list[str]) -> dict[str, str]:
    """A package with its hashes, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder, "rendered")
        render = ["platform", "template", "render", HERE, "--name=service", f"--into={into}", *settings]
        subprocess.run(render, check=True, stdout=subprocess.DEVNULL)
        compiled = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11", "--generate-hashes"]
        compiled += ["--no-annotate", "--no-header", "pyproject.toml", *group]
        text = subprocess.run(compiled, cwd=into, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = re.split(r"^(?=[a-z])", text, flags=re.M)
    return {re.split(r"[=\[ ]", it)[0]: it for it in found if it.strip()}


def main() -> int:
    for lock, group in LOCKS.items():
        packages: dict[str, dict[str, list[str]]] = {}
        for choice, settings in CHOICES.items():
            for name, text in blocks(settings, lock, group).items():
                packages.setdefault(name, {}).setdefault(text, []).append(choice)
        lines = [HEADER + "\n"]
        for _, texts in sorted(packages.items()):
            always = next((text for text, choices in texts.items() if "" in choices), "")
            single = {text: " or ".join(choices) for text, choices in texts.items() if "" not in choices}
            for text, guard in single.items():
                otherwise = f"{{% else %}}\n{always}" if always else ""
                lines.append(f"{{% if {guard} %}}\n{text}{otherwise}{{% endif %}}\n")
            if not single:
                lines.append(always)
        (HERE / "files" / f"{lock}.jinja").write_text("".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
