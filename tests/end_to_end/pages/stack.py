"""Simulated banks, the exporter, Prometheus and Alertmanager as they are shipped, and a webhook instead of a pager.

Every scene is a bank of its own with an account and a terminal of its own, all read by one exporter: so the scenes pass
side by side, and what one of them leads to must not be heard at another's terminal. Rules and routes come from the
shipped files, shortened (see `shortening`); only addresses are put in.
"""

import contextlib
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.config import load
from exporter.simulator.settings import Settings
from exporter.thresholds import CATALOGUE, Unit
from tests.end_to_end.pages import shortening
from tests.end_to_end.pages.past import write_past, write_weeks
from tests.end_to_end.pages.servers import alertmanager, asked, port, prometheus
from tests.end_to_end.pages.webhook import Message, Webhook, webhook
from tests.processes import Process, eventually, get, started

ROOT: Final = Path(__file__).parents[3]
RULES: Final = sorted((ROOT / "grafana" / "alerts").glob("*.yaml"))
ALERTMANAGER: Final = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
PROMETHEUS: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"

FACTOR: Final = 30
"""A quarter of an hour is half a minute: enough samples in the shortest range (5m, ten of them), and a gate (2m, four
seconds) that a poll, a scrape and an evaluation a second each fit into."""
NUMBERS: Final = ("98151552", "98151553", "98230417")


@dataclass(frozen=True, eq=False)
class Scene:
    """A scenario at a bank of its own; seconds are real ones."""

    scenario: str
    traffic: float = 1.0  # operations a second at the first terminal, about
    delay: float = 45
    duration: float = 60
    terminals: int = 1
    baseline: bool = False  # whether the past weeks lead to expect something
    variants: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The terminals' names."""
        more = (f"{self.scenario}-{number}" for number in range(2, self.terminals + 1))
        return (self.scenario, *more)


@dataclass(frozen=True)
class Stack:
    """All of it, running."""

    directory: Path
    prometheus: str
    alertmanager: str
    heard: Webhook
    began: Mapping[str, float]  # by scenario, when its bank was started, as time.monotonic
    exporter: Process
    silenced: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By terminal, the alerts that another one has made silent so far."""

    def pages(self, *names: str, status: str = "firing") -> list[Message]:
        """What the pager got for terminals of these names; without one, for none."""
        return [each for each in self.heard.messages("pager", status) if each.terminal in (names or ("",))]

    def value(self, query: str) -> Any:
        """An instant query's result: a list of series, or of time and value."""
        return asked(f"{self.prometheus}/api/v1/query?query={query}")["data"]["result"]

    def look(self) -> None:
        """Keep which alerts are silent just now because of another one."""
        for each in asked(f"{self.alertmanager}/api/v2/alerts"):
            if each["status"]["inhibitedBy"]:
                self.silenced[each["labels"].get("terminal", "")].add(each["labels"]["alertname"])

    def told(self) -> str:
        """All that was heard and logged, for who has to find out why."""
        first = min(self.began.values())
        heard = (f"{each.at - first:6.1f} s {each[1:]}" for each in self.heard.messages() if each.category)
        logs = (f"== {path.name}\n{path.read_text()[-1000:]}" for path in sorted(self.directory.rglob("*.log")))
        return "\n".join([*heard, *logs])


@contextlib.contextmanager
def stack(directory: Path, scenes: Sequence[Scene]) -> Iterator[Stack]:
    """Start everything for these scenes, await the first samples, and end it all."""
    with contextlib.ExitStack() as held:
        heard = held.enter_context(webhook())
        exporter = port()
        names = [name for scene in scenes for name in scene.names]
        write_past(directory / "prometheus", names, f"127.0.0.1:{exporter}", 7 * 86_400 / FACTOR)
        banks = {scene: port() for scene in scenes}
        (directory / "config.yaml").write_text(_configuration(directory, banks))
        config = load(directory / "config.yaml", {})
        for scene in scenes:
            if scene.baseline:
                write_weeks(f"sqlite:///{directory}/state.db", scene.names, _world(scene), config)
        began = {}
        for scene in scenes:
            began[scene.scenario] = time.monotonic()
            held.enter_context(started(directory / f"bank-{scene.scenario}.log", *_simulate(scene, banks[scene])))
        for scene in scenes:
            eventually(functools.partial(_says, directory / f"bank-{scene.scenario}.log", "bank simulator"))
        flags = (f"--config.file={directory / 'config.yaml'}", f"--web.listen-address=127.0.0.1:{exporter}")
        process = held.enter_context(started(directory / "exporter.log", "run", *flags))
        routes = _written(directory / "alertmanager.yml", _routes(heard.url))
        alerts = held.enter_context(alertmanager(routes, directory / "alertmanager"))
        scrapes = _written(directory / "prometheus.yml", _scrapes(directory, f"127.0.0.1:{exporter}", alerts))
        eventually(lambda: get(f"http://127.0.0.1:{exporter}/-/ready")[0] == 200, 60)
        rules = held.enter_context(prometheus(scrapes, directory / "prometheus"))
        running = Stack(directory, rules, alerts, heard, began, process)
        eventually(lambda: running.value("up==1"))
        with _looking(running):
            yield running


@contextlib.contextmanager
def _looking(running: Stack) -> Iterator[None]:
    """Looks at Alertmanager all the time: what is silent leaves no trace at the webhook."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            with contextlib.suppress(AssertionError):  # no answer in time: the next one will say it
                running.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _says(log: Path, text: str) -> bool:
    return text in log.read_text()


def _variants(scene: Scene) -> dict[str, str]:
    return {
        "traffic": f"{scene.traffic:g}",  # the first terminal has one a second at the peak
        "local-hour": "18",  # the peak
        "scenario-delay": f"{scene.delay:g}",
        "scenario-duration": f"{scene.duration:g}",
        "history-days": str(int(scene.baseline)),  # no more than the longest window needs
        # Real minutes, which nothing makes shorter: forty seconds of pending would be twenty minutes here.
        "pending-share": "0",
        "late-share": "0",
        **scene.variants,
    }


def _world(scene: Scene) -> Settings:
    """The simulator's settings, as its command line makes them."""
    settings = Settings(scenario=scene.scenario)
    for name, value in _variants(scene).items():
        settings = settings.with_variant(name, value)
    return settings


def _simulate(scene: Scene, listen: int) -> list[str]:
    variants = _variants(scene)
    flags = [f"--variant={name}={value}" for name, value in variants.items()]
    return ["simulate", f"--listen=127.0.0.1:{listen}", f"--scenario={scene.scenario}", *flags]


def _configuration(directory: Path, banks: Mapping[Scene, int]) -> str:
    accounts = [
        {
            "name": scene.scenario,
            "token_url": f"http://127.0.0.1:{port}/oauth2/token",
            "operations_url": f"http://127.0.0.1:{port}/api/p2p/operations",
            **dict.fromkeys(("username", "password", "client_id", "client_secret"), "demo"),
            "terminals": [{"id": number, "name": name} for number, name in zip(NUMBERS, scene.names, strict=False)],
        }
        for scene, port in banks.items()
    ]
    poll = {"interval": "1s", "lookback": "30s", "sweep_interval": "2s", "timeout": "2s"}
    return yaml.safe_dump(
        {
            "accounts": accounts,
            "poll": {**poll, "max_concurrency": 64, "requests_per_second": 100},
            "windows": [shortening.duration(window, FACTOR) for window in ("5m", "15m", "1h")],
            "breakdowns": ["sender_issuer"],
            "state": {"url": f"sqlite:///{directory}/state.db"},
            # The past weeks are in the state already: see `past`.
            "baseline": {"history": "0s", "windows": [shortening.duration(window, FACTOR) for window in ("15m", "1h")]},
            "alerts": {"defaults": _thresholds()},
        }
    )


def _thresholds() -> dict[str, dict[str, float]]:
    """The ages among the thresholds, shortened like the rules; all others are as shipped."""
    return {
        alert.key: {each.name: each.default / FACTOR for each in alert.settings if each.unit is Unit.SECONDS}
        for alert in CATALOGUE.values()
        if any(each.unit is Unit.SECONDS for each in alert.settings)
    }


@functools.cache
def loaded(path: Path) -> dict[str, Any]:
    """A shipped file; not to be changed by who gets it."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def _written(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _routes(url: str) -> dict[str, Any]:
    """The shipped routes and inhibitions, whose receivers are all a path of the webhook."""
    document = shortening.routes(loaded(ALERTMANAGER), FACTOR)
    hooks = [
        {"name": each["name"], "webhook_configs": [{"url": f"{url}/{each['name']}", "send_resolved": True}]}
        for each in document["receivers"]
    ]
    return {**document, "templates": [], "receivers": hooks}


def _scrapes(directory: Path, exporter: str, alerts: str) -> dict[str, Any]:
    """The shipped configuration with our addresses, and with a scrape a second, which is seldomer than shipped."""
    document = shortening.scrapes(loaded(PROMETHEUS), FACTOR)
    rules = directory / "rules"
    rules.mkdir()
    for path in RULES:
        _written(rules / path.name, shortening.rules(loaded(path), FACTOR))
    (job,) = document["scrape_configs"]
    job = {**job, "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": [{"targets": [exporter]}]}
    targets = {"static_configs": [{"targets": [alerts.removeprefix("http://")]}]}
    return {
        **document,
        "rule_files": [f"{rules}/*.yaml"],
        "alerting": {"alertmanagers": [targets]},
        "scrape_configs": [job],
    }
