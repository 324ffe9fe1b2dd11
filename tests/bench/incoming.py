"""`python -m tests.bench incoming --corpus DIR …`: how right what comes back is read.

Corpora are other people's files: they are read where they lie, and known by their layout.

- flufl.bounce's source distribution: messages, and addresses in tests/test_detectors.py
- crisp-oss/email-reply-parser: texts, and the exact answers in test/test.js
- mailgun/talon: mails and HTML pages, all with one answer
- crawler-user-agents: crawler-user-agents.json
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from campaigns.incoming.agents import is_bot
from campaigns.incoming.classifying import classify
from campaigns.incoming.replies import new_text_of_mail

#: Reasons whose failure is final for the mail but not for the address.
_SURELY_SOFT = {"mailbox_full", "disabled", "too_large", "spam", "policy", "loop"}
_TALON_HTML = "Hi. I am fine.\n\nThanks,\nAlex"


def main(arguments: list[str]) -> None:
    """Print one JSON line of figures per corpus, after the misses if asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench incoming")
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--misses", action="store_true", help="print each miss")
    options = parser.parse_args(arguments)
    for folder in options.corpus:
        score = _scorer(folder)
        figures, misses = score(folder)
        if options.misses:
            for miss in misses:
                print(json.dumps(miss, ensure_ascii=False))
        print(json.dumps({"corpus": folder.name} | figures))


Scored = tuple[dict[str, Any], list[dict[str, Any]]]


def _scorer(folder: Path) -> Callable[[Path], Scored]:
    if (folder / "tests/test_detectors.py").exists():
        return _bounces
    if (folder / "test/test.js").exists():
        return lambda folder: _texts(_crisp(folder))
    if (folder / "tests/fixtures/html_replies").exists():
        return lambda folder: _texts(_talon(folder))
    if (folder / "crawler-user-agents.json").exists():
        return _agents
    raise SystemExit(f"{folder} has the layout of no corpus that is known here.")


def _bounces(folder: Path) -> Scored:
    expected: dict[str, tuple[set[str], bool]] = {}
    tree = ast.parse((folder / "tests/test_detectors.py").read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") == "DETECTORS"
        ):
            for _, name, addresses, is_temporary in ast.literal_eval(node.value):
                known = expected.get(name, (set(), False))[0]
                wanted = {address.decode().lower() for address in addresses}
                expected[name] = (known | wanted, is_temporary)
    found = wrong = total = permanence = coded = 0
    misses = []
    for name, (addresses, is_temporary) in expected.items():
        if not addresses:
            continue
        answer = classify((folder / "tests/data" / name).read_bytes())
        got = {each.address: each for each in answer.recipients}
        total += len(addresses)
        hits = [got[address] for address in addresses if address in got]
        found += len(hits)
        wrong += len(got.keys() - addresses)
        coded += sum(bool(each.status) for each in hits)
        agreeing = [
            each
            for each in hits
            if (
                not each.hard
                if is_temporary
                else each.hard or each.reason in _SURELY_SOFT
            )
        ]
        permanence += len(agreeing)
        if (
            len(hits) < len(addresses)
            or len(agreeing) < len(hits)
            or got.keys() - addresses
        ):
            said = [[e.address, e.status, e.reason, e.hard] for e in answer.recipients]
            misses.append(
                {
                    "file": name,
                    "kind": answer.kind,
                    "want": [*addresses],
                    "got": said,
                    "temporary": is_temporary,
                }
            )
    return {
        "messages": sum(bool(addresses) for addresses, _ in expected.values()),
        "addresses": total,
        "found": round(found / total, 3),
        "not_expected": wrong,
        "permanence_right": round(permanence / total, 3),
        "has_status": round(coded / total, 3),
    }, misses


def _texts(pairs: Iterator[tuple[str, bytes, str]]) -> Scored:
    total = right = 0
    misses = []
    for name, raw, wanted in pairs:
        got = new_text_of_mail(raw)
        total += 1
        if _even(got) == _even(wanted):
            right += 1
        else:
            misses.append({"file": name, "want": wanted[-300:], "got": got[-300:]})
    return {"texts": total, "exactly_right": round(right / total, 3)}, misses


def _even(text: str) -> str:
    return " ".join(text.split())


def _crisp(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    script = (folder / "test/test.js").read_text()
    common = re.search(r"COMMON_FIRST_FRAGMENT = '(.*?)';", script, re.DOTALL)
    assert common
    first = common[1].replace("\\n\\\n", "\n")
    for body in re.split(r"\nexport function ", script)[1:]:
        name = re.search(r'get_email\("(\w+)"\)', body)
        answer = re.search(
            r'test\.equal\((COMMON_FIRST_FRAGMENT|"(?:[^"\\]|\\.)*"), (?:fragments\[0\]|reply\.fragments\[0\]|text|email\.getVisibleText)',
            body,
        )
        if name and answer and "[1].toString" not in body:
            wanted = first if answer[1].startswith("COMMON") else json.loads(answer[1])
            yield (
                name[1],
                (folder / f"test/fixtures/{name[1]}.txt").read_bytes(),
                wanted,
            )


def _talon(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    fixtures = folder / "tests/fixtures"
    for path in sorted((fixtures / "standard_replies").glob("*.eml")):
        # Signatures of devices stay in its answers; here they are no text.
        yield path.name, path.read_bytes(), "Hello"
    for path in sorted((fixtures / "html_replies").glob("*.html")):
        yield path.name, path.read_bytes(), _TALON_HTML


def _agents(folder: Path) -> Scored:
    entries = json.loads((folder / "crawler-user-agents.json").read_text())
    agents = [agent for entry in entries for agent in entry.get("instances", [])]
    missed = [agent for agent in agents if not is_bot(agent)]
    return {
        "agents": len(agents),
        "recognised": round(1 - len(missed) / len(agents), 4),
    }, [{"agent": agent} for agent in missed]
