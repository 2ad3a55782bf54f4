"""Any table becomes numbers, and the same table always the same numbers."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from dashpot.errors import DataError, ModelFileError
from dashpot.tables import TableEncoder, schema, task_of

SHARED = Path(os.environ.get("DASHPOT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def people():
    return pd.DataFrame(
        {
            "age": [20.0, 35.0, np.nan, 50.0],
            "region": ["north", "south", "south", "east"],
            "member": [True, False, True, True],
            "day": pd.to_datetime(["2020-01-01", "2021-07-01", None, "2022-01-01"]),
        }
    )


def column(values, name="a"):
    return pd.DataFrame({name: values})


def encoded(encoder, frame, name):
    return encoder.transform(frame)[:, encoder.inputs_.names.index(name)]


def test_each_kind_of_column_becomes_its_inputs():
    encoder = TableEncoder().fit(people())
    assert encoder.inputs_.names == (
        *("age", "age is missing", "region=east", "region=north", "region=south", "member=True"),
        *("day", "day month sine", "day month cosine", "day is missing"),
    )
    assert encoder.inputs_.source.tolist() == [0, 0, 1, 1, 1, 2, 3, 3, 3, 3]
    assert encoder.inputs_.indicator.tolist() == [False, *[True] * 5, False, False, False, True]


def test_indicators_are_zero_or_one_and_missing_numbers_are_nan():
    encoder = TableEncoder().fit(people())
    numbers = encoder.transform(people())
    assert numbers.dtype == np.float32
    assert np.isin(numbers[:, encoder.inputs_.indicator], [0, 1]).all()
    assert np.isnan(numbers[2, [0, 6]]).all()
    assert numbers[2, 1] == 1


def test_an_unseen_level_becomes_the_other_level_if_there_is_one():
    frame = column([*"abcdefghijk", *"abcdefghijk", "rare"])
    encoder = TableEncoder().fit(frame)
    assert encoded(encoder, column(["new", "a", "rare"]), "a is another level").tolist() == [1, 0, 1]


def test_an_unseen_level_without_other_is_all_zeros():
    encoder = TableEncoder().fit(column(["x", "y", "z"]))
    assert encoder.transform(column(["new"])).tolist() == [[0, 0, 0]]


def test_only_the_fifty_most_frequent_levels_have_their_own_input():
    levels = [f"l{number:03d}" for number in range(80)]
    encoder = TableEncoder().fit(column(levels * 2 + levels[:50]))
    assert encoder.columns_[0].levels == tuple(levels[:50])
    assert len(encoder.inputs_.names) == 51


def test_missing_is_a_level_if_it_was_seen():
    encoder = TableEncoder().fit(column(["x", "y", None, "x"]))
    assert encoder.transform(column([None, "?", "y"])).tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 0]]


def test_ids_constants_and_empty_columns_are_left_out_with_a_reason():
    frame = pd.DataFrame(
        {
            "code": [f"p{number}" for number in range(30)],
            "one": 1.0,
            "same": "x",
            "none": np.nan,
            "id": range(30),
            "real": np.arange(30) ** 2,
        }
    )
    reasons = {one.name: one.reason for one in schema(frame) if one.kind == "ignored"}
    assert list(reasons) == ["code", "one", "same", "none", "id"]
    assert all(reasons.values())


def test_a_table_of_nothing_usable_is_refused():
    with pytest.raises(DataError, match="none of the 2 columns"):
        TableEncoder().fit(np.ones((5, 2)))


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_every_kind_of_frame_gives_the_same_numbers(kind):
    frame = people()
    other = pytest.importorskip(kind)
    native = other.from_pandas(frame) if kind == "polars" else other.Table.from_pandas(frame)
    expected = TableEncoder().fit(frame).transform(frame)
    np.testing.assert_array_equal(TableEncoder().fit(native).transform(native), expected)


def test_frames_arrays_and_lists_of_the_same_numbers_agree():
    values = np.random.default_rng(0).normal(size=(20, 3))
    expected = TableEncoder().fit_transform(values)
    for same in (values.tolist(), np.asfortranarray(values), pd.DataFrame(values), values.astype(object)):
        np.testing.assert_array_equal(TableEncoder().fit_transform(same), expected)


def test_masked_cells_are_missing():
    values = np.ma.masked_equal(np.arange(6.0).reshape(3, 2), 3.0)
    assert np.isnan(TableEncoder().fit_transform(values)).sum() == 1


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float16", "int8", "uint64", "boolean"])
def test_numbers_of_every_type_are_taken(dtype):
    assert TableEncoder().fit_transform(column(pd.array([1, 0, 1], dtype=dtype))).ravel().tolist() == [
        1,
        0,
        1,
    ]


def test_categories_keep_their_levels_even_if_they_are_numbers():
    frame = column(pd.Categorical([1, 2, 3, 1], categories=[3, 2, 1, 9]))
    assert TableEncoder().fit(frame).inputs_.names == ("a=1", "a=2", "a=3")


def test_columns_are_matched_by_name():
    frame = people()
    encoder = TableEncoder().fit(frame)
    changed = frame[["day", "member", "region", "age"]].assign(extra=1)
    np.testing.assert_array_equal(encoder.transform(changed), encoder.transform(frame))


def test_a_missing_column_is_named():
    encoder = TableEncoder("MLPClassifier").fit(people())
    with pytest.raises(DataError, match=r"MLPClassifier: .*'age'.*Did you mean 'Age'\?"):
        encoder.transform(people().rename(columns={"age": "Age"}))


def test_an_array_of_another_width_is_refused_as_scikit_learn_does():
    encoder = TableEncoder("MLPClassifier").fit(np.random.default_rng(0).normal(size=(5, 4)))
    with pytest.raises(ValueError, match=r"^X has 3 features, but MLPClassifier is expecting 4 features as input\.$"):
        encoder.transform(np.ones((2, 3)))


def test_text_where_numbers_were_names_column_row_and_value():
    encoder = TableEncoder().fit(people())
    with pytest.raises(DataError, match=r"'age' held numbers at fit, but row 2 of 4 is 'old'"):
        encoder.transform(people().assign(age=["20", "old", "", "50"]))


def test_numbers_that_arrive_as_text_are_read():
    encoder = TableEncoder().fit(people())
    assert encoded(encoder, people().assign(age=["20", "35", "n/a", "50"]), "age")[:2].tolist() == [20, 35]


def test_numbers_where_dates_were_are_refused():
    encoder = TableEncoder().fit(people())
    with pytest.raises(DataError, match="'day' held dates"):
        encoder.transform(people().assign(day=[1.0, 2.0, 3.0, 4.0]))


@pytest.mark.parametrize("make", [np.array, pd.DataFrame])
def test_infinity_is_refused_by_column_and_row(make):
    with pytest.raises(DataError, match=r"contains infinity.*row 2 of 3"):
        TableEncoder().fit(make([[1.0, 2.0], [3.0, np.inf], [5.0, 1.0]]))


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (scipy.sparse.eye(3), TypeError, "[Ss]parse"),
        (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
        (np.array([[1j, 2]], dtype=object), ValueError, "Complex data not supported"),
        (np.ones(3), ValueError, "Reshape your data"),
        (np.ones((0, 3)), ValueError, r"0 sample\(s\)"),
        (np.ones((3, 0)), ValueError, r"0 feature\(s\)"),
        (pd.DataFrame({"a": []}), ValueError, r"0 sample\(s\)"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), DataError, "two columns are named 'a'"),
    ],
)
def test_what_is_no_table_is_refused_as_scikit_learn_does(X, error, words):
    with pytest.raises(error, match=words):
        TableEncoder().fit(X)


def test_small_steps_on_a_large_offset_survive_float32():
    numbers = TableEncoder().fit_transform(1e9 + np.arange(100.0)[:, None])
    assert len(np.unique(numbers)) == 100


@pytest.mark.parametrize("values", [[1e-300, 2e-300, 3e-300], [1e300, -1e300, 0.0], [1e-30, 1.0, 1e30]])
def test_extreme_columns_stay_finite_and_differ(values):
    numbers = TableEncoder().fit_transform(np.array(values)[:, None])
    assert np.isfinite(numbers).all()
    assert len(np.unique(numbers)) >= 2


def test_a_number_far_beyond_the_fit_enters_at_the_bound():
    encoder = TableEncoder().fit(np.array([[1.0], [2.0]]))
    assert encoder.transform(np.array([[1e300], [-1e300]])).ravel().tolist() == [
        np.float32(1e30),
        -np.float32(1e30),
    ]


def test_the_json_round_trip_is_exact():
    encoder = TableEncoder().fit(people())
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert again.columns_ == encoder.columns_
    np.testing.assert_array_equal(again.transform(people()), encoder.transform(people()))


@pytest.mark.parametrize("change", [{"kind": "magic"}, {"scale": 0.0}, {"center": float("nan")}, {"levels": [1]}])
def test_a_dictionary_that_lies_is_refused(change):
    values = TableEncoder().fit(people()).to_dict()
    values["columns"][0] |= change
    with pytest.raises(ModelFileError):
        TableEncoder.from_dict(values)


@pytest.mark.parametrize("values", [None, {}, {"columns": 3}, {"columns": []}, {"columns": [None]}])
def test_what_is_no_dictionary_of_an_encoder_is_refused(values):
    with pytest.raises(ModelFileError):
        TableEncoder.from_dict(values)


def test_the_input_is_left_alone():
    frame = people()
    TableEncoder().fit(frame).transform(frame)
    pd.testing.assert_frame_equal(frame, people())


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([1, 2, 3, 1], "classification"),
        ([0.5, 0.7, 0.9], "regression"),
        (list(range(50)), "regression"),
        (pd.Series([1.5, 2.5, 3.5]).astype("category"), "classification"),
    ],
)
def test_the_task_follows_from_the_target(target, task):
    assert task_of(target) == task


def test_wide_and_long_tables_are_quick():
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    TableEncoder().fit_transform(rng.normal(size=(100, 10_000)))
    TableEncoder().fit_transform(pd.DataFrame(rng.normal(size=(12_000, 40))))
    assert time.perf_counter() - start < 5  # about 0.5 s when the machine is idle


@pytest.mark.slow
def test_all_real_tables_encode():
    if not SHARED.is_dir():
        pytest.skip("the shared data sets are not on this machine")
    sys.path.insert(0, str(SHARED))
    import load

    for name in load.suite("tabular"):
        frame, _, _ = load.tabular(name)
        encoder = TableEncoder().fit(frame)
        numbers = encoder.transform(frame)
        assert not np.isnan(numbers[:, encoder.inputs_.indicator]).any(), name
        assert not np.isinf(numbers).any(), name
