"""The shipped rules: as one Prometheus file, and translated for Grafana."""

import re

import pytest
import yaml

from exporter.alerting.grafana import Misnamed, provisioning, uid_of_datasource
from exporter.alerting.rules import FILES, AlertRule, LinkInvalid, Links, alerts, link_base, prometheus, texts
from exporter.alerting.templates import TemplateUnfit, in_grafana


def alert(name: str = "EpayFailureRatioHigh", severity: str = "critical", summary: str = "{{ $value }}") -> AlertRule:
    return AlertRule("epay-availability", "1m", name, "a > 1", "5m", "", {"severity": severity}, {"summary": summary})


def test_the_printed_file_has_every_group_of_every_file_and_their_comments() -> None:
    whole = prometheus("1.2.3")
    groups = [group for _, text in texts() for group in yaml.safe_load(text)["groups"]]

    assert yaml.safe_load(whole) == {"groups": groups}
    assert "epay-exporter 1.2.3" in whole.splitlines()[0]
    assert "Prometheus 2.42" in whole.splitlines()[0]
    for name, text in texts():
        comments = re.findall(r"^ *#.*$", text, flags=re.MULTILINE)
        assert comments
        assert all(comment in whole for comment in comments), name


def test_recorded_series_come_before_those_that_ask_for_them() -> None:
    assert [name for name, _ in texts()] == list(FILES)
    assert FILES[0] == "recording.yaml"


def test_links_lead_where_they_are_wanted() -> None:
    links = Links(grafana="https://grafana.example.com/g", runbooks="https://wiki.example.com/epay")

    for each in alerts(links):
        assert each.annotations["dashboard_url"].startswith("https://grafana.example.com/g/d/epay-")
        assert each.annotations["runbook_url"] == f"https://wiki.example.com/epay#{each.name.lower()}"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://grafana.example.com/sub/", "https://grafana.example.com/sub"),
        ("https://wiki.example.com/x?page=epay", "https://wiki.example.com/x?page=epay"),
    ],
)
def test_bases_for_links(text: str, base: str) -> None:
    assert link_base(text) == base


@pytest.mark.parametrize(
    "text",
    [
        "",
        "grafana.example.com",
        "ftp://example.com",
        "http://a b",
        'http://a"b',
        "http://a#b",
        "http://{{ x }}",
        "http://a\n- b",
    ],
)
def test_what_would_break_the_file_is_no_base_for_links(text: str) -> None:
    with pytest.raises(LinkInvalid):
        link_base(text)


@pytest.mark.parametrize(
    ("prometheus_says", "grafana_says"),
    [
        ("{{ $labels.terminal }}: plain", "{{ $labels.terminal }}: plain"),
        ("{{ $value | humanizePercentage }} fail", "{{ $values.A.Value | humanizePercentage }} fail"),
        ("{{ if gt $value 0.0 }}old{{ else }}new{{ end }}", "{{ if gt $values.A.Value 0.0 }}old{{ else }}new{{ end }}"),
        ("{{ with query `count(up)` }}{{ . | first | value }}{{ else }}0{{ end }} up", "[count(up)] up"),
        (
            'at {{ with query (printf `a{t=%q,v="%s"}` $labels.terminal $labels.v) }}{{ . | first | value }}{{ end }}.',
            'at [a{t="{{ $labels.terminal }}",v="{{ $labels.v }}"}].',
        ),
        (
            "{{ with printf `a{t=%q}` $labels.terminal | query }}{{ with first . }}{{ .Value }}{{ end }}{{ end }} left",
            '[a{t="{{ $labels.terminal }}"}] left',
        ),
        (r'{{ with query "a{b=\"c\"}" }}{{ end }}', '[a{b="c"}]'),
        (
            "{{ range query `sum by (reason) (a)` }}{{ value . }}, {{ end }}in all {{ $value }}",
            "[sum by (reason) (a)]in all {{ $values.A.Value }}",
        ),
        ("{{ query `a` | first | value }}", "[a]"),
        (
            '{{ $w := "1h" }}{{ with query `a` }}{{ $w = . | first | label "window" }}{{ end -}} In {{ $w }}',
            '{{ $w := "<w>" }}In {{ $w }}',
        ),
        ('from={{ with query "1000 * (time() - 600)" }}{{ . | first | value }}{{ end }}', "from=now-600s"),
        ('from={{ with query "(time() - 600) * 1000" }}{{ . | first | value }}{{ end }}', "from=now-600s"),
        ('to={{ with query "1000 * time()" }}{{ . | first | value }}{{ end }}', "to=now"),
        ('to={{ with query "time() * 1000" }}{{ . | first | value }}{{ end }}', "to=now"),
        ("{{ $labels.terminal | urlquery }}", "{{ $labels.terminal | urlquery }}"),
    ],
)
def test_templates_in_grafanas_words(prometheus_says: str, grafana_says: str) -> None:
    assert in_grafana(prometheus_says) == grafana_says


@pytest.mark.parametrize(
    "template",
    [
        "{{ with query $labels.expr }}{{ end }}",
        "{{ with query `a` }}{{ . }}",
        "{{ with query (printf `a{b=%q}`) }}{{ end }}",
        "{{ with query (printf `a > %d` $labels.n) }}{{ end }}",
    ],
)
def test_a_template_that_grafana_could_not_show_is_refused(template: str) -> None:
    with pytest.raises(TemplateUnfit):
        in_grafana(template)


def test_rules_of_one_name_have_folders_and_uids_of_their_own() -> None:
    three = [alert(), alert(severity="warning"), alert()]

    groups = yaml.safe_load(provisioning("1.0", three))["groups"]

    assert [(group["folder"], [rule["uid"] for rule in group["rules"]]) for group in groups] == [
        ("ePay critical", ["epay-failureratiohigh-critical"]),
        ("ePay warning", ["epay-failureratiohigh-warning"]),
        ("ePay critical 2", ["epay-failureratiohigh-critical-2"]),
    ]


def test_a_rule_for_grafana_asks_the_given_data_source() -> None:
    (group,) = yaml.safe_load(provisioning("1.0", [alert()], "mimir"))["groups"]
    (rule,) = group["rules"]

    assert rule["data"][0]["datasourceUid"] == rule["data"][0]["model"]["datasource"]["uid"] == "mimir"
    assert rule["annotations"] == {"summary": "{{ $values.A.Value }}"}
    assert "keepFiringFor" not in rule


def test_a_name_that_makes_no_uid_is_refused() -> None:
    with pytest.raises(Misnamed):
        provisioning("1.0", [alert("Epay" + "x" * 40)])


@pytest.mark.parametrize("text", ["", "a b", "ä", "x" * 41])
def test_what_is_no_uid_of_a_data_source(text: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        uid_of_datasource(text)
