"""Colours, units and words for values, the same on every dashboard.

The colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which people with any of the common colour
deficiencies can tell apart; where a colour says that something is wrong, a word or a line's dashes say it as well.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
ORANGE: Final = "#E69F00"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8E8E8E"

SEVERITIES: Final = {"critical": VERMILLION, "warning": ORANGE, "info": SKY}
OUTCOMES: Final = {"success": GREEN, "failure": VERMILLION, "pending": YELLOW, "unknown": PURPLE}

SHARE: Final = "percentunit"
TENGE: Final = "currency:financial: ₸:suffix"  # 1,234,567 ₸; `suffix: ₸` does not group the digits
TENGE_AXIS: Final = "count:₸"  # 1.23M ₸, where there is no room for all digits
SECONDS: Final = "s"
CLOCK: Final = "dthms"  # 01:02:03, also on an axis
COUNT: Final = "locale"  # 1,234
TIMES: Final = "suffix:x"
BYTES: Final = "bytes"

Step = tuple[float | None, str]
Values = Mapping[str, tuple[str, str | None]]

OPEN: Final[Values] = {"0": ("shut", VERMILLION), "1": ("open", GREEN)}
MET: Final[Values] = {"0": ("no", GREY), "1": ("yes", VERMILLION)}
UP: Final[Values] = {"0": ("down", VERMILLION), "1": ("up", GREEN)}
STATE: Final[Values] = {
    "0": ("fine", GREEN),
    "1": ("maintenance", BLUE),
    "2": ("warning", ORANGE),
    "3": ("critical", VERMILLION),
    "4": ("not read", PURPLE),
}
ALERT: Final[Values] = {"1": ("pending", YELLOW), "2": ("firing", VERMILLION)}


def steps(*given: Step) -> builders.ThresholdsConfig:
    """Colours from a value on; the first one has None, which is from minus infinity."""
    return (
        builders.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=color) for value, color in given])
    )


def words(values: Values) -> list[dashboard.ValueMapping]:
    """A word, and where it matters a colour, in place of a number or a code."""
    options = {
        value: dashboard.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(values.items())
    }
    return [dashboard.ValueMap(options=options)]


def fixed(color: str) -> builders.FieldColor:
    """One colour, whatever the value."""
    return builders.FieldColor().mode(dashboard.FieldColorModeId.FIXED).fixed_color(color)


def by_threshold() -> builders.FieldColor:
    """The colour of the step that the value has reached."""
    return builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def palette() -> builders.FieldColor:
    """Colours one after another, for names that are not known beforehand, as those of terminals; not by name, which
    gives two names the same colour sooner than not."""
    return builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC)


def setting(name: str, value: object) -> dashboard.DynamicConfigValue:
    """A property of a field override."""
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def colored(color: str) -> dashboard.DynamicConfigValue:
    """A fixed colour as an override."""
    return setting("color", {"mode": "fixed", "fixedColor": color})


def dashed(color: str, width: int = 1) -> list[dashboard.DynamicConfigValue]:
    """How a threshold looks: a dashed line without an area."""
    return [
        colored(color),
        setting("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
        setting("custom.lineWidth", width),
        setting("custom.fillOpacity", 0),
        setting("custom.stacking", {"mode": "none", "group": "A"}),
    ]


def mapped(values: Values) -> dashboard.DynamicConfigValue:
    """Words for values as an override."""
    options = {
        value: {"text": text, "index": index} | ({"color": color} if color else {})
        for index, (value, (text, color)) in enumerate(values.items())
    }
    return setting("mappings", [{"type": "value", "options": options}])


def stepped(*given: Step) -> dashboard.DynamicConfigValue:
    """Colours from a value on as an override."""
    listed: Sequence[dict[str, object]] = [{"value": value, "color": color} for value, color in given]
    return setting("thresholds", {"mode": "absolute", "steps": listed})
