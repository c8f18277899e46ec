"""SET, SHOW and RESET: only the configuration parameters that Redshift knows.

https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_ConfigurationRef.html
Parameters that PostgreSQL also has are passed on; the others are kept as `redshift.<name>` in the backend, so that
transactions apply to them as to any other.
"""

from __future__ import annotations

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.tokens import Kind, Token, fold, name_of, quote_literal

CASE_SENSITIVE = "enable_case_sensitive_identifier"

# PostgreSQL's own parameters that a Redshift session may set and show.
_NATIVE = frozenset(
    ("application_name", "client_encoding", "datestyle", "extra_float_digits", "search_path", "statement_timeout",
     "timezone", "client_min_messages")
)  # fmt: skip
_READ_ONLY = frozenset(("server_version", "server_encoding", "is_superuser", "session_authorization",
                        "transaction_isolation", "transaction_read_only", "lc_collate", "lc_ctype"))  # fmt: skip
_BOOLEANS = frozenset(
    (CASE_SENSITIVE, "describe_field_name_in_uppercase", "enable_result_cache_for_session",
     "enable_case_sensitive_super_attribute", "enable_numeric_rounding", "enable_vacuum_boost",
     "error_on_nondeterministic_update", "interval_forbid_composite_literals", "json_serialization_enable",
     "json_serialization_parse_nested_strings", "mv_enable_aqmv_for_session", "navigate_super_null_on_error",
     "parse_super_null_on_error", "cast_super_null_on_error", "pg_federation_repeatable_read",
     "spectrum_enable_pseudo_columns", "use_fips_ssl", "downcase_delimited_identifier")
)  # fmt: skip
# Defaults of the documentation; "unset" for query_group is assumed.
_DEFAULTS = {
    "query_group": "unset", "analyze_threshold_percent": "10", "wlm_query_slot_count": "1",
    "max_concurrency_scaling_clusters": "1", "max_cursor_result_set_size": "0", "spectrum_query_maxerror": "-1",
    "default_geometry_encoding": "1", "stored_proc_log_min_messages": "LOG",
    "enable_result_cache_for_session": "on", "enable_numeric_rounding": "on", "spectrum_enable_pseudo_columns": "on",
    "mv_enable_aqmv_for_session": "on", "navigate_super_null_on_error": "on",
} | {name: "off" for name in _BOOLEANS if name not in (
    "enable_result_cache_for_session", "enable_numeric_rounding", "spectrum_enable_pseudo_columns",
    "mv_enable_aqmv_for_session", "navigate_super_null_on_error")}  # fmt: skip

_TRUE, _FALSE = frozenset(("on", "true", "yes", "1", "t", "y")), frozenset(("off", "false", "no", "0", "f", "n"))


def _unknown(name: str) -> SqlError:
    return SqlError("42704", f'unrecognized configuration parameter "{name}"')


def boolean(name: str, value: str) -> bool:
    """Throws SqlError 22023 for anything but a truth value."""
    lowered = value.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise SqlError("22023", f'parameter "{name}" requires a Boolean value')


def _value(token: Token) -> str:
    if token.kind is Kind.STRING:
        inner = token.text[token.text.index("'") + 1 : -1]
        return inner.replace("''", "'").replace("\\'", "'").replace("\\\\", "\\")
    return name_of(token, keep_case=True) if token.kind is Kind.QUOTED else token.text


class Assignment:
    """What one SET or RESET means: the backend's SQL, and the setting that the gateway itself must apply."""

    def __init__(self, sql: str, name: str = "", value: str | None = None) -> None:
        self.sql = sql
        self.name = name
        self.value = value  # None: back to the default


def translate_set(tokens: list[Token], original: str) -> Assignment:
    """SET [SESSION | LOCAL] name {TO | =} value. `tokens` are the meaningful ones, SET first."""
    position = 1
    scope = ""
    if len(tokens) > 2 and tokens[1].word in ("SESSION", "LOCAL") and tokens[2].word != "AUTHORIZATION":
        if tokens[2].word == "CHARACTERISTICS":
            raise SqlError("0A000", "SET SESSION CHARACTERISTICS is not supported")
        scope, position = tokens[1].word + " ", 2
    words = [token.word for token in tokens[position : position + 2]]
    if words[:1] == ["TRANSACTION"] or words == ["SESSION", "AUTHORIZATION"] or words[:1] == ["ROLE"]:
        return Assignment(original)
    if words == ["TIME", "ZONE"]:
        return Assignment(original)
    if len(tokens) < position + 3:
        raise SqlError("42601", "syntax error at end of input")
    name = name_of(tokens[position], keep_case=False)
    values = tokens[position + 2 :]
    if name in _NATIVE:
        return Assignment(_native(name, values, original), name)
    if name in _READ_ONLY:
        raise SqlError("55P02", f'parameter "{name}" cannot be changed')
    if name not in _DEFAULTS:
        raise _unknown(name)
    value = _value(values[0]) if values[0].word != "DEFAULT" else _DEFAULTS[name]
    if name in _BOOLEANS:
        value = "on" if boolean(name, value) else "off"
    return Assignment(f"SET {scope}redshift.{name} TO {quote_literal(value)}", name, value)


def _native(name: str, values: list[Token], original: str) -> str:
    if name == "client_encoding" and fold(_value(values[0])) not in ("utf8", "utf-8", "unicode", "default"):
        # The sandbox reads SQL as UTF-8 only.
        raise SqlError("22023", f'invalid value for parameter "client_encoding": "{_value(values[0])}"')
    if name == "statement_timeout":
        text = _value(values[0])
        if values[0].word != "DEFAULT" and not text.isdigit():
            raise SqlError("22023", 'parameter "statement_timeout" requires an integer value')
    return original


def translate_reset(tokens: list[Token], original: str) -> Assignment:
    if len(tokens) != 2:
        raise SqlError("42601", "syntax error at end of input")
    name = name_of(tokens[1], keep_case=False)
    if name in _NATIVE or name == "all":
        return Assignment(original, name)
    if name not in _DEFAULTS:
        raise _unknown(name)
    default = _DEFAULTS[name]
    return Assignment(f"SET redshift.{name} TO {quote_literal(default)}", name, default)


def translate_show(tokens: list[Token], original: str) -> str:
    """SHOW name, as a SELECT whose column has the parameter's name."""
    if len(tokens) < 2:
        raise SqlError("42601", "syntax error at end of input")
    words = [token.word for token in tokens[1:]]
    if words == ["TIME", "ZONE"] or words == ["TRANSACTION", "ISOLATION", "LEVEL"]:
        return original
    name = name_of(tokens[1], keep_case=False)
    if len(tokens) > 2:
        raise SqlError("42601", f'syntax error at or near "{tokens[2].text}"')
    if name == "search_path":
        path = "pg_catalog.current_setting('search_path')"
        return f"""SELECT pg_catalog.replace({path}, '"$user"', '$user') AS search_path"""
    if name == "statement_timeout":
        # Redshift prints milliseconds without a unit, PostgreSQL 15 would print one.
        return "SELECT setting AS statement_timeout FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'"
    if name == "server_version":
        return "SELECT '8.0.2'::text AS server_version"
    if name in ("client_encoding", "server_encoding"):
        return f"SELECT 'UNICODE'::text AS {name}"
    if name in _NATIVE or name in _READ_ONLY:
        return original
    if name not in _DEFAULTS:
        raise _unknown(name)
    return (
        f"SELECT COALESCE(NULLIF(pg_catalog.current_setting('redshift.{name}', true), ''), "
        f"{quote_literal(_DEFAULTS[name])}) AS {name}"
    )
