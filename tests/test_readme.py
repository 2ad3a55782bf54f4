"""What the README shows is true: its Python runs, its commands exist, its links lead somewhere."""

import re
from pathlib import Path

import click
import pytest

from dashpot.cli import dashpot

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line.split("#")[0].split() for block in blocks("console") for line in block.splitlines()]
    return [words for words in lines if words[:1] == ["dashpot"]]


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    assert blocks("python")
    for number, block in enumerate(blocks("python"), start=1):
        exec(compile(block, f"README.md, Python block {number}", "exec"), namespace)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_and_option_of_the_readme_exists(words):
    command = dashpot.commands[words[1]]
    known = {name for option in command.params for name in option.opts}
    used = {word for word in words if word.startswith("-")}
    assert isinstance(command, click.Command)
    assert used <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert all((page.parent / target).exists() for target in targets), targets


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_targets_of_the_makefile(target):
    assert f"make {target}\n" in README or f"make {target} " in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_every_regularizer_has_its_section():
    from dashpot import regularizers

    page = (ROOT / "docs" / "regularizers.md").read_text(encoding="utf-8")
    names = [name for name in regularizers.__all__ if name not in ("Recipe", "Regularizer")]
    assert len(names) >= 35
    assert [name for name in names if not re.search(rf"^#+ {name}$", page, flags=re.MULTILINE)] == []


def test_every_regularizer_has_formula_source_picture_and_command():
    from dashpot import regularizers

    page = (ROOT / "docs" / "regularizers.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^#+ (\w+)\n(.*?)(?=^#+ |\Z)", page, flags=re.MULTILINE | re.DOTALL))
    for name in regularizers.__all__:
        if name in ("Recipe", "Regularizer"):
            continue
        text = sections[name]
        assert (ROOT / "docs" / "pictures" / f"{name}.png").stat().st_size > 1000, name
        assert f"](pictures/{name}.png)" in text, name
        assert re.search(rf"dashpot[. ]show\W*{name}", text), name
        assert re.search(r"\b(1[89]|20)\d\d\b|the field's|scikit", text) or "own" in text, name
