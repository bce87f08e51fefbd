"""From outcomes to one word per claim: the rule judges, the control has to be refuted, a surprise is repeated."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ntkit.claims._claim import REPAIRED, Claim
from ntkit.claims._errors import EvidenceError, StoreError
from ntkit.claims._index import framework_digest
from ntkit.claims._outcome import Outcome, Task

Outcomes = Mapping[tuple[str | None, int], Outcome]  # (control, block) -> what was measured
Record = dict[str, Any]

VERDICTS = ("supported", "refuted", "inconclusive", "failed", "flaky", "toothless")


def derivation_key(claim: Claim, task: Task, outcomes: Outcomes, power: Mapping[str, Any] | None) -> str:
    """The hash of everything a verdict is derived from: declaration, evidence, sources, power run, the code that judges."""
    evidence = sorted(
        [str(control), block, o.digest, o.reason, o.unmet, dict(o.facts)] for (control, block), o in outcomes.items()
    )
    what = [framework_digest(), claim.declaration, task.tier, task.seed, task.sources.digest, evidence, power]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def judge(claim: Claim, control: str | None, outcome: Outcome, evidence: Callable[[str], bytes]) -> Record:
    """The rule's judgement on one outcome as plain data; `failed` where there is nothing that it could judge."""
    if outcome.status == "failed":
        return _failed(outcome.reason)
    from ntkit.claims._encoding import decode
    from ntkit.claims.rules import All
    from ntkit.claims.rules._base import undecided

    try:
        measurement = decode(outcome.evidence if outcome.evidence is not None else evidence(outcome.digest))
        if outcome.unmet:
            return _as_record(undecided(f"assumptions not met: {'; '.join(outcome.unmet)}"))
        rule = claim.rule
        parts = claim.controls[control].parts if control is not None and control in claim.controls else ()
        with warnings.catch_warnings(action="ignore"):  # an overflow shows in the interval
            return _as_record(rule.judge(measurement, parts) if isinstance(rule, All) else rule.judge(measurement))
    except EvidenceError as error:
        return _failed(str(error))
    except StoreError:
        raise
    except Exception as error:  # evidence that its rule chokes on fails its own claim, not the run
        return _failed(f"its rule could not judge it: {type(error).__name__}: {error}")


def is_surprise(claim: Claim, tier: str, judged: Mapping[str | None, Record]) -> bool:
    """Whether block 0 has to be repeated: not as recorded, or a control not refuted, under a rule with an interval."""
    words = {control: record["verdict"] for control, record in judged.items()}
    if not claim.has_interval or "failed" in words.values():
        return False
    return words != expected_words(claim, tier)


def expected_words(claim: Claim, tier: str) -> dict[str | None, str]:
    """The verdict on record for the claim, `refuted` for every control, `supported` for the repaired version."""
    expected: dict[str | None, str] = {None: claim.recorded[tier]}  # type: ignore[index]
    expected |= dict.fromkeys(claim.controls, "refuted")
    return expected | ({REPAIRED: "supported"} if claim.repaired else {})


def derive(
    claim: Claim,
    tasks: Mapping[tuple[str | None, int], Task],
    outcomes: Outcomes,
    judged: Mapping[tuple[str | None, int], Record],
    *,
    power: Mapping[str, Any] | None,
    flaky: Sequence[str],
) -> Record:
    """The verdict on a claim: what `--json` writes, but for the path of its arrays.

    Args:
        claim: what was declared.
        tasks: per control and block; block 1 is there if block 0 was a surprise, and then decides.
        outcomes: what came of them.
        judged: what the rule says of each.
        power: the claim's entry in the power file, if there is one.
        flaky: reasons to believe that one trial gave two outcomes.
    """
    block = max(block for _, block in outcomes)
    now = {control: judged[control, block] for control in claim.variants}  # in this order, whichever came first
    task, main = tasks[None, block], now[None]
    controls = {name: now[name] for name in claim.controls}
    failures = [
        f"{control or 'the claim'} {record['sentence']}" for control, record in now.items() if record["verdict"] == "failed"
    ]
    toothless = [name for name, record in controls.items() if record["verdict"] != "refuted"]
    if failures:
        verdict, sentence = "failed", "; ".join(failures)
    elif flaky:
        verdict, sentence = "flaky", "; ".join(flaky)
    elif toothless:
        unrefuted = "; ".join(f"{name} is {controls[name]['verdict']} ({controls[name]['sentence']})" for name in toothless)
        verdict, sentence = "toothless", f"A control that must be refuted is not: {unrefuted}"
    else:
        verdict, sentence = main["verdict"], main["sentence"]
    recorded = claim.recorded[task.tier]
    unrepaired = claim.repaired is not None and not failures and now[REPAIRED]["verdict"] != "supported"
    measured = [outcomes[control, b] for b in range(block + 1) for control in claim.variants]
    return {
        "claim": claim.name,
        "paper": claim.paper.key,
        "where": claim.where,
        "kind": claim.kind,
        "checked": claim.checked,
        "tier": task.tier,
        "seed": task.seed,
        "declaration": claim.declaration,
        "verdict": verdict,
        "recorded": recorded,
        "judged": main["verdict"],
        "as_recorded": verdict == recorded and not unrepaired,
        "statistic": main["statistic"],
        "interval": main["interval"],
        "regions": main["regions"],
        "distance": main["distance"],
        "sentence": sentence,
        "parts": main["parts"],
        "controls": controls,
        "repaired": now.get(REPAIRED),
        "block": block,
        "first": {control or "claim": judged[control, 0] for control in claim.variants} if block else None,
        "power": power,
        **costs(measured),
        "versions": task.sources.versions,
        "facts": outcomes[None, block].facts,
        "evidence": {control or "claim": outcomes[control, block].digest for control in claim.variants},
        "output": "\n".join(o.output for o in measured if o.status == "failed" and o.output),
    }


def costs(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """What measuring took: wall and CPU seconds of all trials, the largest memory of any."""
    measured = list(outcomes)
    return {
        "seconds": sum(o.seconds for o in measured),
        "cpu_seconds": sum(o.cpu_seconds for o in measured),
        "peak_mb": max(o.peak_mb for o in measured),
    }


def exit_status(records: Sequence[Record], *, collection_errors: bool = False) -> int:
    """0 all as recorded, 1 something against it, 3 nothing worse than an unrecorded inconclusive, 2 unreadable files."""
    if collection_errors:
        return 2
    wrong = [record for record in records if not record["as_recorded"]]
    if not wrong:
        return 0
    harmless = all(r["verdict"] == "inconclusive" and r["recorded"] != "inconclusive" and _repair_holds(r) for r in wrong)
    return 3 if harmless else 1


def _repair_holds(record: Record) -> bool:
    return record["repaired"] is None or record["repaired"]["verdict"] in ("supported", "inconclusive")


def _as_record(judgement: Any) -> Record:
    interval = judgement.interval and [_number(end) for end in judgement.interval]
    return {
        "verdict": judgement.verdict,
        "statistic": _number(judgement.statistic),
        "interval": interval,
        "regions": {
            "supported": [_number(judgement.supported.low), _number(judgement.supported.high)],
            "not_refuted": [_number(judgement.wider.low), _number(judgement.wider.high)],
        },
        "distance": _number(judgement.distance),
        "sentence": judgement.sentence,
        "parts": {name: _as_record(part) for name, part in judgement.parts.items()},
    }


def _failed(reason: str) -> Record:
    nothing: Record = {"statistic": None, "interval": None, "distance": None, "parts": {}}
    return {
        "verdict": "failed",
        "sentence": reason,
        "regions": {"supported": [None, None], "not_refuted": [None, None]},
        **nothing,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
