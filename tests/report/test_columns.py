"""Columns of declared tables are read by their declaration, never by a name in a string."""

import ast
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import murid
from murid.data.analysis import find_analysis
from murid.data.command_tables import MODULES, command_tables
from murid.data.registry import BUILT_IN
from murid.data.tables import KEYS
from murid.evaluate.evaluation_tables import PER_CLASS, TOTALS
from murid.methods.motifs.comparison_tables import MOTIFS
from murid.neural.tuning_analysis import TUNING
from murid.report.pose_overview import KEYPOINTS
from murid.report.runfolder import RunFolder
from murid.report.sections import ethograms, evaluation, motifs, neural
from murid.report.sections.ethograms import PER_ANIMAL

ROOT = Path(murid.__file__).parent
FILES = sorted([*(ROOT / "report").rglob("*.py"), *(ROOT / "cli").rglob("*.py")])
DECLARED = [
    *(table for name in BUILT_IN for table in find_analysis(name).tables),
    *(table for command in ("", *MODULES) for table in command_tables(command)),
    PER_ANIMAL,
    KEYPOINTS,
]
TABLES = {n: set().union(*(t.columns for t in DECLARED if t.name == n)) - set(KEYS) for n in {t.name for t in DECLARED}}
#: Functions and methods that return the table of which they are given the name.
READERS = ("table", "_rows")
#: Functions that return a declared table, wherever they are called → its name.
MAKERS = {"bouts_of": {"bouts"}, "summarise_states": {"summary"}, "per_animal": {PER_ANIMAL.name}}
#: Attributes that hold a declared table → its name.
HOLDERS = {"keypoint_table": {KEYPOINTS.name}}


@dataclass
class Flow:
    """Where the tables of runs go in one module: into names, parameters, results and properties of its functions.

    Followed are ``run.table("x")``, ``tables["x"]`` and ``….frame``, and what is made from them by methods, subscripts,
    loops over groups, and calls of functions of the same module.
    """

    tree: ast.Module
    #: Function → its names, → tables; "*" is the frame of any declared table.
    bound: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    #: Function → tables that it returns.
    returned: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.functions = {n.name: n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)}
        self.bound = {name: {} for name in self.functions}
        while self._goes_on():
            pass

    def _goes_on(self) -> bool:
        """Follow every value one step further; False when nothing new was found."""
        before = deepcopy((self.bound, self.returned))
        for name, function in self.functions.items():
            for node in ast.walk(function):
                self._follow(name, node)
        return before != (self.bound, self.returned)

    def _follow(self, name: str, node: ast.AST) -> None:
        own = self.bound[name]
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(own, target, node.value, own)
        elif isinstance(node, (ast.NamedExpr, ast.AnnAssign)) and node.value is not None:
            self._bind(own, node.target, node.value, own)
        elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.target, ast.Tuple):
            # ``for value, part in table.groupby(…)``: the part is a table of the same columns.
            self._bind(own, node.target.elts[-1], node.iter, own)
        elif isinstance(node, ast.Return) and (tables := self.source(node.value, own)):
            self.returned.setdefault(name, set()).update(tables)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
            called = self.functions[node.func.id]
            names = [a.arg for a in (*called.args.posonlyargs, *called.args.args)]
            given = [*zip(names, node.args, strict=False), *((k.arg, k.value) for k in node.keywords if k.arg)]
            for parameter, value in given:
                if tables := self.source(value, own):
                    self.bound[called.name].setdefault(parameter, set()).update(tables)

    def _bind(self, names: dict[str, set[str]], target: ast.AST, value: ast.AST, own: dict[str, set[str]]) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, part in zip(target.elts, value.elts, strict=False):
                self._bind(names, one, part, own)
        elif isinstance(target, ast.Name) and (tables := self.source(value, own)):
            names.setdefault(target.id, set()).update(tables)

    def source(self, node: ast.AST | None, own: dict[str, set[str]]) -> set[str]:
        """Return the tables that an expression may come from; "*" is the frame of any declared table."""
        while node is not None:
            if isinstance(node, ast.Name):
                return own.get(node.id, set())
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                return self.returned.get(node.func.id) or MAKERS.get(node.func.id, set())
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in READERS and node.args and (tables := table_named(node.args[0])):
                    return tables
                # ``pd.concat(parts)`` is a table of the columns of its parts.
                node = node.args[0] if node.func.attr == "concat" and node.args else node.func.value
            elif isinstance(node, ast.Subscript):
                if isinstance(node.value, (ast.Name, ast.Attribute)) and name_of(node.value) == "tables":
                    return table_named(node.slice)
                node = node.value
            elif isinstance(node, ast.Attribute):
                if node.attr == "frame":
                    return {"*"}
                if tables := self.returned.get(node.attr) or HOLDERS.get(node.attr):
                    return tables
                node = node.value
            else:
                return set().union(*(self.source(part, own) for part in parts_of(node)))
        return set()

    def reads(self) -> list[tuple[str, str, int]]:
        """Return ``(table, column, line)`` of every column read by a literal from a table of a run."""
        found = []
        for function, own in self.bound.items():
            for node in ast.walk(self.functions[function]):
                names, value = literals_of(node)
                for table in self.source(value, own) if names else ():
                    columns = set().union(*TABLES.values()) if table == "*" else TABLES.get(table, set())
                    found += [(table, name, node.lineno) for name in names if name in columns]
        return sorted(set(found))


#: Methods of a table that are told columns by name.
TOLD = {
    *("get", "groupby", "sort_values", "drop_duplicates", "dropna", "drop", "set_index", "pivot", "pivot_table"),
    *("nlargest", "nsmallest", "pop", "rename", "merge", "filter", "reindex", "duplicated", "value_counts", "melt"),
}


def literals_of(node: ast.AST) -> tuple[list[str], ast.AST | None]:
    """Column names and base of ``base["name"]``, ``base[["a", "b"]]`` and ``base.groupby("name")``."""
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, (ast.List, ast.Tuple)) else [node.slice]
        return texts(parts), node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TOLD:
        first = [*node.args, *(k.value for k in node.keywords)]
        return texts(
            [e for part in first for e in (part.elts if isinstance(part, ast.List) else [part])]
        ), node.func.value
    return [], None


def texts(nodes: list[ast.expr]) -> list[str]:
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def table_named(node: ast.AST) -> set[str]:
    """Name of the table: ``"x"``; of any declared one ("*") where it is ``X.name``."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    return {"*"} if isinstance(node, ast.Attribute) and node.attr == "name" else set()


def parts_of(node: ast.AST) -> list[ast.expr]:
    """What the value of an expression is chosen or gathered from: ``a if x else b``, ``[f(x) for x in y]``."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, (ast.BoolOp, ast.Dict)):
        return node.values
    if isinstance(node, ast.List):
        return node.elts
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return [node.elt]
    return [node.value] if isinstance(node, ast.DictComp) else []


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def seen(text: str) -> list[tuple[str, str]]:
    return sorted({(table, column) for table, column, _ in Flow(ast.parse(text)).reads()})


def test_the_scan_sees_what_it_must():
    text = (
        "def f(run):\n"
        "    t = run.table('tuning', ['p'])\n"
        "    a = t[t['p'].notna()]\n"
        "    return a.get('direction'), run.tables['quality']['verdict'], run.rows(T).frame['auroc'], run.s['p']\n"
    )
    assert seen(text) == [("*", "auroc"), ("quality", "verdict"), ("tuning", "direction"), ("tuning", "p")]


def test_the_scan_knows_every_table_that_a_parameter_may_be():
    text = (
        "def of(table):\n"
        "    return table[table['method'] == 'a']\n"
        "def f(run):\n"
        "    return of(run.table('per_class')), of(run.tables['totals'])['time_r'], run.table('queue')['why']\n"
    )
    assert seen(text) == [("per_class", "method"), ("queue", "why"), ("totals", "method"), ("totals", "time_r")]


def test_the_scan_sees_tables_that_are_made_on_the_way():
    text = (
        "def f(states, run):\n"
        "    tracks = {i: bouts_of(s) for i, s in states.items()}\n"
        "    every = pd.concat([t.assign(recording=i) for i, t in tracks.items()], ignore_index=True)\n"
        "    parts = [summarise_states(s).assign(recording=i) for i, s in states.items()]\n"
        "    return every['start_s'], pd.concat(parts)['fraction'], run.tables['comparison']['q'], other['stop_s']\n"
    )
    assert seen(text) == [("bouts", "start_s"), ("comparison", "q"), ("summary", "fraction")]
    assert seen("def f(run):\n    return run.tables[SUMMARY.name]['fraction'], run.table(CLIPS.name)['film']\n") == [
        ("*", "film"),
        ("*", "fraction"),
    ]


def test_every_command_that_writes_tables_is_followed():
    for table, column in (("faults", "todo"), ("motifs", "ami"), ("clips", "film"), ("latencies", "horizon_s")):
        assert seen(f"def f(run):\n    return run.table('{table}')['{column}']\n") == [(table, column)]


def test_the_scan_follows_values_through_calls_and_loops():
    text = (
        "def read(run):\n"
        "    return run.table('tuning')\n"
        "def g(table, other):\n"
        "    for name, part in table.groupby('behaviour'):\n"
        "        h(rows=part[['unit', 'z']])\n"
        "    return other['p'], table.sort_values(['q', 'x']), s[['null', 'recording']]\n"
        "def h(*, rows=None):\n"
        "    return [r['null'] for r in rows], rows['selectivity']\n"
        "def f(run):\n"
        "    return g(read(run), {})\n"
        "class A:\n"
        "    def measures(self):\n"
        "        return self._rows('measures')\n"
        "def k(a):\n"
        "    return a.measures[['zone', 'more']]\n"
    )
    assert seen(text) == [
        ("measures", "zone"),
        ("tuning", "behaviour"),
        ("tuning", "q"),
        ("tuning", "selectivity"),
        ("tuning", "unit"),
        ("tuning", "z"),
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_column_of_a_declared_table_is_a_string(path):
    file = str(path.relative_to(ROOT))
    found = [
        f"{file}:{line}: column '{column}' of table '{table}'"
        for table, column, line in Flow(ast.parse(path.read_text())).reads()
    ]
    assert not found, "read it by declaration, TABLE.rows(frame).column:\n" + "\n".join(found)


def test_columns_that_are_needed_must_be_declared(tmp_path):
    with pytest.raises(AttributeError, match="table 'tuning' declares no column drift"):
        RunFolder(tmp_path).rows(TUNING, ["p", "drift"])


@pytest.mark.parametrize(
    ("headings", "table", "computed"),
    [
        (evaluation._HEADINGS, PER_CLASS, {"interval"}),
        (evaluation._TOTALS, TOTALS, {"time_limits"}),
        (motifs.COMPARED, MOTIFS, set()),
        (ethograms._HEADINGS, PER_ANIMAL, set()),
        (ethograms._MEANS, PER_ANIMAL, set()),
        (neural._SHOWN, TUNING, {"recording"}),
    ],
    ids=["scores", "totals", "motifs", "bouts", "means", "tuning"],
)
def test_headings_are_of_columns_that_are_declared(headings, table, computed):
    assert set(headings) - set(table.columns) == computed
