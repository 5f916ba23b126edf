"""Starts the exporter of the compose file with the configuration that is meant: yours, or the demo's.

    python start.py [--replica] YOURS DEMO BANK run --log.format=logfmt

The demo's is meant where the simulator answers at BANK, which it does with the profile `demo` only. Where both could be
meant, or neither, nothing is started: the numbers of a simulated bank must not be taken for those of a real one. Exit
code 2, as for every configuration that cannot be used.

Where EPAY_STATE_PASSWORD is set, and for a --replica always, others may read the same terminals. Then the state must be
the one that they share: the demo's is in replicas.yaml beside DEMO, and yours is refused if it is not in PostgreSQL.
That the variable decides, and not whether the database answers, is because after a restart of the machine it answers
later than this asks.
"""

import http.client
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from exporter.config import ConfigInvalid, load, state_kind

_REPLICA: Final = "--replica"
_SHARED_BY: Final = "EPAY_STATE_PASSWORD"
_PATIENCE: Final = 5  # seconds; the simulator is healthy before this starts


def main() -> None:
    """Become the exporter, or end."""
    yours, demo, bank, *arguments = [each for each in sys.argv[1:] if each != _REPLICA]
    shared = _REPLICA in sys.argv or bool(os.environ.get(_SHARED_BY))
    simulated = answers(bank)
    if exists(Path(yours)) and simulated:
        end(
            f"{yours} and the simulator are both there: with which of them? For the demo, put the file elsewhere;"
            " for your terminals, take the simulator away: docker compose --profile demo down"
        )
    if simulated:
        say(f"demo: everything is read from the simulator, {bank}")
        become(arguments, str(Path(demo).with_name("replicas.yaml")) if shared else demo)
    if not exists(Path(yours)):
        end(
            f"there is no {yours}: on the host it is deploy/compose/configuration/config.yaml, or lies where"
            " EPAY_CONFIG_DIRECTORY says. Begin with a copy of config.example.yaml, or try"
            " docker compose --profile demo up"
        )
    if shared and keeps_to_itself(Path(yours)):
        end(
            f"{yours}: the state must be one that replicas can share, or each of them counts everything: state.url:"
            f" postgresql://epay:${{{_SHARED_BY}}}@postgres:5432/epay. For a single exporter with a state of its own"
            f" leave {_SHARED_BY} unset, and the profile replicas out"
        )
    become(arguments, yours)


def keeps_to_itself(path: Path) -> bool:
    """Whether a configuration has a state that nobody shares. What is wrong with it otherwise the exporter says."""
    try:
        return state_kind(load(path, os.environ).state_url) != "postgresql"
    except ConfigInvalid:
        return False


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
