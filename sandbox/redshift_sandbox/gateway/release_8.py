"""The catalog of PostgreSQL 8.0, which is what Redshift kept: relations and columns of later releases do not exist.

Names of the catalog become names of views that have release 8.0's columns and those that Redshift added
(pg/compat/35_release_8.sql).
"""

from __future__ import annotations

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.tokens import Kind, Token, fold

_PREFIX = "pg_sandbox_"
_SHAPED = frozenset(("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_database", "pg_namespace",
                     "pg_proc", "pg_type"))  # fmt: skip
# Catalog relations of later releases. That clients miss pg_collation and pg_extension on Redshift is reported by
# others (https://github.com/laravel/framework/pull/60400, https://github.com/citusdata/podyn/issues/11); the rest
# follows from the release (assumed).
_LATER = frozenset(("pg_auth_members", "pg_authid", "pg_available_extensions", "pg_collation",
                    "pg_enum", "pg_extension", "pg_foreign_data_wrapper",
                    "pg_foreign_server", "pg_foreign_table", "pg_matviews", "pg_opfamily",
                    "pg_partitioned_table", "pg_policies", "pg_policy", "pg_publication", "pg_publication_tables",
                    "pg_range", "pg_roles", "pg_sequence", "pg_sequences", "pg_stat_progress_vacuum",
                    "pg_statistic_ext", "pg_subscription", "pg_user_mapping"))  # fmt: skip


def shape_catalog(main: list[Token]) -> None:
    """Rewrites the meaningful tokens in place. Throws SqlError 42P01 for a relation of a later release."""
    for index, token in enumerate(main):
        if token.kind not in (Kind.WORD, Kind.QUOTED) or token.keep:
            continue
        name = fold(token.text.strip('"'))
        if name in _SHAPED and (_is_relation(main, index) or _is_qualifier(main, index)):
            token.text = _PREFIX + name.removeprefix("pg_")
        elif name in _LATER and _is_relation(main, index):
            raise SqlError("42P01", f'relation "{_as_written(main, index)}" does not exist')


def as_known(name: str) -> str:
    """The name that the client wrote for `name`, for error texts."""
    return "pg_" + name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else name


def _is_relation(main: list[Token], index: int) -> bool:
    """Whether a table of the catalog is named at `index`, and not one of another schema, a column or an alias."""
    before = main[index - 1] if index else None
    if before is None:
        return False
    if before.text == ".":
        return index > 1 and fold(main[index - 2].text.strip('"')) == "pg_catalog"
    return before.word in ("FROM", "JOIN") or (before.text == "," and main[0].word in ("SELECT", "WITH", "UNLOAD"))


def _is_qualifier(main: list[Token], index: int) -> bool:
    return index + 1 < len(main) and main[index + 1].text == "." and main[index - 1].text != "."


def _as_written(main: list[Token], index: int) -> str:
    name = main[index].text.strip('"')
    return f"pg_catalog.{name}" if main[index - 1].text == "." else name
