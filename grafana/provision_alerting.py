"""Writes provisioning/alerting/epay.yaml anew from alerts/*.yaml: `python grafana/provision_alerting.py`.

The file is the output of `epay-exporter rules --format=grafana`, but for the version, which would change it with every
release.
"""

from pathlib import Path
from typing import Final

from exporter.alerting.grafana import provisioning
from exporter.alerting.rules import alerts

TARGET: Final = Path(__file__).parent / "provisioning" / "alerting" / "epay.yaml"


def text() -> str:
    """What the file is to hold."""
    return provisioning("", alerts())


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")
