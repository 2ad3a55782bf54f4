"""The package as a user gets it: quick to import, complete, typed, licensed."""

import os
import resource
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import dashpot

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "sklearn", "pandas", "pyarrow", "scipy", "imblearn", "matplotlib")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)


def seconds(code: str) -> float:
    """Processor time, the best of three runs, so that a busy machine fails no test."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        python(code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def loaded_after(code: str) -> str:
    return python(
        f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    ).stdout.splitlines()[-1]


HELP = """
from dashpot.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0, end.code
"""


def test_import_dashpot_loads_nothing_heavy():
    assert loaded_after("import dashpot") == "[]"


def test_the_help_of_the_command_line_loads_nothing_heavy():
    assert loaded_after(HELP) == "[]"


def test_import_is_quick():
    assert seconds("import dashpot") < 2


def test_help_is_quick():
    assert seconds(HELP) < 0.5


def test_every_public_name_is_there():
    for name in dashpot.__all__:
        assert getattr(dashpot, name) is not None
    assert set(dashpot.__all__) <= set(dir(dashpot))


def test_every_regularizer_is_a_public_name():
    regularizers = pytest.importorskip("dashpot.regularizers")
    assert all(getattr(dashpot, name) is getattr(regularizers, name) for name in regularizers.__all__)


def test_star_import_gives_the_public_names():
    namespace: dict[str, object] = {}
    exec("from dashpot import *", namespace)
    assert set(dashpot.__all__) <= set(namespace)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        dashpot.Nonsense  # noqa: B018


def test_the_console_script_is_installed():
    (script,) = metadata.entry_points(group="console_scripts", name="dashpot")
    assert script.value == "dashpot.cli:main"


def test_the_version_is_one():
    assert metadata.version("dashpot") == dashpot.__version__
    assert f"## [{dashpot.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_wheel_holds_licence_types_survey_and_templates(tmp_path):
    hatch = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    wheel = next(hatch.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"dashpot/py.typed", "dashpot/datasets/anes96.csv"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    templates = {path.relative_to(ROOT / "src").as_posix() for path in ROOT.glob("src/dashpot/report/templates/*")}
    assert templates <= names
    assert not any(name.startswith("tests") or os.path.isabs(name) for name in names)
