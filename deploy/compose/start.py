"""Starts the exporter of the compose file with the configuration that is meant: yours, or the demo's.

    python start.py YOURS DEMO BANK run --log.format=logfmt

The demo's is meant where the simulator answers at BANK, which it does with the profile `demo` only. Where both could be
meant, or neither, nothing is started: the numbers of a simulated bank must not be taken for those of a real one. Exit
code 2, as for every configuration that cannot be used.
"""

import http.client
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

_PATIENCE: Final = 5  # seconds; the simulator is healthy before this starts


def main() -> None:
    """Become the exporter, or end."""
    yours, demo, bank, *arguments = sys.argv[1:]
    simulated = answers(bank)
    if exists(Path(yours)) and simulated:
        end(
            f"{yours} and the simulator are both there: with which of them? For the demo, put the file elsewhere;"
            " for your terminals, take the simulator away: docker compose --profile demo down"
        )
    if simulated:
        say(f"demo: everything is read from the simulator, {bank}")
        become(arguments, demo)
    if not exists(Path(yours)):
        end(
            f"there is no {yours}: on the host it is deploy/compose/exporter/config.yaml, or lies where"
            " EPAY_CONFIG_DIRECTORY says. Begin with a copy of config.example.yaml, or try"
            " docker compose --profile demo up"
        )
    become(arguments, yours)


def answers(bank: str) -> bool:
    """Whether the simulator is there. Asked without any proxy that the environment may name."""
    asking = http.client.HTTPConnection(bank, timeout=_PATIENCE)
    try:
        asking.request("GET", "/truth")
        return asking.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def exists(path: Path) -> bool:
    """Whether there is such a file, though perhaps not for us to read: that the exporter says better."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def become(arguments: list[str], configuration: str) -> NoReturn:
    """The exporter in place of this process, so that signals reach it."""
    os.execvp("epay-exporter", ["epay-exporter", *arguments, f"--config.file={configuration}"])  # noqa: S606, S607 — the image's own


def say(text: str) -> None:
    sys.stderr.write(f"epay-exporter: {text}\n")
    sys.stderr.flush()


def end(text: str) -> NoReturn:
    say(text)
    sys.exit(2)


if __name__ == "__main__":
    main()
