"""The message catalogues: read for rendering, checked against the code, brought up to date, compiled.

`python -m bot.catalogues check` is the gate; `update [code …]` extracts the sentences, merges them into every
catalogue and begins the languages named; `compile` writes every messages.mo.
"""

from __future__ import annotations

import ast
import gettext
import io
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import PoFileError, read_po, write_po

from bot.languages import LANGUAGES, SOURCE, Language

TREE: Final = Path(__file__).parent
FOLDER: Final = TREE / "locales"

Pieces = tuple[tuple[str, str], ...]
"""A sentence taken apart: words, then the name of the value that follows or nothing, and so on."""

log = logging.getLogger(__name__)


def pieces(sentence: str) -> Pieces:
    """Raises ValueError for a stray brace and for anything but a plain `{name}`."""
    taken = []
    for words, name, form, conversion in Formatter().parse(sentence):
        if name is not None and (not name.isidentifier() or form or conversion):
            raise ValueError(f"not a plain placeholder: {name!r}")
        taken.append((words, name or ""))
    return tuple(taken)


def placeholders(*sentences: str) -> frozenset[str]:
    """The names of all values in the sentences. Raises ValueError like `pieces`."""
    return frozenset(name for sentence in sentences for _, name in pieces(sentence) if name)


@dataclass(frozen=True)
class Plurals:
    """Which form of a sentence a number takes."""

    header: str
    count: int
    form: Callable[[int], int]
    lone: frozenset[int]
    """The forms that serve a single number, which may be written as a word or left out there."""


@cache
def plurals(language: Language) -> Plurals:
    """Raises ValueError for a header that is none."""
    found = re.fullmatch(r"nplurals=(\d+); plural=(.+);", language.plural_forms)
    if not found:
        raise ValueError(f"no plural forms: {language.plural_forms}")
    count, form = int(found[1]), gettext.c2py(found[2])
    serves = [form(number) for number in range(1000)]
    lone = frozenset(index for index in range(count) if serves.count(index) == 1)
    return Plurals(language.plural_forms, count, form, lone)


def source(message: Message) -> str:
    """The sentence in the code, the singular one where there are two."""
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    """The translation in all its plural forms, an empty string for what is missing."""
    return (message.string or "",) if isinstance(message.string, str) else tuple(message.string or ("",))


def po_file(language: Language, folder: Path = FOLDER) -> Path:
    """Where the sentences of a language stand."""
    return folder / language.folder / "LC_MESSAGES" / "messages.po"


def read(language: Language, folder: Path = FOLDER) -> Mapping[str, tuple[Pieces, ...]]:
    """The translations that are fit for use, by source sentence; what is wrong is logged and left out.

    A .mo counts unless its .po is newer, so that an old one never shows old sentences in a checkout.
    """
    usable = {}
    try:
        messages = _finished(_newest(po_file(language, folder)))
    except (OSError, ValueError, PoFileError):
        log.exception("the catalogue %s cannot be read", language.code)
        return {}
    for message in messages:
        if faults := _placeholder_faults(message, plurals(language)):
            log.warning("catalogue %s, %r: %s", language.code, source(message), faults[0])
        else:
            usable[source(message)] = tuple(map(pieces, forms(message)))
    return usable


def _newest(po: Path) -> Catalog:
    mo = po.with_suffix(".mo")
    if mo.exists() and not (po.exists() and po.stat().st_mtime_ns > mo.stat().st_mtime_ns):
        with mo.open("rb") as file:
            return read_mo(file)
    return _read_po(po) if po.exists() else Catalog()


def _read_po(po: Path) -> Catalog:
    with po.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _finished(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id and not message.fuzzy and all(forms(message))]


def problems(tree: Path = TREE, folder: Path = FOLDER) -> list[str]:
    """What keeps the sentences from being fit for people, one line each; empty when all is well.

    The source language needs no entry; one that is filled in corrects the sentence of the code, and is checked.
    """
    found = list(_source_problems(tree))
    code = _ids(extracted(tree))
    template = folder / "messages.pot"
    if not template.exists() or _ids(_read_po(template)) != code:
        found.append("messages.pot: not what the code says; run `python -m bot.catalogues update`")
    for language in LANGUAGES.values():
        po = po_file(language, folder)
        if po.exists():
            try:
                found += (f"{language.code}: {fault}" for fault in _faults(language, po, code))
            except (ValueError, PoFileError) as error:
                found.append(f"{language.code}: cannot be read: {error}")
        elif language.complete and language.code != SOURCE:
            found.append(f"{language.code}: no catalogue")
    return found


def _faults(language: Language, po: Path, code: frozenset[tuple[str, ...]]) -> Iterator[str]:
    catalog = _read_po(po)
    rule = plurals(language)
    if f'"Plural-Forms: {rule.header}\\n"' not in po.read_text(encoding="utf-8"):
        yield f"the header has to say Plural-Forms: {rule.header}"
    if _ids(catalog) != code:
        yield "not in step with the code; run `python -m bot.catalogues update`"
    if catalog.obsolete:
        yield f"{len(catalog.obsolete)} obsolete entries"
    if language.complete and language.code != SOURCE:
        for message in catalog:
            if message.id and message.fuzzy:
                yield f"fuzzy: {source(message)!r}"
            elif message.id and not all(forms(message)):
                yield f"missing: {source(message)!r}"
    for message in _finished(catalog):
        for fault in (*_placeholder_faults(message, rule), *_form_faults(message)):
            yield f"{fault}: {source(message)!r}"


def _placeholder_faults(message: Message, rule: Plurals) -> list[str]:
    ids = _id(message)
    translated = forms(message)
    if len(translated) != (rule.count if len(ids) > 1 else 1):
        return ["wrong number of plural forms"]
    try:
        wanted = placeholders(*ids)
        for index, form in enumerate(translated):
            may_lack = {"n"} if len(ids) > 1 and index in rule.lone else set()
            if not wanted - may_lack <= placeholders(form) <= wanted:
                return ["other placeholders than the source"]
    except ValueError:
        return ["a stray brace or a placeholder that is not plain"]
    return []


_OPENING: Final = "\u2066\u2067\u2068"
_END: Final = "\u2069"
_HTML: Final = re.compile(r"</?[a-z!][^>]*>|&(#\d+|[a-z]+);", re.IGNORECASE)


def _form_faults(message: Message) -> Iterator[str]:
    blanks = _blanks(source(message))
    for form in forms(message):
        yield from _sentence_faults(form)
        if _blanks(form) != blanks:
            yield "other blanks at the ends than the source"


def _sentence_faults(sentence: str) -> Iterator[str]:
    if not all(map(_balanced, sentence.splitlines())):
        yield "an isolate without its end"
    if _HTML.search(sentence):
        yield "HTML"


def _balanced(line: str) -> bool:
    depth = 0
    for sign in line:
        depth += (sign in _OPENING) - (sign == _END)
        if depth < 0:
            return False
    return depth == 0


def _blanks(sentence: str) -> tuple[str, str]:
    return sentence[: len(sentence) - len(sentence.lstrip())], sentence[len(sentence.rstrip()) :]


def _source_problems(tree: Path) -> Iterator[str]:
    """What extraction would pass over, or what would go wrong with the sentences of the code themselves."""
    for path in sorted(tree.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Call(func=ast.Name("_" | "ngettext" as function)):
                    for fault in _call_faults(node, 1 if function == "_" else 2):
                        yield f"{path.relative_to(tree.parent)}:{node.lineno}: {fault}"


def _call_faults(call: ast.Call, sentences: int) -> Iterator[str]:
    literals = [
        argument.value
        for argument in call.args[:sentences]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    if len(literals) != sentences:
        yield "a sentence has to be a literal"
        return
    for literal in literals:
        yield from _sentence_faults(literal)
        if not literal:
            yield "an empty sentence is the header of a catalogue"
    given = {keyword.arg for keyword in call.keywords} | ({"n"} if sentences > 1 else set())
    try:
        wanted = placeholders(*literals)
    except ValueError:
        yield "a stray brace or a placeholder that is not plain"
        return
    if None not in given and wanted - given:
        yield f"no value for {', '.join(sorted(wanted - given))}"
    if unused := {name for name in given if name} - wanted - {"n"}:
        yield f"a value for no placeholder: {', '.join(sorted(unused))}"


def extracted(tree: Path = TREE) -> Catalog:
    """The sentences in the code, with the comments for translators that stand before them."""
    catalog = Catalog(fuzzy=False)
    keywords = {"_": None, "ngettext": (1, 2)}
    for name, line, sentence, comments, context in extract_from_dir(
        tree, [("**.py", "python")], keywords=keywords, comment_tags=("Translators:",)
    ):
        catalog.add(sentence, None, [(f"{tree.name}/{name}", line)], auto_comments=comments, context=context)
    return catalog


def _id(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _ids(catalog: Catalog) -> frozenset[tuple[str, ...]]:
    return frozenset(_id(message) for message in catalog if message.id)


_HEADER: Final = """\
# {title}
msgid ""
msgstr ""
"Project-Id-Version: anlaufstelle\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"
"""


def update(tree: Path = TREE, folder: Path = FOLDER, begin: Sequence[str] = ()) -> None:
    """Writes messages.pot, merges it into every catalogue, and begins those of the languages in `begin`.

    Raises ValueError when the tree holds no sentence: that is a wrong folder, and would empty every catalogue.
    """
    template = extracted(tree)
    if not _ids(template):
        raise ValueError(f"no sentences in {tree}")
    title = "The sentences in the code. Written by `python -m bot.catalogues update`."
    _write(
        folder / "messages.pot",
        _HEADER.format(title=title, language="", plural_forms=LANGUAGES[SOURCE].plural_forms),
        template,
    )
    for language in LANGUAGES.values():
        po = po_file(language, folder)
        if po.exists():
            header, catalog = po.read_text(encoding="utf-8").split("\n\n", 1)[0].rstrip() + "\n", _read_po(po)
        elif language.code in begin:
            header = _HEADER.format(
                title=f"The sentences in {language.own_name}.",
                language=language.folder,
                plural_forms=language.plural_forms,
            )
            catalog = read_po(io.StringIO(header))
        else:
            continue
        catalog.update(template, no_fuzzy_matching=True)
        _write(po, header, catalog)


def _write(path: Path, header: str, catalog: Catalog) -> None:
    """Without line numbers, dates or wrapping, so that a diff shows sentences and nothing else."""
    for message in catalog:
        message.flags.discard("python-format")  # Babel takes "100 % sure" for one
    body = io.BytesIO()
    write_po(
        body,
        catalog,
        width=0,
        omit_header=True,
        sort_by_file=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{header}\n{body.getvalue().decode().strip()}".rstrip() + "\n", encoding="utf-8")


def compile_all(folder: Path = FOLDER) -> None:
    """Writes a messages.mo beside every messages.po; leaves out what is fuzzy."""
    for language in LANGUAGES.values():
        po = po_file(language, folder)
        if po.exists():
            with po.with_suffix(".mo").open("wb") as file:
                write_mo(file, _read_po(po))


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    match arguments:
        case ["check"]:
            found = problems()
            print("\n".join(found) or "The sentences are in order.")
            return 1 if found else 0
        case ["update", *begin] if set(begin) <= LANGUAGES.keys():
            update(begin=begin)
            return 0
        case ["compile"]:
            compile_all()
            return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
