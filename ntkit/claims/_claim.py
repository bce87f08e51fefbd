"""A claim as plain data: everything that was declared about it, without the function that measures it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ntkit.claims._trial import Tier

if TYPE_CHECKING:
    from ntkit.claims.rules import Rule

Kind = Literal["theorem", "corollary", "derived", "reading", "trend"]
Checked = Literal["text", "code", "secondary", "memory"]
Recorded = Literal["supported", "refuted", "inconclusive"]

KINDS: tuple[str, ...] = get_args(Kind)
CHECKED: tuple[str, ...] = get_args(Checked)
RECORDED: tuple[str, ...] = get_args(Recorded)
TIERS: tuple[Tier, ...] = get_args(Tier)

REPAIRED = "repaired"  # the reserved control name under which the corrected version of a refuted claim is measured


@dataclass(frozen=True)
class Control:
    """The same measurement with one thing made wrong; the claim's own rule has to refute it.

    Attributes:
        description: what is made wrong.
        parts: for a claim with parts, those that must notice it; empty means any part may.
    """

    description: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Citation:
    """The source of a paper's claims, as declared."""

    key: str
    title: str
    authors: str
    year: int
    arxiv: str | None = None
    doi: str | None = None

    def bibtex(self) -> str:
        """The paper as a BibTeX entry; a field that was not given is left out."""
        fields = {
            "author": " and ".join(name.strip() for name in self.authors.split(",")),
            "title": f"{{{self.title}}}",
            "year": str(self.year),
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else None,
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value is not None]
        return "\n".join([f"@article{{{self.key},", *lines, "}"])


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep: a function of a file, and the parameters that it is to be measured at. Nothing judges it.

    Attributes:
        file: where the function is; function: its name there.
        parameters: numbers and words, as JSON has them.
        deadline: seconds that it may take.
    """

    file: str
    function: str
    parameters: Mapping[str, Any]
    deadline: float | None = None

    @property
    def name(self) -> str:
        """FILE/FUNCTION with the parameters in their order of names: what its random numbers depend on, beside the seed."""
        return f"{Path(self.file).stem}/{self.function} {json.dumps(self.parameters, sort_keys=True)}"


@dataclass(frozen=True)
class Claim:
    """A declared claim, ready for JSON (`as_dict`, `from_dict`). Reading one needs neither numpy nor the claim's file."""

    paper: Citation
    slug: str
    where: str
    statement: str
    mathml: str
    rule_data: Mapping[str, Any]
    rule_shown: str
    rule_text: str
    has_interval: bool
    controls: Mapping[str, Control]
    kind: Kind
    checked: Checked
    deadline: float | None
    recorded: Mapping[Tier, Recorded]
    because: str | None
    repaired: str | None
    notes: str
    returns: str
    function: str
    file: str
    line: int

    @property
    def name(self) -> str:
        """PAPER/SLUG."""
        return f"{self.paper.key}/{self.slug}"

    @cached_property
    def rule(self) -> Rule:
        """The rule that judges the claim."""
        from ntkit.claims.rules import rule_from_dict

        return rule_from_dict(self.rule_data)

    @cached_property
    def declaration(self) -> str:
        """The hash of what was declared, wherever the file lies; a verdict keeps it."""
        data = {k: v for k, v in self.as_dict().items() if k not in ("file", "line", "mathml")}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @property
    def variants(self) -> tuple[str | None, ...]:
        """What is measured: the claim itself (None), its controls, and the repaired version where there is one."""
        return (None, *self.controls, *((REPAIRED,) if self.repaired else ()))

    def as_dict(self) -> dict[str, Any]:
        """The claim as plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Claim:
        """Rebuild a claim from `as_dict`, possibly after a round trip through JSON."""
        controls = {name: Control(c["description"], tuple(c["parts"])) for name, c in data["controls"].items()}
        return cls(**{**data, "paper": Citation(**data["paper"]), "controls": controls})
