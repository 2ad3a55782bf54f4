"""The bundled survey is what its documentation says."""

from dashpot.datasets import anes96_path, load_anes96


def test_anes96_has_the_documented_columns_and_rows():
    frame, vote = load_anes96()
    assert list(frame.columns) == [
        "popul",
        "TVnews",
        "selfLR",
        "ClinLR",
        "DoleLR",
        "PID",
        "age",
        "educ",
        "income",
    ]
    assert len(frame) == len(vote) == 944
    assert vote.value_counts().to_dict() == {"Clinton": 551, "Dole": 393}


def test_anes96_stays_in_the_documented_ranges():
    frame, _ = load_anes96()
    assert not frame.isna().any(axis=None)
    for column, (low, high) in {
        "TVnews": (0, 7),
        "selfLR": (1, 7),
        "PID": (0, 6),
        "educ": (1, 7),
        "income": (1, 24),
    }.items():
        assert frame[column].between(low, high).all()


def test_the_target_is_no_input():
    frame, vote = load_anes96()
    assert vote.name not in frame.columns


def test_the_file_documents_itself():
    for column in anes96_path().read_text().splitlines()[0].split(","):
        assert column in load_anes96.__doc__
