"""Ids of every component that a callback knows. Nobody types a component id in quotes anywhere else."""

LOCATION = "location"
PAGE = "page"
ROUTE = "route"
NAVIGATION = "navigation"
COLOUR_SCHEME = "colour-scheme"

# explore
CONFIG = "explore-config"
SELECTION = "selection"
HISTORY = "history-selection"
PICKED_AREA = "picked-area"
REMAINING = "remaining"
STRUCK = "struck"
SHOW_ALL = "show-all"
NOTICES = "notices"
MAP = "map"
SERVICE_POINTS = "service-points"
READING = "reading"
LEGEND = "legend"
SENTENCE = "sentence"
HEADLINE = "headline"
ANSWER = "answer"
TRUST = "trust"
STEPS = "steps"
TOP_LIST = "top-list"
AREA_PANEL = "area-panel"
GAP_OPTIONS = "gap-options"
TOGGLED = "toggled"
WORKING = "working"
DRAWING = "drawing"
DRAWING_JOB = "drawing-job"
DRAWING_TICK = "drawing-tick"
DRAWING_WORDS = "drawing-words"
DRAWING_BAR = "drawing-bar"
DRAWING_STOP = "drawing-stop"
DRAWN = "drawn"
WEIGHTS = "weights-need"
SEARCH = "search"
FIT = "fit-region"
COPY_LINK = "copy-link"
COPIED = "copied"
OPEN_TABLE = "open-table"
TABLE_DRAWER = "table-drawer"
TABLE = "table"
TABLE_BODY = "table-body"
TABLE_WANTED = "table-wanted"
SHOWN_AREA = "shown-area"
SHOWN_SERVICES = "shown-services"
TABLE_SENTENCE = "table-sentence"
TABLE_DOWNLOAD = "table-download"
CLOSE_TABLE = "close-table"
CLOSE_AREA = "close-area"
QUESTIONS = "questions"

# options
OPTIONS_CONFIG = "options-config"
OPTIONS_STATE = "options-state"
OPTIONS_ASKED = "options-asked"
OPTIONS_SCENE = "options-scene"
OPTIONS_MAP = "options-map"
OPTIONS_READING = "options-reading"
OPTIONS_EDITOR = "options-editor"
OPTIONS_SITES = "options-sites"
OPTIONS_FILTER = "options-filter"
OPTIONS_PLACE = "options-place"
OPTIONS_MODE = "options-mode"
OPTIONS_COMPARISON = "options-comparison"
PLAN = "plan"
PLAN_DATA = "plan-data"
PLAN_TICK = "plan-tick"
PLAN_NEW = "plan-new"
PLAN_OBJECTIVE = "plan-objective"
PLAN_DEMAND = "plan-demand"
PLAN_EXCLUDE = "plan-exclude"
PLAN_START = "plan-start"


def control(name: str) -> str:
    """The control of the explore page for a field of the question."""
    return name.replace("_", "-")


def box(control_id: str) -> str:
    """What is around a control that is hidden at times."""
    return f"{control_id}-field"


def chip(part: str) -> str:
    """The words of a part of the question."""
    return f"chip-{part}"


def chip_box(part: str) -> str:
    """A chip with the words before it."""
    return f"chip-{part}-box"


def area_button(code: str) -> dict[str, str]:
    """A button that opens one area."""
    return {"type": "open-area", "code": code}
