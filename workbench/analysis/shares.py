"""A share is how many of a kind of call were odd; here the window's share is weighed against the baseline's slices."""

from __future__ import annotations

import polars as pl

from workbench.analysis.baseline import FEW, SLICE, weighted_median

__all__ = ["share_changes"]

_ODD_SLICE = 9.0  # three standard deviations: such a slice of the baseline was an incident of its own
_HALF_CHI = 0.4549  # the median of chi squared with one degree of freedom: what a squared deviation usually is


def share_changes(counted: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return the kinds of call of which more were odd in the window than usual.

    ``counted`` has the key's columns, slice, n (calls), odd (of these), and independent (share of the calls that says
    something of its own: calls of one trace resemble each other).

    The weight of evidence is a binomial log-likelihood ratio (Dunning 1993) of the window's share against the usual
    one. The usual share is that of the baseline without its odd slices, which are those over three deviations off the
    median slice: incidents of their own. The weight is divided by how much more the other slices vary than chance would
    let them (quasi-likelihood, Wedderburn 1974), and lessened where few slices can show it.

    Returns:
        The key's columns, n_before, odd_before, n_during, odd_during, usual_share (of the baseline's quiet slices),
        nats.
    """
    past = counted.filter(pl.col(SLICE).is_not_null(), pl.col("n") > 0).with_columns(share=pl.col("odd") / pl.col("n"))
    stats = past.group_by(key).agg(
        odd_before=pl.col("odd").sum(), n_before=pl.col("n").sum(), middle=weighted_median("share", "n")
    )
    stats = stats.with_columns(typical=(pl.col("middle") * pl.col("n_before") + 0.5) / (pl.col("n_before") + 1))
    expected = pl.col("n") * pl.col("typical")
    judged = past.join(stats, on=key, nulls_equal=True).with_columns(
        off=(pl.col("odd") - expected).pow(2) / (expected * (1 - pl.col("typical")))
    )
    limit = (weighted_median("off", "n") / _HALF_CHI).clip(lower_bound=1.0).over(key) * _ODD_SLICE
    usual = (
        judged.filter(pl.col("off") <= limit)
        .group_by(key)
        .agg(
            usual_share=(pl.col("odd").sum() + 0.5) / (pl.col("n").sum() + 1),
            spread=pl.col("off").mean().clip(lower_bound=1.0),
            slices=pl.len(),
        )
    )
    now = (
        counted.filter(pl.col(SLICE).is_null(), pl.col("n") > 0)
        .drop(SLICE)
        .rename({"n": "n_during", "odd": "odd_during"})
    )
    compared = now.join(stats, on=key, nulls_equal=True).join(usual, on=key, nulls_equal=True)
    p = pl.max_horizontal("usual_share", "typical")
    n, odd = pl.col("n_during"), pl.col("odd_during")
    share = odd / n
    ratio = odd * (share / p).log() + pl.when(odd < n).then((n - odd) * ((1 - share) / (1 - p)).log()).otherwise(0.0)
    nats = ratio * pl.col("independent") * pl.col("slices") / (pl.col("slices") + FEW) / pl.col("spread")
    return compared.filter(share > p).select(
        *key, "n_before", "odd_before", "n_during", "odd_during", "usual_share", nats=nats.round(6)
    )
