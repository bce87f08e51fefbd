"""A claim with several parts, each with its own rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ntkit.claims._errors import EvidenceError
from ntkit.claims._evidence import Measurement
from ntkit.claims.rules._base import SEVERITY, Judgement, Rule


class All(Rule):
    """Every part holds: the measurement returns a dict of evidence under the names of these rules.

    Supported if all parts are, refuted if any part is, else inconclusive. The part that decides lends its statistic.

    Example:
        >>> from ntkit.claims import Exact, Identity
        >>> str(All(rank=Exact(), trace=Identity(rtol=1e-9)))
        'All(rank=Exact(), trace=Identity(rtol=1e-09))'
    """

    accepts: ClassVar = (Mapping,)

    def __init__(self, **rules: Rule) -> None:
        if not rules:
            raise ValueError("All needs at least one part: All(name=Rule(...))")
        for name, rule in rules.items():
            if not isinstance(rule, Rule) or isinstance(rule, All):
                raise ValueError(f"part {name!r} of All must be a rule other than All, got {rule!r}")
        object.__setattr__(self, "rules", dict(rules))

    rules: Mapping[str, Rule]

    @property
    def has_interval(self) -> bool:  # type: ignore[override]
        """Whether chance plays a part in any part."""
        return any(rule.has_interval for rule in self.rules.values())

    def judge(self, measurement: Measurement, parts: Iterable[str] = ()) -> Judgement:
        """Judge every part, or only the named ones (a control names the parts that must notice it)."""
        if not isinstance(measurement, Mapping):
            raise EvidenceError(f"All judges a dict of evidence, the measurement returned {type(measurement).__name__}")
        if set(measurement) != set(self.rules):
            raise EvidenceError(f"the measurement returned the parts {sorted(measurement)}, the rule has {sorted(self.rules)}")
        return self.judge_evidence(measurement, parts)

    def judge_evidence(self, evidence: Mapping[str, Any], parts: Iterable[str] = ()) -> Judgement:
        """Judge each part by its rule; the severest of the chosen ones decides."""
        chosen = tuple(parts) or tuple(self.rules)
        judged = {name: rule.judge(evidence[name]) for name, rule in self.rules.items()}
        deciding = max(chosen, key=lambda name: SEVERITY[judged[name].verdict])
        j = judged[deciding]
        sentence = " ".join(f"{name}: {judged[name].sentence}" for name in chosen)
        return Judgement(j.verdict, j.statistic, j.interval, j.supported, j.wider, sentence, judged)

    def text(self) -> str:
        """The rules of all parts, in one sentence."""
        return "; ".join(f"({name}) {rule.text()}" for name, rule in self.rules.items())

    def as_dict(self) -> dict[str, Any]:
        """The rule as plain data."""
        return {"rule": "All", "rules": {name: rule.as_dict() for name, rule in self.rules.items()}}

    def __str__(self) -> str:
        return f"All({', '.join(f'{name}={rule}' for name, rule in self.rules.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, All) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(tuple(self.rules.items()))
