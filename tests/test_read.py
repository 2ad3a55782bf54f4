"""Every file becomes a table or one clear line."""

import gzip
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest

from dashpot.errors import DataError, UsageError, did_you_mean
from dashpot.tables import read_table, write_table

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
FRAME = pd.DataFrame({"age": [20.0, 31.0], "region": ["north", "south"]})
PLAIN = "age,region\n20,north\n31,south\n"


@pytest.fixture
def file(tmp_path):
    """Write content under a name and return the path."""

    def write(content, name="survey.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "# a comment\n" + PLAIN,
        " age , region \n 20 , north \n 31,south\n,\n,\n",
        "age,region,,\n20,north,,\n31,south,,\n",
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        gzip.compress(PLAIN.encode(), mtime=0),
    ],
)
def test_one_table_in_many_spellings_is_one_table(file, content):
    pd.testing.assert_frame_equal(read_table(file(content)), FRAME, check_dtype=False)


def test_a_zip_of_one_file_is_unpacked(file, tmp_path):
    with zipfile.ZipFile(tmp_path / "survey.zip", "w") as archive:
        archive.writestr("survey.csv", PLAIN)
    pd.testing.assert_frame_equal(read_table(tmp_path / "survey.zip"), FRAME, check_dtype=False)


def test_latin_1_is_read(file):
    assert list(read_table(file("name,n\nMüller,1\nOlé,2\n".encode("latin-1")))["name"]) == ["Müller", "Olé"]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "2", "n/a"], [1.5, 2, np.nan]),
        (["1.234,5", "7", "-"], [1234.5, 7, np.nan]),
        (["1 234", "7", "?"], [1234, 7, np.nan]),
        (["12 %", "3%", ""], [12, 3, np.nan]),
        (["$3", "-$4.50", "."], [3, -4.5, np.nan]),
        (["1e3", "−2", "NA"], [1000, -2, np.nan]),
    ],
)
def test_numbers_as_people_write_them_are_numbers(file, cells, numbers):
    rows = "".join(f"{cell};x\n" for cell in cells)
    np.testing.assert_array_equal(read_table(file("a;b\n" + rows))["a"], numbers)


def test_thousands_with_commas_are_numbers(file):
    assert list(read_table(file("a\tb\n1,234\tx\n12\ty\n"))["a"]) == [1234, 12]


def test_ids_with_leading_zeros_stay_text(file):
    assert list(read_table(file("zip,n\n01234,1\n56789,2\n"))["zip"]) == ["01234", "56789"]


def test_one_word_leaves_a_column_text(file):
    assert list(read_table(file("a,b\n1,x\nmany,y\n"))["a"]) == ["1", "many"]


def test_iso_dates_are_dates(file):
    assert read_table(file("day,n\n2026-01-31,1\n2026-02-28,2\n"))["day"].dtype.kind == "M"


def test_cells_may_hold_the_delimiter_newlines_and_a_megabyte(file):
    long = "z" * 1_000_000
    frame = read_table(file(f'a,b\n"x,\ny",1\n"{long}",2\n'))
    assert list(frame["a"]) == ["x,\ny", long]


def test_a_table_survives_writing_and_reading(tmp_path):
    for name in ("a.csv", "a.parquet"):
        write_table(FRAME, tmp_path / name)
        pd.testing.assert_frame_equal(read_table(tmp_path / name), FRAME, check_dtype=False)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.parquet"]


def test_whole_numbers_keep_every_digit(file):
    frame = read_table(file("id,few,size\n12345678901234567,7,1.0\n-12345678901234568,NA,2\n"))
    assert frame["id"].tolist() == [12345678901234567, -12345678901234568]
    assert frame.to_csv(index=False).splitlines()[1:] == ["12345678901234567,7,1.0", "-12345678901234568,,2.0"]


def test_excel_is_read(tmp_path):
    pytest.importorskip("openpyxl")
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.xlsx"), FRAME, check_dtype=False)


@pytest.mark.parametrize("suffix", ["sav", "dta"])
def test_survey_files_carry_value_labels(tmp_path, suffix):
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame({"vote": [1.0, 2.0, 1.0], "warmth": [0.0, 55.0, 100.0]})
    labels = {"vote": {1: "yes", 2: "no"}, "warmth": {0: "cold", 100: "hot"}}
    path = tmp_path / f"a.{suffix}"
    write = pyreadstat.write_sav if suffix == "sav" else pyreadstat.write_dta
    write(frame.astype(int) if suffix == "dta" else frame, str(path), variable_value_labels=labels)
    read = read_table(path)
    assert list(read["vote"]) == ["yes", "no", "yes"]
    assert list(read["warmth"]) == [0, 55, 100]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (PNG, "PNG"),
        (pickle.dumps([1], protocol=5), "Python pickle"),
        (b"ARROW1\0\0" + PNG, "Feather"),
        (os.urandom(0) + bytes(range(128, 256)) * 3 + bytes(range(1, 32)) * 9, "no text"),
        (b"a,b\n1,\x00\n", "line 2 holds a NUL"),
        ("a,b\n", "no rows"),
        ("a,b\n,\n", "no rows"),
        ("a,b\n1,2\n1,2,3\n", "row 3 has 3 cells"),
        ("a,b\n1,2\n1\n", "row 3 has 1 cells"),
        ("a,b,a\n1,2,3\n", "named 'a'"),
        ('a,b\n1,"2\n3,4\n', "never closed"),
        ("5.1,3.5\n4.9,3.0\n", "only numbers"),
        ("<html><body></body></html>", "HTML"),
        (gzip.compress(PLAIN.encode() * 99, mtime=0)[:-20], "cut short"),
        (b"PAR1 and nothing else", "Parquet"),
        (b"PK\x03\x04 and nothing else", "zip"),
        (b"$FL2 and nothing else", "SPSS"),
    ],
)
def test_a_bad_file_gives_one_line_that_names_it(file, content, rule):
    with pytest.raises(DataError, match=rule) as caught:
        read_table(file(content))
    assert "survey.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_not_opened(tmp_path, file):
    os.mkfifo(tmp_path / "pipe.csv")
    file(PLAIN)
    for name, rule in [
        (".", "folder"),
        ("pipe.csv", "pipe"),
        ("survy.csv", "mean 'survey.csv'"),
        ("x" * 300, "read"),
    ]:
        with pytest.raises(DataError, match=rule):
            read_table(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read"):
        read_table("nul\0byte")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(file):
    path = file(PLAIN)
    path.chmod(0)
    with pytest.raises(DataError, match="may not read"):
        read_table(path)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"Choose \.csv or \.parquet"):
        write_table(FRAME, tmp_path / "a.doc")
    with pytest.raises(UsageError, match="folder"):
        write_table(FRAME, tmp_path / "none" / "a.csv")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(UsageError):
        write_table(FRAME, tmp_path / "a.csv")
    assert os.listdir(tmp_path) == ["a.csv"]


def test_a_suggestion_ignores_case():
    assert did_you_mean("VOTES", ["vote"]) == " Did you mean 'vote'?"
