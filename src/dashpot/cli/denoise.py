"""`dashpot denoise`: pictures or a table, without their noise."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashpot.cli.files import check_outputs, check_table
from dashpot.cli.options import a_path, seed_option, workers_option
from dashpot.cli.progress import progress_bar
from dashpot.errors import DataError, UsageError

if TYPE_CHECKING:
    from dashpot import Denoiser
    from dashpot.denoising.subjects import Pictures
    from dashpot.report.denoised import Shown

KINDS = ("gaussian", "uniform", "multiplicative", "masking", "salt_and_pepper", "swap")


@click.command(short_help="Take the noise out of pictures, or out of a table.")
@click.argument("data", type=a_path, required=False)
@click.option("-o", "--output", type=a_path, help="The picture, the folder or the table to write.")
@click.option(
    "--learn-from",
    "clean",
    type=a_path,
    help="Clean pictures (a folder), or a clean table. Pictures need none: photographs come with scikit-learn.",
)
@click.option("--model", type=a_path, help="Use a denoiser saved earlier; learn nothing.")
@click.option("--save", "saved", type=a_path, help="Keep the denoiser in this file.")
@click.option(
    "--level",
    type=click.FloatRange(0, min_open=True),
    help="The noise: a share of the range from black to white, or of each column's spread; of masking, salt and pepper "
    "and swap the probability. Pictures: estimated without it. Tables: 0.3.",
)
@click.option("--kind", type=click.Choice(KINDS), default="gaussian", show_default=True, help="What the noise is.")
@click.option("--reference", type=a_path, help="The clean twin of a picture, or a folder of them, to measure by.")
@click.option("--report", type=a_path, help="A page to write: before, after, difference.")
@click.option(
    "--best",
    is_flag=True,
    help="Learn to look twice at large pictures; every window, and eight turned copies of each: slower, better.",
)
@seed_option
@workers_option
def denoise(
    data: Path | None,
    output: Path | None,
    clean: Path | None,
    model: Path | None,
    saved: Path | None,
    level: float | None,
    kind: str,
    reference: Path | None,
    report: Path | None,
    best: bool,
    seed: int,
    workers: int | None,
) -> None:
    """Take the noise out of DATA: a picture, a folder of pictures, or a table.

    Networks learn it from clean data, which they corrupt. Keep them with --save, and they need not learn again;
    without DATA they are only kept.

    Example: dashpot denoise photo.png -o clean.png --save photos.dashpot
    """
    _check(data, output, clean, model, saved, kind, reference, report)
    pictures = data is None or data.is_dir() or _is_picture(data)
    if pictures and clean is not None and not clean.is_dir():
        raise UsageError(f"{clean}: --learn-from names a folder of clean pictures. Put them into a folder.")
    looks = 2 if best and pictures and kind in ("gaussian", "uniform") else 1
    denoiser = _loaded(model) if model is not None else _fitted(pictures, clean, level, kind, looks, seed, workers)
    if best:
        denoiser.set_params(stride=1, symmetries=8)
    if data is not None and output is not None:
        take = _denoise_pictures if pictures else _denoise_table
        take(denoiser, data, output, level, reference, report)
        click.echo(f"Without noise: {output.resolve()}")
    if saved is not None:
        denoiser.save(saved)
        click.echo(f"Denoiser: {saved.resolve()}")
    click.echo(denoiser.verdict_)
    if report is not None:
        click.echo(f"Report: {report.resolve()}  (open it in a browser)")


def _check(
    data: Path | None,
    output: Path | None,
    clean: Path | None,
    model: Path | None,
    saved: Path | None,
    kind: str,
    reference: Path | None,
    report: Path | None,
) -> None:
    """Refuse, before any work, options that do not go together and places that cannot be written."""
    if data is None and (saved is None or output or report or reference):
        raise UsageError("dashpot denoise: name a picture, a folder or a table, or only --save to keep a denoiser.")
    if data is not None and output is None:
        raise UsageError("dashpot denoise: -o names the picture, the folder or the table to write.")
    if model is not None and (clean is not None or saved is not None):
        raise UsageError("dashpot denoise: --model learns nothing; leave out --learn-from and --save.")
    for place in (data, clean, model, reference):
        if place is not None and not place.exists():
            raise DataError(f"{place}: No such file or directory.")
    if data is not None and not data.is_dir() and not _is_picture(data):
        if model is None and clean is None:
            raise UsageError(f"{data}: a table needs --learn-from, a table of clean rows (or --model).")
        if reference is not None:
            raise UsageError("dashpot denoise: --reference is for pictures.")
    elif kind == "swap":
        raise UsageError("dashpot denoise: --kind swap is for tables.")
    own = [data] if data is not None else []
    if output is not None and data is not None and data.is_dir():
        _check_folder(output, data)
        check_outputs((report, saved), *own, output)
    else:
        check_outputs((output, report, saved), *own)
    if data is not None and output is not None and not data.is_dir() and _is_picture(data) != _is_picture(output):
        raise UsageError(
            f"{output}: {data} is {'a picture' if _is_picture(data) else 'a table'}; so must be the output."
        )
    if data is not None and not data.is_dir() and not _is_picture(data):
        check_table(output, ".csv", ".parquet")


def _check_folder(output: Path, data: Path) -> None:
    """Refuse an output that is no folder beside the pictures."""
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: {data} is a folder, so the output must be one.")
    if output.resolve() == data.resolve():
        raise UsageError(f"{output}: would overwrite the noisy pictures. Name another folder.")
    if not output.parent.is_dir():
        raise UsageError(f"{output}: the folder {output.parent} does not exist. Make it, or choose another.")


def _is_picture(path: Path) -> bool:
    """Whether a file is a picture, by its ending."""
    from dashpot.denoising.files import ENDINGS

    return path.suffix.lower() in ENDINGS


def _loaded(model: Path) -> "Denoiser":
    """The denoiser of a file."""
    import dashpot

    denoiser = dashpot.load(model)
    if not isinstance(denoiser, dashpot.Denoiser):
        raise UsageError(f"{model}: holds a {type(denoiser).__name__}, no denoiser. Make one with --save.")
    return denoiser


def _fitted(
    pictures: bool,
    clean: Path | None,
    level: float | None,
    kind: str,
    looks: int,
    seed: int,
    workers: int | None,
) -> "Denoiser":
    """A denoiser that has learned from clean pictures or a clean table."""
    from dashpot import Denoiser, Noise
    from dashpot.denoising.files import picture_paths, read_picture
    from dashpot.denoising.shipped import shipped_photographs
    from dashpot.tables import read_table

    wanted: Any = None
    if kind != "gaussian" or (level is not None and not pictures):
        wanted = Noise("inputs", kind, 0.1 if level is None else level)
    with progress_bar("learning") as (progress, _):
        denoiser = Denoiser(wanted, looks=looks, random_state=seed, workers=workers, progress=progress)
        if not pictures and clean is not None:
            return denoiser.fit(read_table(clean))
        if clean is not None:
            return denoiser.fit([read_picture(path).pixels for path in picture_paths(clean)])
        return denoiser.fit(list(shipped_photographs().values()))


def _denoise_table(
    denoiser: "Denoiser", data: Path, output: Path, level: float | None, reference: Path | None, report: Path | None
) -> None:
    """Write a table without its noise, and the page."""
    from dashpot.denoising.rows import Rows
    from dashpot.report.denoised import render_denoised, summarize_table
    from dashpot.tables import read_table, write_table
    from dashpot.writing import write_text

    if not isinstance(denoiser.subject_, Rows):
        raise UsageError(f"{data}: is a table; this denoiser was fitted on pictures.")
    before = read_table(data)
    after = denoiser.transform(before, level)
    if report is not None:
        write_text(report, render_denoised(summarize_table(before, after, data.name, denoiser)), "--report")
    write_table(_without_points(after), output)


def _without_points(frame: Any) -> Any:
    """The table with whole numbers as such, also where a cell is missing; 3 would be written as 3.0 otherwise."""
    amounts = {name: cells.dropna() for name, cells in frame.items() if cells.dtype.kind == "f"}
    whole = [name for name, cells in amounts.items() if ((cells == cells.round()) & (cells.abs() < 2**53)).all()]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def _denoise_pictures(
    denoiser: "Denoiser", data: Path, output: Path, level: float | None, reference: Path | None, report: Path | None
) -> None:
    """Write pictures without their noise, and the page; all are read before the first is cleaned."""
    from dashpot.denoising.files import picture_paths, read_picture, write_picture
    from dashpot.denoising.subjects import Pictures
    from dashpot.report.denoised import render_denoised, summarize_pictures
    from dashpot.writing import write_text

    if not isinstance(denoiser.subject_, Pictures):
        raise UsageError(f"{data}: is a picture; this denoiser was fitted on a table.")
    paths = picture_paths(data) if data.is_dir() else [data]
    for path in paths:
        _twin(path, read_picture(path).pixels, reference)
    shown: list[Shown] = []
    for path in paths:
        before = read_picture(path)
        taken = denoiser.estimated_level(before.pixels, level)
        after = before._replace(pixels=denoiser.transform([before.pixels], level)[0])
        twin = _twin(path, before.pixels, reference)
        shown.append(_shown(path.name, before.pixels, after.pixels, taken, twin, denoiser.subject_))
        place = output / path.name if data.is_dir() else output
        place.parent.mkdir(exist_ok=True)
        write_picture(place, after)
        click.echo(_told(shown[-1]))
    if report is not None:
        write_text(report, render_denoised(summarize_pictures(shown, denoiser)), "--report")


def _twin(path: Path, pixels: Any, reference: Path | None) -> Any:
    """The clean twin of a picture, where one is named."""
    from dashpot.denoising.files import read_picture

    if reference is None:
        return None
    place = reference / path.name if reference.is_dir() else reference
    clean = read_picture(place).pixels
    if clean.shape != pixels.shape:
        raise DataError(
            f"{place}: has shape {clean.shape}, {path} has {pixels.shape}. Name the clean twin of the picture."
        )
    return clean


def _shown(name: str, before: Any, after: Any, level: float, clean: Any, subject: "Pictures") -> "Shown":
    """A picture before, after, and as it should be where that is known."""
    from dashpot.denoising.planes import scaled
    from dashpot.report.denoised import Shown

    ends = subject.ends_of(before, name)
    aim = None if clean is None else scaled(clean, subject.ends_of(clean, f"{name}, clean"))
    return Shown(name, scaled(before, ends), scaled(after, ends), level, aim)


def _told(shown: "Shown") -> str:
    """A line about one picture."""
    measured = "; ".join(f"{one['name']} {one['psnr']}, SSIM {one['ssim']}" for one in shown.scores)
    return f"{shown.name}: noise {shown.level:.3f}" + (f"; {measured}" if measured else "")
