"""An arm by its sums over accounts, and the difference of two arms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

SHARES = (-1.0, 1.0)  # what a difference of shares may be


@dataclass(frozen=True)
class Arm:
    """One arm by sums over its accounts; whoever is drawn alone is an account of one.

    Attributes:
        accounts: How many accounts have units.
        n: Their units.
        did: Units that did the goal.
        got: Units with a delivered message.
        n_n, n_did, did_did, n_got, did_got, got_got: Sums over accounts of the products.
        rows: The accounts themselves, (n, did, got) each, where they are few.
    """

    accounts: int
    n: int
    did: int
    got: int = 0
    n_n: float = 0
    n_did: float = 0
    did_did: float = 0
    n_got: float = 0
    did_got: float = 0
    got_got: float = 0
    rows: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def of(cls, accounts: Iterable[tuple[float, ...]]) -> Arm:
        """The arm of accounts: (n, did) or (n, did, got); accounts without units do not count."""
        rows = tuple(sorted((*row, 0)[:3] for row in accounts if any(row)))
        (n_n, n_did, n_got), (_, did_did, did_got), (*_, got_got) = _products(rows).tolist()
        return cls(
            accounts=len(rows),
            n=sum(row[0] for row in rows),
            did=sum(row[1] for row in rows),
            got=sum(row[2] for row in rows),
            n_n=n_n,
            n_did=n_did,
            did_did=did_did,
            n_got=n_got,
            did_got=did_got,
            got_got=got_got,
            rows=rows,
        )

    @classmethod
    def of_people(cls, n: int, did: int, got: int = 0, did_got: int = 0) -> Arm:
        """The arm of people drawn one by one; `did_got` of them got the message and did it."""
        return cls(n, n, did, got, n, did, did, got, did_got, got)

    @classmethod
    def of_alike(cls, alike: Mapping[tuple[int, int, int], int]) -> Arm:
        """The arm of accounts: (n, did, got) → how many are alike."""
        rows = [kind for kind, times in alike.items() for _ in range(times) if kind[0]]
        return cls.of(rows)

    @property
    def share(self) -> float | None:
        """The share of units that did the goal."""
        return self.did / self.n if self.n else None

    @property
    def effective(self) -> float:
        """As many accounts of one size as would weigh alike: n² / Σ n² (Kish 1965)."""
        return self.n**2 / self.n_n if self.n_n else 0.0

    @property
    def covariance(self) -> np.ndarray:
        """The 2 × 2 covariance of the shares that did and that got, of at least two accounts.

        The delta method of ratios of account totals, free of the bias that estimating the share
        itself brings (where units are alike; CR2 of Bell and McCaffrey 2002): each account's
        residual counts 1 / (1 − n / total) times where the accounts are at hand, and K / (K − 1)
        times where only sums are, K being the `effective` accounts.
        """
        slopes = np.array([[-self.did / self.n, 1, 0], [-self.got / self.n, 0, 1]])
        return slopes @ self._moments() @ slopes.T / self.n**2

    def _moments(self) -> np.ndarray:
        if self.rows:
            return _products(self.rows, [1 / (1 - row[0] / self.n) for row in self.rows])
        sums = [
            [self.n_n, self.n_did, self.n_got],
            [self.n_did, self.did_did, self.did_got],
            [self.n_got, self.did_got, self.got_got],
        ]
        return np.array(sums, float) * self.effective / (self.effective - 1)


@dataclass(frozen=True)
class Difference:
    """A share, a mean or a ratio, treated minus held out.

    Attributes:
        difference: None where an arm is empty.
        low, high: Its interval; where nothing can be told all that it could be: from −1 to 1 for
            shares, from −∞ to ∞ for `values`.
        p: The smallest error at which the interval would leave out 0.
        error: Its standard error, above 0; None where it cannot be estimated.
        treated, holdout: The shares, means or ratios.
        accounts, units: How many, treated and held out; people drawn alone count as both.
        method: `people`, `accounts`, `permutation`, `strata`, or why nothing can be told:
            `skewed`, a few units carry the metric, and the arms hold too few of them; else `none`.
        explained: The share of the variance that the time before explains, and took out; None
            where nothing was taken out.
    """

    difference: float | None
    low: float
    high: float
    p: float
    error: float | None
    treated: float | None
    holdout: float | None
    accounts: tuple[int, int]
    units: tuple[int, int]
    method: str
    explained: float | None = None


def differed(
    treated: Arm,
    holdout: Arm,
    *,
    ends: tuple[float, float],
    p: float,
    error: float,
    method: str,
    bounds: tuple[float, float] = SHARES,
) -> Difference:
    """The difference of two arms with what was found out about it; it lies within `bounds`."""
    known = treated.n > 0 and holdout.n > 0
    return Difference(
        difference=treated.share - holdout.share if known else None,
        low=max(float(ends[0]), bounds[0]),
        high=min(float(ends[1]), bounds[1]),
        p=float(p),
        error=float(error) or None,
        treated=treated.share,
        holdout=holdout.share,
        accounts=(treated.accounts, holdout.accounts),
        units=(treated.n, holdout.n),
        method=method,
    )


def _products(rows: Iterable[tuple[float, ...]], weights: list[float] | None = None) -> np.ndarray:
    """The sums of the products of each two columns, over rows."""
    table = np.array(list(rows), float).reshape(-1, 3)
    weighed = table if weights is None else table * np.array(weights)[:, None]
    return weighed.T @ table
