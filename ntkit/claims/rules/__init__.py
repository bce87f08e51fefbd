"""The rules: each judges one kind of evidence, holds tolerances only, and was fixed before anything was measured."""

from collections.abc import Mapping
from typing import Any

from ntkit.claims.rules._all import All
from ntkit.claims.rules._base import Judgement, Region, Rule
from ntkit.claims.rules._exactly import Exact, Identity, Inequality
from ntkit.claims.rules._means import Agreement, Ordering, Proportion
from ntkit.claims.rules._slope import Slope

__all__ = [
    "Agreement",
    "All",
    "Exact",
    "Identity",
    "Inequality",
    "Judgement",
    "Ordering",
    "Proportion",
    "Region",
    "Rule",
    "Slope",
    "rule_from_dict",
]

RULES: dict[str, type[Rule]] = {
    rule.__name__: rule for rule in (Agreement, Exact, Identity, Inequality, Ordering, Proportion, Slope)
}


def rule_from_dict(data: Mapping[str, Any]) -> Rule:
    """Rebuild a rule from `Rule.as_dict`, possibly after a round trip through JSON.

    Example:
        >>> rule_from_dict({"rule": "Identity", "rtol": 1e-9})
        Identity(rtol=1e-09, atol=0.0, refute=1000.0)
    """
    options = dict(data)
    name = options.pop("rule")
    if name == "All":
        return All(**{part: rule_from_dict(rule) for part, rule in options["rules"].items()})
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return RULES[name](**plain)
