"""README.md says what the code does: every name of the code stands in it, and it names nothing that is not there."""

import ast
import inspect
import re
import shlex
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from exporter import cli
from exporter.config import load
from exporter.config.keys import KEYS, SECRETS
from exporter.config.settings import BREAKDOWNS
from exporter.config.tables import reason_class_names, shipped_statuses
from exporter.exposition.catalogue import CATALOGUE
from exporter.instrumentation import Instruments
from exporter.model import Snapshot, Totals
from exporter.simulator.faults import FAULTS
from exporter.simulator.scenario import SCENARIOS
from exporter.thresholds import CATALOGUE as THRESHOLDS
from exporter.web import create_app

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_YET = "What this version does not do yet"
DOCUMENTS = sorted([*ROOT.glob("README*.md"), ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

SERIES = ("terminal", "outcome", "status", "code", "reason_code", "reason_class")
FOREIGN_FLAGS = {"--require-hashes", "--no-deps", "--profile", "--detach", "--wait"}
"""Of pip and of Docker Compose, in what README shows of an installation."""


def sections(text: str) -> dict[str, str]:
    """Heading → what stands below it, down to the next heading of any level. Headings in fenced code are none."""
    found: dict[str, list[str]] = {"": []}
    current, fenced = found[""], False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = re.match(r"#+ (.+)", line)
        if heading and not fenced:
            assert heading[1] not in found, f"two headings say {heading[1]}"
            current = found.setdefault(heading[1], [])
        else:
            current.append(line)
    return {heading: "\n".join(lines) for heading, lines in found.items()}


SECTIONS = sections(README)
PROMISES = "\n".join(text for heading, text in SECTIONS.items() if heading != NOT_YET)
"""All of README but what it says is not there."""


def cells_of(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip().strip("|").split(" |"))


def rows(text: str) -> Iterator[tuple[str, ...]]:
    """The cells of all tables' rows, without the lines below the heads."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield cells_of(line)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def ticked(text: str) -> list[str]:
    """What stands in backticks, fenced code aside."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


# Configuration


def key_names() -> set[str]:
    return {f"{place}.{key}" if place else key for place, keys in KEYS.items() for key in keys}


def keys_of_readme() -> list[str]:
    return [cells[0].strip("`") for cells in rows(SECTIONS["Configuration"]) if cells[0].startswith("`")]


def test_every_configuration_key_has_one_row_and_every_row_is_a_key() -> None:
    assert sorted(keys_of_readme()) == sorted(key_names())


def test_keys_that_the_text_names_exist() -> None:
    place = "|".join(sorted({re.escape(name.split(".")[0].removesuffix("[]")) for name in KEYS if name}))
    named = {text for text in ticked(PROMISES) if re.fullmatch(rf"(?:{place})(?:\[\])?\.[a-z_.\[\]]+", text)}
    assert named
    assert named <= key_names()


def test_rows_of_keys_say_their_defaults() -> None:
    config = load(ROOT / "config.example.yaml", {f"EPAY_{name.upper()}": "x" for name in SECRETS})
    said = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(SECTIONS["Configuration"])}
    example = yaml.safe_load((ROOT / "config.example.yaml").read_text(encoding="utf-8"))
    for section in ("poll", "limits", "state", "baseline"):
        for key in KEYS[section]:
            value = example[section][key]  # these are the defaults, which another test sees to
            shown = f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
            assert said[f"{section}.{key}"] == shown
    account = config.accounts[0]
    for key in ("name", "token_body", "scope", "period_field", "terminal_filter", "paging"):
        assert said[f"accounts[].{key}"] == getattr(account, key)


def test_every_threshold_has_its_default_and_every_row_is_an_alert() -> None:
    written = [cells for cells in rows(SECTIONS["Thresholds"]) if cells[0].startswith("`")]
    assert [(key.strip("`"), rule.strip("`"), settings) for key, rule, settings in written] == [
        (alert.key, alert.name, ", ".join(f"`{each.name}` {each.default:.10g}" for each in alert.settings))
        for alert in THRESHOLDS.values()
    ]


def yaml_of_readme() -> list[str]:
    return [text for text in blocks(README, "yaml") if "accounts" in yaml.safe_load(text)]


def test_whole_configurations_in_readme_load(tmp_path: Path) -> None:
    found = yaml_of_readme()
    assert found
    for text in found:
        for file in re.findall(r"_file: (\S+)", text):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text("secret\n", encoding="utf-8")
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        load(path, dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "value"))


def test_all_yaml_in_readme_is_yaml() -> None:
    assert all(isinstance(yaml.safe_load(text), dict) for text in blocks(README, "yaml"))


def test_reason_classes_and_breakdowns_are_the_codes() -> None:
    classes = [cells[0].strip("`") for cells in rows(SECTIONS["Outcomes and reason classes"])][5:]
    assert classes[0] == "class"
    assert set(classes[1:]) == set(reason_class_names())
    breakdowns = next(cells[2] for cells in rows(SECTIONS["Configuration"]) if cells[0] == "`breakdowns`")
    assert set(re.findall("`([^`]+)`", breakdowns)) == set(BREAKDOWNS)


@pytest.mark.parametrize("outcome", ["success", "pending", "failure"])
def test_statuses_stand_under_their_outcome(outcome: str) -> None:
    row = next(cells for cells in rows(SECTIONS["Outcomes and reason classes"]) if cells[0] == f"`{outcome}`")
    shipped = shipped_statuses()
    statuses = [text for text in ticked(row[1]) if text in shipped]
    assert statuses
    assert {shipped[status] for status in statuses} == {outcome}


# Metrics


def metrics_of_the_code() -> dict[str, tuple[str, frozenset[str]]]:
    """Name → type and labels."""
    found = {each.name: (str(each.kind), frozenset(each.labels)) for each in CATALOGUE}
    registry: CollectorRegistry = Instruments(["main"], "1.0").registry
    labels = {
        name: frozenset(collector._labelnames)
        for collector, names in registry._collector_to_names.items()
        if hasattr(collector, "_labelnames")
        for name in names
    }
    for metric in registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        own = frozenset(label for sample in metric.samples for label in sample.labels) - {"le"}
        assert name not in found
        found[name] = (metric.type, labels.get(metric.name, own))
    return found


def metrics_of_readme() -> list[tuple[str, tuple[str, frozenset[str]]]]:
    found = []
    for cells in rows(SECTIONS["Metrics"]):
        if cells[0].startswith("`"):
            labels = set(re.findall("`([^`]+)`", cells[2]))
            if "series" in cells[2].replace("`", "").split(", "):
                labels |= set(SERIES)
            found.append((cells[0].strip("`"), (cells[1], frozenset(labels))))
    return found


def test_every_metric_has_one_row_with_its_type_and_labels_and_every_row_is_a_metric() -> None:
    written = metrics_of_readme()
    assert len(written) == len({name for name, _ in written})
    assert dict(written) == metrics_of_the_code()


def test_the_code_has_all_of_the_metrics_that_this_test_takes_for_granted() -> None:
    assert {"epay_operations_total", "epay_api_requests_total", "process_cpu_seconds_total"} <= set(
        metrics_of_the_code()
    )


def metric_names(text: str) -> set[str]:
    return set(re.findall(r"\bepay_(?!exporter\b)[a-z_]+[a-z]\b", text))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_metric_that_a_document_names_exists(path: Path) -> None:
    text = PROMISES if path.name == "README.md" else path.read_text(encoding="utf-8")
    assert metric_names(text) - set(metrics_of_the_code()) == set()


def test_what_is_said_to_be_missing_is_missing() -> None:
    assert metric_names(SECTIONS[NOT_YET]) & set(metrics_of_the_code()) == set()


# Command line


def command_names() -> set[str]:
    return set(cli.commands.commands)


def options(command: click.Command) -> Iterator[tuple[str, click.Option]]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for name in (*parameter.opts, *parameter.secondary_opts):
                yield name, parameter


def all_flags() -> set[str]:
    commands: list[click.Command] = [cli.commands, *cli.commands.commands.values()]
    return {name for command in commands for name, _ in options(command)} | {"--help"}


def test_every_command_is_listed_and_every_listed_one_is_a_command() -> None:
    listed = [cells[0].strip("`") for cells in rows(SECTIONS["Commands and flags"])][1:]
    assert sorted(listed) == sorted(f"epay-exporter {name}" for name in command_names())


@pytest.mark.parametrize("name", sorted(command_names()))
def test_every_flag_of_a_command_has_a_row_with_its_environment_variable_and_default(name: str) -> None:
    written = {cells[0]: cells[1:3] for cells in rows(SECTIONS[f"`{name}`"]) if cells[0].startswith("`--")}
    expected = {}
    for flag, option in options(cli.commands.commands[name]):
        variable = f"`{option.envvar}`" if option.envvar else "–"
        expected[f"`{flag}`"] = (variable, _default(option))
    assert {flag: cells if expected.get(flag, ("", ""))[1] else (cells[0], "") for flag, cells in written.items()} == (
        expected
    )


def _default(option: click.Option) -> str:
    """As README writes it; empty where it may write what it likes."""
    if option.required:
        return "required"
    if option.is_flag:
        return "off"
    value = option.default[0] if isinstance(option.default, tuple) and option.default else option.default
    return f"`{value}`" if isinstance(value, (str, int, float)) else ""


def test_top_level_flags_are_named() -> None:
    for flag, _ in options(cli.commands):
        assert flag in SECTIONS["Commands and flags"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_flag_that_a_document_names_exists(path: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][\w.-]*\w", path.read_text(encoding="utf-8")))
    assert named - all_flags() - FOREIGN_FLAGS == set()


def test_every_environment_variable_that_readme_names_is_one() -> None:
    known = {
        str(option.envvar)
        for command in cli.commands.commands.values()
        for _, option in options(command)
        if option.envvar
    }
    assert set(re.findall(r"\bEPAY_EXPORTER_\w+", README)) == known


def test_scenarios_and_faults_are_all_listed() -> None:
    written = {cells[0]: ticked(cells[3]) for cells in rows(SECTIONS["`simulate`"]) if len(cells) == 4}
    assert written["`--scenario`"] == list(SCENARIOS)
    assert [name for name in written["`--fault`"] if name != "=RATE"] == list(FAULTS)


def codes_of_the_code() -> set[int]:
    """Every number that can reach `sys.exit`, in exporter/cli directly or through `fail`; and click's own."""
    found = {0, click.UsageError.exit_code, 128 + signal.SIGINT, 128 + signal.SIGTERM}  # the last two: app.Interrupted
    modules = sorted(Path(inspect.getfile(cli)).parent.glob("*.py"))
    for node in (each for module in modules for each in ast.walk(ast.parse(module.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("fail", "sys.exit") and node.args:
            found |= {
                each.value
                for each in ast.walk(node.args[0])
                if isinstance(each, ast.Constant) and isinstance(each.value, int)
            }
    return found


def test_every_exit_code_is_listed_and_every_listed_one_can_occur() -> None:
    listed = [int(cells[0]) for cells in rows(SECTIONS["Exit codes"]) if cells[0].isdecimal()]
    assert sorted(listed) == sorted(codes_of_the_code())


def commands_shown(text: str) -> list[list[str]]:
    """Every command line in a document's shell blocks."""
    joined = "\n".join(blocks(text, "sh")).replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in joined.splitlines() if line.strip()]


def test_commands_that_readme_shows_can_be_given() -> None:
    shown = [words for words in commands_shown(README) if Path(words[0]).name == "epay-exporter"]
    assert shown
    for _, *arguments in shown:
        if arguments[0] == "--version":
            continue
        name = arguments[0] if not arguments[0].startswith("-") else "run"
        assert name in command_names()
        flags = {argument.partition("=")[0] for argument in arguments if argument.startswith("-")}
        assert flags <= {flag for flag, _ in options(cli.commands.commands[name])}


def test_inline_commands_of_readme_exist() -> None:
    named = {text.split()[1] for text in ticked(README) if re.match(r"epay-exporter [a-z]", text)}
    assert named
    assert named <= command_names()


def test_make_targets_of_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    shown = {words[1] for words in commands_shown(README) if words[0] == "make"}
    named = {text.split()[1] for text in ticked(README) if text.startswith("make ")}
    assert {"demo"} <= shown
    assert shown | named <= targets


# Endpoints, links


def paths_of_the_code() -> set[str]:
    app = create_app(lambda: Snapshot(0, 0, 0, (), Totals()), CollectorRegistry(), lambda: 0)
    return {route.path for route in app.routes if isinstance(route, Route)}


def test_every_endpoint_has_a_row_and_every_row_is_an_endpoint() -> None:
    listed = [cells[0].strip("`").split()[-1] for cells in rows(SECTIONS["Endpoints"]) if cells[0].startswith("`")]
    assert sorted(listed) == sorted(paths_of_the_code())


def test_endpoints_that_the_text_names_exist() -> None:
    assert set(re.findall(r"(?<![\w/])/-/[a-z]+", PROMISES)) <= paths_of_the_code()


def slugs(text: str) -> set[str]:
    """Anchors of headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in sections(text)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in slugs(linked.read_text(encoding="utf-8")), target


def test_the_layers_are_those_that_the_linter_enforces() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    enforced = [set(layer.split(" | ")) for layer in layers if layer != "__main__"]
    enforced[-2:] = [enforced[-2] | enforced[-1]]  # README has the last two in one line
    (shown,) = (block for block in blocks(SECTIONS["Development"], "") if block.startswith("cli"))
    assert [set(re.split(" {2,}", line)[0].split(", ")) for line in shown.splitlines()] == enforced


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"$', project, flags=re.MULTILINE)
    assert version is not None
    assert re.search(rf"^## \[{re.escape(version[1])}\] - \d{{4}}-\d\d-\d\d$", text, flags=re.MULTILINE)


def test_log_messages_that_readme_lists_are_logged() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "exporter").rglob("*.py"))
    logged = set(re.findall(r'\.(?:info|warning|error|exception)\(\s*f?"([^"]+)"', source))
    logged |= {"unknown status", "unknown code"}  # written as one, with the kind filled in
    listed = {message for cells in rows(SECTIONS["Log"]) for message in re.findall("`([^`]+)`", cells[0])} - {"msg"}
    spoken = {message for message in logged if "{" not in message and not message.startswith("--")}
    assert listed == spoken


def test_tables_have_no_ragged_rows() -> None:
    for text in SECTIONS.values():
        width = 0
        for line in text.splitlines():
            if not line.startswith("|"):
                width = 0
            elif line.startswith("|---"):
                assert line.count("|") == width + 1
            else:
                width = width or len(cells_of(line))
                assert len(cells_of(line)) == width, line
