"""The kinds of panel, each with what all of its kind have in common.

Every panel says what it shows, in which unit and from where to where. `most` is a hard end, which shares and states
have; graphs of counts have a soft one, so that a quiet hour does not look like a storm.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.text import TextMode

from grafana.source import looks

SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
Override = tuple[str, Sequence[DynamicConfigValue]]

_Any = TypeVar(
    "_Any", bargauge.Panel, heatmap.Panel, stat.Panel, statetimeline.Panel, table.Panel, text.Panel, timeseries.Panel
)


def graph(
    title: str,
    description: str,
    queries: Sequence[Dataquery],
    unit: str,
    *,
    soft_most: float | None = None,
    most: float | None = None,
    least: float | None = 0,
    decimals: int | None = None,
    stacked: bool = False,
    bars: bool = False,
    looking: Mapping[str, Sequence[DynamicConfigValue]] | None = None,
    calcs: Sequence[str] = (),
    legend: bool = True,
) -> timeseries.Panel:
    """Lines over time. `looking`: how series of a name (or of names, as a /regular expression/) look.

    Without `decimals` Grafana takes as many as an axis needs.
    """
    made = _described(timeseries.Panel(), title, description, queries, unit, least, most, decimals)
    made = made.color_scheme(looks.palette()).line_width(1 if stacked else 2).fill_opacity(60 if stacked else 6)
    made = made.draw_style(kinds.GraphDrawStyle.BARS if bars else kinds.GraphDrawStyle.LINE)
    made = made.show_points(kinds.VisibilityMode.AUTO).point_size(4).span_nulls(False)
    made = made.line_interpolation(kinds.LineInterpolation.LINEAR)
    mode = kinds.StackingMode.NORMAL if stacked else kinds.StackingMode.NONE
    made = made.stacking(common.StackingConfig().mode(mode).group("A"))
    if soft_most is not None:
        made = made.axis_soft_max(soft_most)
    shown = common.VizLegendOptions().show_legend(legend).placement(kinds.LegendPlacement.BOTTOM)
    shown = shown.display_mode(kinds.LegendDisplayMode.TABLE if calcs else kinds.LegendDisplayMode.LIST)
    made = made.legend(shown.calcs(list(calcs)))
    tip = common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING)
    return _overridden(made.tooltip(tip), list((looking or {}).items()))


def number(
    title: str,
    description: str,
    queries: Sequence[Dataquery],
    unit: str,
    steps: Sequence[looks.Step] = ((None, looks.GREY),),
    *,
    least: float | None = 0,
    most: float | None = None,
    decimals: int | None = None,
    values: looks.Values | None = None,
    nothing: str = "–",
    background: bool = False,
    looking: Mapping[str, Sequence[DynamicConfigValue]] | None = None,
    url: str = "",
    sizes: tuple[int, int] | None = None,
) -> stat.Panel:
    """One number, or a few, large. `nothing`: what stands there where Prometheus has nothing.

    `sizes`: of the names and of the numbers, in pixels, where there are several.
    """
    made = _described(stat.Panel(), title, description, queries, unit, least, most, decimals)
    made = made.thresholds(looks.steps(*steps)).color_scheme(looks.by_threshold()).no_value(nothing)
    if values:
        made = made.mappings(looks.words(values))
    made = made.graph_mode(kinds.BigValueGraphMode.NONE).text_mode(kinds.BigValueTextMode.AUTO)
    made = made.color_mode(kinds.BigValueColorMode.BACKGROUND if background else kinds.BigValueColorMode.VALUE)
    made = made.justify_mode(kinds.BigValueJustifyMode.CENTER).wide_layout(True)
    made = made.reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(""))
    if sizes:
        made = made.text(common.VizTextDisplayOptions().title_size(sizes[0]).value_size(sizes[1]))
    if url:
        made = made.data_links([dashboards.DashboardLink(title="more").url(url)])
    return _overridden(made, list((looking or {}).items()))


def gauges(
    title: str,
    description: str,
    queries: Sequence[Dataquery],
    unit: str,
    steps: Sequence[looks.Step],
    *,
    most: float | None = None,
    decimals: int | None = None,
    nothing: str = "none",
) -> bargauge.Panel:
    """Bars side by side, one a series."""
    made = _described(bargauge.Panel(), title, description, queries, unit, 0, most, decimals)
    made = made.thresholds(looks.steps(*steps)).color_scheme(looks.by_threshold()).no_value(nothing)
    made = made.display_mode(kinds.BarGaugeDisplayMode.BASIC).value_mode(kinds.BarGaugeValueMode.TEXT)
    made = made.orientation(kinds.VizOrientation.HORIZONTAL).show_unfilled(False).min_viz_height(12)
    made = made.sizing(kinds.BarGaugeSizing.AUTO).name_placement(kinds.BarGaugeNamePlacement.LEFT)
    made = made.text(common.VizTextDisplayOptions().value_size(14).title_size(13)).max_viz_height(24)
    return made.reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(""))


def states(
    title: str, description: str, queries: Sequence[Dataquery], values: looks.Values, nothing: str = "no data"
) -> statetimeline.Panel:
    """Rows of states over time, with words for the numbers."""
    most = max(float(value) for value in values)
    made = _described(statetimeline.Panel(), title, description, queries, "none", 0, most, 0)
    made = made.mappings(looks.words(values)).thresholds(looks.steps((None, looks.GREY))).no_value(nothing)
    made = made.color_scheme(looks.by_threshold())
    made = made.fill_opacity(80).line_width(0).row_height(0.85).merge_values(True)
    made = made.show_value(kinds.VisibilityMode.AUTO)
    made = made.legend(common.VizLegendOptions().show_legend(False).calcs([]))
    return made.tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.SINGLE).sort(kinds.SortOrder.NONE))


def distribution(title: str, description: str, queries: Sequence[Dataquery], unit: str) -> heatmap.Panel:
    """A histogram over time: how many fell into which bucket."""
    made = _described(heatmap.Panel(), title, description, queries, unit, 0, None, 0).calculate(False)
    colors = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Cividis").steps(64)
    colors = colors.fill(looks.BLUE).scale(heat.HeatmapColorScale.EXPONENTIAL).exponent(0.5).reverse(False)
    axis = heatmap.YAxisConfig().unit(unit).decimals(0).axis_placement(kinds.AxisPlacement.LEFT)
    made = made.color(colors).y_axis(axis).cell_gap(1).show_legend().show_y_histogram().show_color_scale(True)
    made = made.cell_values(heatmap.CellValues().unit(looks.COUNT).decimals(0))
    made = made.filter_values(heatmap.FilterValueRange().le(1e-9)).exemplars_color(looks.PURPLE)
    return made.mode(kinds.TooltipDisplayMode.SINGLE)


def listing(
    title: str,
    description: str,
    queries: Sequence[Dataquery],
    columns: Mapping[str, Sequence[DynamicConfigValue]],
    sources: Mapping[str, str],
    *,
    sort: tuple[str, bool] | None = None,
    nothing: str = "nothing",
    hidden: Sequence[str] = (),
    unit: str = looks.COUNT,
) -> table.Panel:
    """A table. `columns`: heading → how it looks, in order; `sources`: field of the answers → heading; what is in
    neither is left out. `hidden` fields are left out by name; `sort`: heading, descending."""
    made = _described(table.Panel(), title, description, queries, unit, 0, None, None).no_value(nothing)
    made = made.cell_height(kinds.TableCellHeight.SM).show_header(True).filterable(False)
    made = made.thresholds(looks.steps((None, looks.GREY)))
    made = made.cell_options(kinds.TableAutoCellOptions())
    if sort:
        made = made.sort_by([common.TableSortByFieldState().display_name(sort[0]).desc(sort[1])])
    order = {field: list(columns).index(heading) for field, heading in sources.items()}
    organized = {
        "excludeByName": dict.fromkeys(sorted({"Time", "__name__", "job", "instance", *hidden} - set(sources)), True),
        "indexByName": order,
        "renameByName": dict(sources),
        "includeByName": {},
    }
    made = made.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    made = made.with_transformation(DataTransformerConfig(id_val="organize", options=organized))
    empty_cells: list[Override] = [("/.*/", [looks.setting("noValue", "–")])]  # the panel's own is for no rows at all
    return _overridden(made, empty_cells + list(columns.items()))


def words(title: str, description: str, content: str) -> text.Panel:
    """Markdown."""
    made = text.Panel().title(title).description(description).datasource(SOURCE).unit("none").min(0)
    return made.mode(TextMode.MARKDOWN).content(content)


def _described(
    made: _Any,
    title: str,
    description: str,
    queries: Sequence[Dataquery],
    unit: str,
    least: float | None,
    most: float | None,
    decimals: int | None,
) -> _Any:
    made = made.title(title).description(description).datasource(SOURCE).unit(unit)
    for query in queries:
        made = made.with_target(query.datasource(SOURCE))
    if least is not None:
        made = made.min(least)
    if most is not None:
        made = made.max(most)
    if decimals is not None:
        made = made.decimals(decimals)
    return made


def _overridden(made: _Any, looking: Sequence[Override]) -> _Any:
    for name, settings in looking:
        if not settings:
            continue
        if name.startswith("/"):
            made = made.override_by_regexp(name, list(settings))
        elif name.startswith("ref "):
            made = made.override_by_query(name.removeprefix("ref "), list(settings))
        else:
            made = made.override_by_name(name, list(settings))
    return made
