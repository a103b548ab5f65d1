"""What holds for the project as a whole: who may import whom, that README is true, and that nothing of one machine is committed."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

import layers
from dashboard import settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
WEB = {"dash", "flask", "plotly", "gunicorn", "waitress", "werkzeug"}


def is_dash(name: str) -> bool:
    top = name.partition(".")[0]
    return top == "dash" or top.startswith("dash_")


# ---- reading imports -------------------------------------------------------------------------------------------------


@cache
def modules(package: str) -> dict[str, Path]:
    """Dotted name -> file of every module of a package."""
    found = {}
    for file in sorted((ROOT / package).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def imports(file: Path) -> tuple[tuple[int, str, str], ...]:
    """Every import of a file, those within functions too: line, module, name ("" for ``import module``)."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{file.relative_to(ROOT)}:{node.lineno} has a relative import; the rules read full names"
            )
            found += [(node.lineno, node.module, alias.name) for alias in node.names]
    return tuple(found)


def at(file: Path, line: int) -> str:
    return f"{file.relative_to(ROOT)}:{line}"


def reached(module: str) -> dict[str, list[str]]:
    """Modules of dashboard that importing ``module`` runs, with the path of imports that leads there."""
    known = modules("dashboard")
    paths, waiting = {module: [module]}, [module]
    while waiting:
        here = waiting.pop()
        for _, source, name in imports(known[here]):
            # `from dashboard import ids` reaches dashboard.ids; `from dashboard.ids import MAP` reaches dashboard.ids
            for target in (f"{source}.{name}", source):
                if target in known and target not in paths:
                    paths[target] = [*paths[here], target]
                    waiting.append(target)
    return paths


# ---- one direction: official files -> layers -> store -> dashboard ---------------------------------------------------


def test_the_engine_knows_nothing_of_the_web_or_the_dashboard():
    wrong = [
        f"{at(file, line)} imports {source}"
        for file in modules("layers").values()
        for line, source, _ in imports(file)
        if is_dash(source) or source.partition(".")[0] in WEB | {"dashboard"}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_dashboard_uses_the_front_door_of_the_engine():
    wrong = []
    for file in modules("dashboard").values():
        for line, source, name in imports(file):
            if source.startswith("layers."):
                wrong.append(
                    f"{at(file, line)} imports from {source}; add the name to layers/__init__.py and import it from layers"
                )
            elif source == "layers" and not name:
                wrong.append(f"{at(file, line)} imports the whole of layers; import the names it needs")
            elif source == "layers" and name not in layers.__all__:
                wrong.append(f"{at(file, line)}: '{name}' is not a name of the front door, layers/__init__.py")
    assert not wrong, "\n".join(wrong)


def test_the_front_door_gives_every_name_it_lists():
    missing = []
    for name in layers.__all__:
        try:
            getattr(layers, name)
        except (AttributeError, ImportError) as error:
            missing.append(f"{name}: {error}")
    assert not missing, "\n".join(missing)


PURE = ("dashboard.selection", "dashboard.question", "dashboard.views", "dashboard.drawing", "dashboard.briefings.filling",
        "dashboard.briefings.writing", "dashboard.briefings.ward")  # fmt: skip
"""What a page, a picture or a briefing says, as plain values."""


def test_what_is_said_is_free_of_dash():
    """Its modules and everything they import: what a page says can be tested without a browser or a server."""
    pure = [name for name in modules("dashboard") if any(name == p or name.startswith(f"{p}.") for p in PURE)]
    wrong = [
        f"{at(modules('dashboard')[target], line)} imports {source}; reached by {' > '.join(path)}"
        for name in pure
        for target, path in reached(name).items()
        for line, source, _ in imports(modules("dashboard")[target])
        if is_dash(source)
    ]
    assert set(PURE) <= set(pure)
    assert not wrong, "\n".join(wrong)


def test_no_circle_of_imports():
    """Late imports and those for types count: two modules that need each other are one thing in two files."""
    known = modules("layers") | modules("dashboard")
    needs = {
        module: {
            target
            for _, source, name in imports(file)
            for target in ([f"{source}.{name}"] if f"{source}.{name}" in known else [source])
            if target in known and target != module
        }
        for module, file in known.items()
    }
    while free := {module for module, others in needs.items() if not others & needs.keys()}:
        needs = {module: others for module, others in needs.items() if module not in free}
    # what is left is in a circle, or imports one that is: show what is needed by what is left as well
    while leaves := {module for module in needs if not any(module in others for others in needs.values())}:
        needs = {module: others for module, others in needs.items() if module not in leaves}
    assert not needs, f"these modules import each other in a circle: {', '.join(sorted(needs))}"


MOST_LINES, LONGEST_FUNCTION = 1_000, 120


def test_no_module_and_no_function_is_too_long_to_read():
    wrong = []
    for file in (modules("layers") | modules("dashboard")).values():
        text = file.read_text(encoding="utf-8")
        if (lines := len(text.splitlines())) > MOST_LINES:
            wrong.append(f"{file.relative_to(ROOT)} has {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    wrong.append(f"{at(file, node.lineno)}: {node.name} has {lines} lines")
    assert not wrong, "look for the second noun: " + "; ".join(wrong)


# ---- README is true --------------------------------------------------------------------------------------------------


def test_the_reference_lists_every_setting():
    """The table of docs/running.md and :data:`dashboard.settings.HELP` say the same, word for word."""
    told = dict(re.findall(r"^\| `(COMMONGROUND_\w+)` \| (.*) \|$", RUNNING, re.M))
    rows = "\n".join(f"| `{name}` | {text} |" for name, text in settings.HELP.items())
    assert told == settings.HELP, f"the rows in docs/running.md should be\n{rows}"


def test_every_setting_that_the_code_reads_is_explained():
    read = {
        name
        for package in ("layers", "dashboard")
        for file in modules(package).values()
        for name in re.findall(r"\bCOMMONGROUND_[A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8"))
        if not name.startswith("COMMONGROUND_TEST")
    }
    assert read <= set(settings.HELP), f"not in dashboard.settings.HELP: {sorted(read - set(settings.HELP))}"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/running.md"])
def test_make_targets_in_the_documents_exist(document):
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = (ROOT / document).read_text(encoding="utf-8")
    # as code: `make run`, or a line of a code block, with settings before or after
    named = set(re.findall(r"(?:^|`)(?:[A-Z]+=\S+ )*make ([a-z][a-z-]*)", text, re.M))
    assert named
    assert named <= targets, f"{document} names targets that Makefile does not have: {sorted(named - targets)}"


def test_commands_in_the_reference_exist():
    import click

    from dashboard.cli import main

    rows = re.findall(r"`commonground ((?:[a-z]+ ?)+)", RUNNING)
    wrong = []
    for row in rows:
        command, words = main, row.split()
        while words and isinstance(command, click.Group):
            command = command.commands.get(words.pop(0))
        if command is None or isinstance(command, click.Group):
            wrong.append(f"commonground {row}")
    assert len(rows) >= 6
    assert not wrong, f"docs/running.md names commands that do not exist: {wrong}"


def test_readme_is_short_and_shows_the_two_commands():
    assert len(README.splitlines()) <= 80
    assert {"make run", "make test"} <= set(re.findall(r"^(make [a-z]+)", README, re.M))


def documents() -> list[Path]:
    return [file for file in committed() if file.suffix == ".md"]


def test_links_between_documents_lead_somewhere():
    wrong = []
    for file in documents():
        text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.partition("#")[0]
            if (
                path
                and "://" not in path
                and not path.startswith(("/", "mailto:"))
                and not (file.parent / path).exists()
            ):
                wrong.append(f"{file.relative_to(ROOT)} links to {target}, which is not there")
    assert not wrong, "\n".join(wrong)


def test_the_changelog_begins_with_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    newest = re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1]
    assert newest == version


# ---- what is committed -----------------------------------------------------------------------------------------------

# written so that this file does not hold what it looks for
MACHINE = re.compile(r"(?<![\w.:/-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me|Us" + r"ers|o" + r"pt)/[\w.-]+")
REGISTRY = re.compile("py" + r"pi\.org|python" + r"hosted\.org|registry\.npm" + r"js\.org|deb\.deb" + r"ian\.org")


@cache
def committed() -> tuple[Path, ...]:
    """Files that are, or would be, committed. Without git or its folder: all but what .gitignore names."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        files = (ROOT / name for name in answer.stdout.split("\0") if name)
    else:
        lines = (line.strip().strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
        left_out = {line for line in lines if line}
        files = (
            file
            for file in ROOT.rglob("*")
            if not any(
                part in left_out or part.endswith((".egg-info", ".pyc")) for part in file.relative_to(ROOT).parts
            )
        )
    return tuple(sorted(file for file in files if file.is_file()))


def test_no_machine_path_and_no_registry_is_committed():
    wrong = []
    for file in committed():
        if "vendor" in file.parts:
            continue
        data = file.read_bytes()
        if b"\0" in data[:8000]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            wrong += [f"{at(file, number)} names {found}" for found in MACHINE.findall(line) + REGISTRY.findall(line)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_pin_everything_with_hashes_and_name_no_address(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
    loose = [
        entry.splitlines()[0] for entry in entries if "==" not in entry.splitlines()[0] or "--hash=sha256:" not in entry
    ]
    assert not loose, f"not pinned, or without a hash: {loose}"
    assert "://" not in text
    # both name every direct dependency, so pyproject.toml cannot run ahead of them
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    if name == "requirements-dev.lock":
        wanted += project["optional-dependencies"]["dev"]
    pinned = {re.split(r"==| ", entry)[0].replace("_", "-").lower() for entry in entries}
    missing = [line for line in wanted if re.match(r"[\w.-]+", line)[0].replace("_", "-").lower() not in pinned]
    assert not missing, f"{name} lacks {missing}; run: make lock"


def test_what_is_installed_to_serve_and_to_change_are_the_same_versions():
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", text, re.M))

    serve, change = pins("requirements.lock"), pins("requirements-dev.lock")
    different = {name: (version, change.get(name)) for name, version in serve.items() if change.get(name) != version}
    assert not different, f"run: make lock; {different}"
