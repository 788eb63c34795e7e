"""Which SQL of an analyst is let through to the engine: one SELECT over the three views, with harmless functions.

The engine's own parser reads the query, so nothing can mean one thing here and another there. The roles and settings of
`store/analysts.py` hold by themselves; this is the second wall, and what says in plain words why a query is refused.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sojourn.store.analysts import ANALYST_VIEWS, Analyst, EngineRefusal
from sojourn.store.engine import Engine

MAX_QUERY: Final = 100_000
"""Characters of a query."""
_TABLE_FUNCTIONS = frozenset({"numbers", "generate_series", "generateseries", "values"})
_NO_TABLE = "system.one"
"""Where the engine reads a SELECT without FROM from."""
_CLOSED_CATEGORIES = frozenset(
    {"AI", "Dictionary", "Embedded Dictionary", "Internal", "Introspection", "Machine Learning", "Other", "Time Series"}
)
"""Categories of functions that look beyond their arguments, or may; a new function among them is closed as well."""
_OPEN = frozenset(
    """
    _CAST bar byteSize caseWithExpression countDigits defaultValueOfArgumentType digits exists finalizeAggregation
    formatReadableDecimalSize formatReadableQuantity formatReadableSize formatReadableTimeDelta getSubcolumn grouping
    identity ignore initializeAggregation isConstant lambda materialize minSampleSizeContinuous minSampleSizeConversion
    neighbor nested parseISO8601Duration parseReadableSize parseReadableSizeOrNull parseReadableSizeOrZero
    parseTimeDelta rowNumberInAllBlocks rowNumberInBlock runningAccumulate runningDifference
    runningDifferenceStartingWithFirstValue toColumnTypeName toTypeName transform untuple variantElement variantType
    visibleWidth
    """.lower().split()
)
"""What is harmless in them, and functions that the engine does not list."""
_COMBINATORS = re.compile(
    r"(?:(?:simple)?state|mergestate|merge|if|array|foreach|map|distinct|ordefault|ornull|resample|argmin|argmax|null)$"
)


class RefusedSqlError(ValueError):
    """A query that is not let through."""


class _Function(msgspec.Struct):
    name: str
    alias_to: str
    categories: str
    is_aggregate: int
    own: int


class AllowedSql:
    """What an engine's analysts may use; made once for an engine."""

    def __init__(self, engine: Engine) -> None:
        body = engine.raw_query(
            "SELECT name, alias_to, categories, is_aggregate, toUInt8(toString(origin) != 'System') AS own "
            "FROM system.functions",
            "JSONEachRow",
        )
        rows = msgspec.json.Decoder(_Function).decode_lines(body)
        categories = {row.name: row.categories for row in rows}
        self._aggregates = {row.name.lower() for row in rows if row.is_aggregate}
        self._open = {
            row.name.lower()
            for row in rows
            if not row.own and categories.get(row.alias_to or row.name, "Other") not in _CLOSED_CATEGORIES
        } | _OPEN
        # A name for what a query has made itself must not open a table of that name elsewhere in it.
        self._tables = {
            row[0] for row in engine.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
        }
        # An alias in another letter case must not open what is closed under its own name.
        self._open -= {
            row.name.lower()
            for row in rows
            if row.name.lower() not in _OPEN
            and (row.own or categories.get(row.alias_to or row.name, "Other") in _CLOSED_CATEGORIES)
        }

    def read(self, analyst: Analyst, query: str, parameters: Mapping[str, Any]) -> str:
        """The query as the engine writes it, if it may be run. Raises RefusedSqlError and EngineRefusal."""
        if len(query) > MAX_QUERY:
            raise RefusedSqlError(f"has {len(query)} characters; at most {MAX_QUERY} are taken")
        if not query.strip() or "\0" in query:
            raise RefusedSqlError("write a SELECT")
        text = _normal(analyst, query)
        _check_words(text)
        for name in parameters:
            if not re.search(rf"\{{{name}:", text):
                raise RefusedSqlError(f"has no place {{{name}:Type}} for the parameter {name}")
        try:
            tree = analyst.ask(f"EXPLAIN QUERY TREE run_passes = 0 SELECT * FROM ({text})", "TSVRaw", parameters)
        except EngineRefusal as refusal:
            if refusal.name == "SYNTAX_ERROR":
                # It was read before: what does not fit between brackets is no part of a SELECT.
                raise RefusedSqlError("only one SELECT is run, without FORMAT and INTO OUTFILE") from refusal
            raise
        self._check(tree.decode(errors="replace"))
        return text

    def _check(self, tree: str) -> None:
        nodes = list(_nodes(tree))
        names = {match[1] for node in nodes if (match := _OWN_NAME.search(node.text))}
        names = {name for name in names if "." not in name and name not in self._tables}
        for node in nodes:
            if node.text.startswith("SETTINGS"):
                raise RefusedSqlError("SETTINGS are not taken in a query")
            if match := _TABLE_FUNCTION.match(node.text):
                if match[1].lower() not in _TABLE_FUNCTIONS:
                    raise RefusedSqlError(f"the table function {match[1][:60]} is not open to analysts")
            elif match := _FUNCTION.match(node.text):
                if not self._may_call(match[1]):
                    raise RefusedSqlError(f"the function {match[1][:60]} is not open to analysts, or not known")
            elif node.is_table and (match := _IDENTIFIER.match(node.text)):
                _check_table(match[1], names)

    def _may_call(self, name: str) -> bool:
        name = name.lower()
        if name in self._open:
            return True
        while True:
            if name in self._aggregates:
                return True
            shorter = _COMBINATORS.sub("", name)
            if shorter == name:
                return False
            name = shorter


class _Node(msgspec.Struct):
    text: str
    is_table: bool


_OWN_NAME = re.compile(r"\b(?:cte_name|alias): ([^,]+)")
_TABLE_FUNCTION = re.compile(r"TABLE_FUNCTION id: \d+,.* table_function_name: (\S+)")
_FUNCTION = re.compile(r"FUNCTION id: \d+,.* function_name: (\S+?),")
_IDENTIFIER = re.compile(r"IDENTIFIER id: \d+,.*? identifier: (.*?)(?:, final: \d+|, sample_\w+: .*)*$")
_TABLE_PLACES = ("JOIN TREE", "TABLE EXPRESSION", "LEFT TABLE EXPRESSION", "RIGHT TABLE EXPRESSION", "CROSS JOIN")
_IN_FUNCTION = re.compile(r"FUNCTION id: \d+,.* function_name: (?:global)?(?:not)?(?:null)?in(?:ignoreset)?,", re.I)


def _nodes(tree: str) -> Iterator[_Node]:
    """The nodes of a query tree, which the engine writes one a line, deeper ones further in."""
    above: list[tuple[int, str]] = []
    children: dict[int, int] = {}
    for line in tree.splitlines():
        text = line.lstrip(" ")
        depth = len(line) - len(text)
        while above and above[-1][0] >= depth:
            children.pop(above.pop()[0], None)
        parent = above[-1][1] if above else ""
        second = False
        if above:
            children[above[-1][0]] = children.get(above[-1][0], 0) + 1
            second = children[above[-1][0]] == 2
        # What stands on the right of IN may be a table as well.
        of_in = second and len(above) > 2 and bool(_IN_FUNCTION.match(above[-3][1]))
        yield _Node(text, is_table=parent.startswith(_TABLE_PLACES) or of_in)
        above.append((depth, text))


def _check_table(identifier: str, names: set[str]) -> None:
    plain = identifier.replace("`", "")
    if plain == _NO_TABLE or plain in ANALYST_VIEWS or plain in names:
        return
    raise RefusedSqlError(f"there is no table {plain[:60]!r}; there are {', '.join(ANALYST_VIEWS)}")


def _normal(analyst: Analyst, query: str) -> str:
    """The query in the engine's own hand: one statement in one line, without comments."""
    try:
        body = analyst.ask("SELECT formatQuerySingleLine({query:String})", "JSONCompactEachRow", {"query": query})
    except EngineRefusal as refusal:
        if "Multi-statements" in refusal.message:
            raise RefusedSqlError("only one SELECT is run at a time") from refusal
        raise
    text: str = msgspec.json.decode(body, type=list[str])[0]
    return text


_TOKENS = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`", re.S)


def _check_words(text: str) -> None:
    """Refuse names that could be mistaken when the engine writes its tree, and what must not come through anyway."""
    for token in _TOKENS.findall(text):
        if token[0] == "`" and re.search(r"[\\\x00-\x1f,:]", token):
            raise RefusedSqlError(f"the name {token[:60]} has a character that names may not have here")
    bare = _TOKENS.sub("''", text)
    if ";" in bare or "`" in bare:
        raise RefusedSqlError("only one SELECT is run at a time")
    if re.search(r"\bSETTINGS\s+\w+\s*=", bare):
        # The tree does not show those of a UNION.
        raise RefusedSqlError("SETTINGS are not taken in a query")
    if re.search(r":\s*Identifier\s*\}", bare):
        raise RefusedSqlError("a parameter may be a value, not a name")
