"""The statistics of a study say neither more nor less than the splits can bear."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dashpot.studies.statistics import Interval, corrected_interval, holm, judge, verdict

finite = st.floats(-1e3, 1e3)
differences = st.lists(finite, min_size=2, max_size=30)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def correlated(draws, splits, correlation, truth, rng):
    """Rows of differences whose pairwise correlation is the one Nadeau and Bengio assume."""
    shared = rng.normal(size=(draws, 1)) * np.sqrt(correlation)
    return truth + shared + rng.normal(size=(draws, splits)) * np.sqrt(1 - correlation)


def test_the_interval_follows_the_formula():
    values = np.array([1.0, 2.0, 4.0, 5.0])
    interval = corrected_interval(values, test_share=0.25, level=0.9)
    error = np.sqrt((1 / 4 + 0.25) * values.var(ddof=1))
    assert interval.difference == 3.0
    assert interval.high - 3.0 == pytest.approx(stats.t.ppf(0.95, 3) * error)
    assert interval.p == pytest.approx(2 * stats.t.sf(3.0 / error, 3))


def test_without_a_shared_term_it_is_the_ordinary_t_test():
    values = np.array([0.3, -0.1, 0.4, 0.2, 0.6])
    ordinary = stats.ttest_1samp(values, 0.0)
    assert corrected_interval(values, test_share=1e-15).p == pytest.approx(ordinary.pvalue)


def test_the_interval_covers_the_truth_when_splits_share_rows():
    rng = np.random.default_rng(0)
    sample = correlated(2000, splits=10, correlation=0.2, truth=0.3, rng=rng)
    intervals = [corrected_interval(row, test_share=0.25) for row in sample]
    covered = np.mean([interval.low <= 0.3 <= interval.high for interval in intervals])
    naive = np.mean([low <= 0.3 <= high for low, high in (ordinary_interval(row) for row in sample)])
    assert 0.93 <= covered <= 0.97
    assert naive < 0.8  # what the correction is for


def ordinary_interval(row):
    """The t interval that takes splits for independent."""
    return stats.ttest_1samp(row, 0.0).confidence_interval(0.95)


def test_equal_methods_seldom_differ():
    rng = np.random.default_rng(1)
    sample = correlated(2000, splits=10, correlation=0.2, truth=0.0, rng=rng)
    assert np.mean([corrected_interval(row, 0.25).p < 0.05 for row in sample]) < 0.065


def test_holm_keeps_false_claims_over_many_null_questions_rare():
    rng = np.random.default_rng(2)
    studies = [correlated(15, splits=10, correlation=0.2, truth=0.0, rng=rng) for _ in range(200)]
    claims = [any(word in ("helps", "hurts") for *_, word in judge(list(rows), 0.25)) for rows in studies]
    assert np.mean(claims) < 0.09


@given(differences, st.floats(0.01, 1.0))
def test_turning_the_sign_turns_the_interval(values, test_share):
    ahead, behind = (corrected_interval(sign * np.array(values), test_share) for sign in (1, -1))
    np.testing.assert_allclose([ahead.low, ahead.high], [-behind.high, -behind.low])
    np.testing.assert_equal(ahead.p, behind.p)


@given(differences, st.floats(0.01, 1.0), st.floats(1e-3, 1e3))
def test_another_unit_changes_no_p_value(values, test_share, unit):
    first, second = (corrected_interval(factor * np.array(values), test_share).p for factor in (1.0, unit))
    np.testing.assert_allclose(first, second, rtol=1e-4)


@given(differences, st.floats(0.01, 0.5))
def test_a_larger_share_of_test_rows_makes_the_interval_wider(values, test_share):
    narrow, wide = (corrected_interval(values, share) for share in (test_share, 2 * test_share))
    assert np.isnan(narrow.p) or (wide.high - wide.low) >= (narrow.high - narrow.low)


@given(differences)
def test_the_interval_excludes_zero_exactly_where_p_is_small(values):
    interval = corrected_interval(values, test_share=0.25)
    if interval.low < interval.high and abs(interval.p - 0.05) > 1e-9:
        assert (interval.p < 0.05) == (interval.low > 0 or interval.high < 0)


def test_no_change_at_all_is_no_evidence_rather_than_certainty():
    [(interval, adjusted, word)] = judge([np.zeros(10)], 0.25)
    assert (interval.difference, interval.low, interval.high, interval.p) == (0.0, 0.0, 0.0, 1.0)
    assert (adjusted, word) == (1.0, "no evidence")


def test_equal_differences_claim_no_certainty():
    [(interval, adjusted, word)] = judge([np.full(10, 0.1)], 0.25)
    assert interval.difference == pytest.approx(0.1)
    assert np.isnan([interval.low, interval.high, interval.p, adjusted]).all()
    assert word == "too few data"


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_differences_have_no_interval(count):
    interval = corrected_interval(np.arange(count) + 1.0, 0.25)
    assert interval.count == count
    assert np.isnan([interval.low, interval.high, interval.p]).all()


def test_a_difference_that_is_not_finite_is_refused_by_number():
    with pytest.raises(ValueError, match="difference 1 is nan"):
        corrected_interval([0.1, np.nan], 0.25)


@pytest.mark.parametrize(("share", "level"), [(0.0, 0.95), (-1, 0.95), (np.nan, 0.95), (0.2, 1.0), (0.2, 0)])
def test_settings_out_of_range_are_refused(share, level):
    with pytest.raises(ValueError, match="however"):
        corrected_interval([0.1, 0.2], share, level)


def test_holm_agrees_with_the_hand_example():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


@given(p_values, st.randoms())
def test_holm_raises_orders_and_ignores_the_order_asked(values, random):
    adjusted = holm(values)
    assert (adjusted >= values).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(values, kind="stable")]) >= 0).all()
    shuffled = list(range(len(values)))
    random.shuffle(shuffled)
    np.testing.assert_allclose(holm(np.array(values)[shuffled]), adjusted[shuffled])


@given(p_values)
def test_holm_lies_between_one_question_and_bonferroni(values):
    bonferroni = np.minimum(1.0, len(values) * np.array(values))
    assert (holm(values) <= bonferroni + 1e-12).all()
    assert holm(values).min() == pytest.approx(bonferroni.min())


def test_an_unknown_p_value_stays_unknown_and_still_counts():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.03, np.nan, 0.04])


def test_verdicts():
    near, far = Interval(0.1, -0.1, 0.3, 0.2, 10), Interval(0.1, -2.0, 2.2, 0.9, 10)
    assert verdict(Interval(0.1, 0.05, 0.15, 0.001, 10), 0.01) == "helps"
    assert verdict(Interval(-0.1, -0.15, -0.05, 0.001, 10), 0.01) == "hurts"
    assert verdict(near, 0.4) == "no evidence"
    assert verdict(near, 0.4, margin=0.5, negligible=0.2) == "no evidence"
    assert verdict(near, 0.4, margin=0.5, negligible=0.4) == "no difference"
    assert verdict(far, 1.0, margin=0.5) == "too few data"
    assert verdict(Interval(0.1, 0.05, 0.15, 0.001, 4), 0.01) == "too few data"


def test_what_is_sure_but_too_small_to_matter_is_no_difference():
    small, larger = Interval(0.01, 0.005, 0.015, 0.001, 10), Interval(0.01, 0.005, 0.025, 0.001, 10)
    assert verdict(small, 0.001, negligible=0.02) == "no difference"
    assert verdict(larger, 0.001, negligible=0.02) == "helps"
