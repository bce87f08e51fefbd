"""Papers and the decorator that declares their claims; what is declared wrongly is refused with file, line and remedy."""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ntkit.claims._claim import CHECKED, KINDS, RECORDED, REPAIRED, TIERS, Checked, Citation, Claim, Control, Kind
from ntkit.claims._errors import ClaimError
from ntkit.claims._evidence import KINDS as EVIDENCE
from ntkit.claims._statement import to_mathml
from ntkit.claims._trial import Tier, Trial
from ntkit.claims.rules import All, Rule

Measure = TypeVar("Measure", bound=Callable[[Trial], Any])

_KEY = re.compile(r"[a-z0-9]+")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Paper:
    """A paper whose claims are checked.

    Attributes:
        key: citation key: first author, year, a word where two would collide ("achour2022").
        title, authors, year: as printed; authors separated by commas.
        arxiv, doi: identifiers, where there are any.
        declared: the claims declared so far, each with the function that measures it.

    Example:
        >>> print(Paper("doe2024", "On things", "Doe, Roe", 2024).cite())
        @article{doe2024,
          author = {Doe and Roe},
          title = {{On things}},
          year = {2024},
        }
    """

    key: str
    title: str
    authors: str
    year: int
    arxiv: str | None = None
    doi: str | None = None
    declared: dict[str, tuple[Claim, Callable[[Trial], Any]]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        place = _caller()
        _demand(
            isinstance(self.key, str) and _KEY.fullmatch(self.key),
            place,
            f"paper key {self.key!r}",
            "use a-z and 0-9 only",
        )
        _demand(
            bool(self.title.strip() and self.authors.strip()),
            place,
            f"paper {self.key} has no title or authors",
            "give both",
        )
        _demand(isinstance(self.year, int), place, f"year {self.year!r}", "give the year as an integer")

    def cite(self) -> str:
        """BibTeX of the paper."""
        return self._citation().bibtex()

    def _citation(self) -> Citation:
        return Citation(self.key, self.title, self.authors, self.year, self.arxiv, self.doi)

    def claim(
        self,
        slug: str,
        *,
        where: str,
        statement: str,
        rule: Rule,
        controls: Mapping[str, str | Control],
        kind: Kind = "reading",
        checked: Checked = "memory",
        deadline: float | None = None,
        recorded: str | Mapping[Tier, str] = "supported",
        because: str | None = None,
        repaired: str | None = None,
    ) -> Callable[[Measure], Measure]:
        r"""Declare a claim: the decorated function measures it, `rule` judges what it returns.

        Args:
            slug: the claim's name within the paper, words joined by hyphens.
            where: where the paper states it.
            statement: the claim in LaTeX, as the paper states it.
            rule: what judges it.
            controls: name -> what is made wrong; each is measured with `trial.control == name` and must be refuted. For a
                claim with parts, `Control(description, parts=(...))` says which part must notice.
            kind: theorem, corollary, derived (ours), reading (our quantification of a verbal claim) or trend (empirical).
            checked: against what the statement was checked: text, code, secondary or memory.
            deadline: seconds a trial may take; None for the tier's default.
            recorded: the verdict on record, one for all tiers or one per tier.
            because: why it is not `supported`, where it is not.
            repaired: the corrected version of a claim recorded as refuted, measured with `trial.control == "repaired"`.

        Raises:
            ClaimError: anything of this is wrong; the message begins with file and line.
        """
        place = _caller()

        def declare(measure: Measure) -> Measure:
            returns = _declared_evidence(measure, rule, place)
            self.declared[slug] = (
                Claim(
                    paper=self._citation(),
                    slug=slug,
                    where=where,
                    statement=statement,
                    mathml=mathml,
                    rule_data=rule.as_dict(),
                    rule_shown=str(rule),
                    rule_text=rule.text(),
                    has_interval=rule.has_interval,
                    controls=named,
                    kind=kind,
                    checked=checked,
                    deadline=deadline,
                    recorded=verdicts,
                    because=because,
                    repaired=repaired,
                    notes=inspect.getdoc(measure) or "",
                    returns=returns,
                    function=measure.__name__,
                    file=place[0],
                    line=place[1],
                ),
                measure,
            )
            return measure

        _demand(_SLUG.fullmatch(slug), place, f"slug {slug!r}", "use lower-case words joined by hyphens")
        _demand(
            slug not in self.declared,
            place,
            f"slug {slug!r} is declared twice in {self.key}",
            "give each claim its own",
        )
        _demand(
            bool(where.strip()),
            place,
            f"{slug} has no source",
            "say in where= which theorem, section or equation it is",
        )
        _demand(isinstance(rule, Rule), place, f"{slug}: rule is {rule!r}", "give one of the rules of ntkit.claims")
        _demand(kind in KINDS, place, f"{slug}: kind {kind!r}", f"use one of {', '.join(KINDS)}")
        _demand(checked in CHECKED, place, f"{slug}: checked {checked!r}", f"use one of {', '.join(CHECKED)}")
        _demand(
            deadline is None or 0 < deadline < math.inf,
            place,
            f"{slug}: deadline {deadline!r}",
            "give a positive number of seconds",
        )
        try:
            mathml = to_mathml(statement)
        except ClaimError as error:
            raise _at(place, f"{slug}: {error}") from None
        named = _controls(slug, controls, rule, place)
        verdicts = _recorded(slug, recorded, because, repaired, place)
        return declare


def _controls(slug: str, controls: Mapping[str, str | Control], rule: Rule, place: tuple[str, int]) -> dict[str, Control]:
    _demand(bool(controls), place, f"{slug} has no control", "name at least one mistake that its rule must refute")
    named = {name: c if isinstance(c, Control) else Control(c) for name, c in controls.items()}
    parts = tuple(rule.rules) if isinstance(rule, All) else ()
    for name, control in named.items():
        _demand(name != REPAIRED, place, f"{slug}: control name {name!r} is reserved", "say repaired= instead")
        _demand(_SLUG.fullmatch(name), place, f"{slug}: control name {name!r}", "use lower-case words joined by hyphens")
        _demand(
            bool(control.description.strip()),
            place,
            f"{slug}: control {name!r} has no description",
            "say what is made wrong",
        )
        unknown = [part for part in control.parts if part not in parts]
        _demand(
            not unknown,
            place,
            f"{slug}: control {name!r} names parts {unknown}",
            f"the rule has the parts {list(parts)}",
        )
    return named


def _recorded(
    slug: str, recorded: str | Mapping[Tier, str], because: str | None, repaired: str | None, place: tuple[str, int]
) -> dict[Tier, Any]:
    verdicts: dict[Tier, Any] = dict.fromkeys(TIERS, recorded) if isinstance(recorded, str) else dict(recorded)
    known = set(verdicts) == set(TIERS) and all(v in RECORDED for v in verdicts.values())
    _demand(
        known,
        place,
        f"{slug}: recorded {recorded!r}",
        f"use one of {', '.join(RECORDED)}, or one for each of {', '.join(TIERS)}",
    )
    if any(v != "supported" for v in verdicts.values()):
        _demand(bool(because and because.strip()), place, f"{slug} is recorded as {recorded}", "say why in because=")
    if "refuted" in verdicts.values():
        _demand(
            bool(repaired and repaired.strip()),
            place,
            f"{slug} is recorded as refuted",
            "say in repaired= what holds instead",
        )
    return verdicts


def _declared_evidence(measure: Callable[..., Any], rule: Rule, place: tuple[str, int]) -> str:
    """The evidence that the measurement says it returns, which its rule must accept."""
    annotation = inspect.get_annotations(measure).get("return")
    declared = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    short = declared.rpartition(".")[2] if declared.rpartition(".")[2] in EVIDENCE else declared.partition("[")[0]
    allowed = ["dict"] if isinstance(rule, All) else [kind.__name__ for kind in rule.accepts]
    name = measure.__name__
    _demand(
        annotation is not None,
        place,
        f"{name} does not say what it returns",
        f"annotate it: def {name}(trial: Trial) -> {allowed[0]}",
    )
    _demand(
        short in allowed,
        place,
        f"{name} returns {declared}, {type(rule).__name__} judges {' or '.join(allowed)}",
        "change one",
    )
    return short


def _caller() -> tuple[str, int]:
    """File and line outside this module (and outside the generated dataclass initialiser) that made the call."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in (__file__, "<string>"):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _at(place: tuple[str, int], message: str) -> ClaimError:
    return ClaimError(f"{place[0]}:{place[1]}: {message}")


def _demand(condition: object, place: tuple[str, int], wrong: str, remedy: str) -> None:
    if not condition:
        raise _at(place, f"{wrong}; {remedy}")
