"""Users, groups and roles: CREATE USER ... PASSWORD DISABLE, GRANT ... TO ROLE r, and similar.

Redshift keeps users, groups and roles in three name spaces, PostgreSQL in one; here a group is the role
`group:<name>` and a role the role `role:<name>`, so that only users have their plain name. User names keep
their case, whatever the session says
(https://docs.aws.amazon.com/redshift/latest/dg/r_enable_case_sensitive_identifier.html).
Passwords of SQL are accepted and not stored: the gateway accepts only passwords from GetCredentials.
"""

from __future__ import annotations

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.tokens import Kind, Token, fold, quote_name

ROLE_PREFIX, GROUP_PREFIX = "role:", "group:"


def user_name(token: Token) -> str:
    if token.kind is Kind.QUOTED:
        return token.text[1:-1].replace('""', '"')
    return fold(token.text)


def _syntax(token: Token | None) -> SqlError:
    return SqlError("42601", f'syntax error at or near "{token.text}"' if token else "syntax error at end of input")


def _at(tokens: list[Token], position: int) -> Token:
    if position >= len(tokens):
        raise _syntax(None)
    return tokens[position]


def join_system_roles(tokens: list[Token]) -> None:
    """Makes one name of the three tokens of a system role, such as sys:monitor.
    https://docs.aws.amazon.com/redshift/latest/dg/r_roles-default.html"""
    for position in range(len(tokens) - 2):
        head, colon, tail = tokens[position : position + 3]
        if head.word == "SYS" and colon.text == ":" and tail.kind is Kind.WORD:
            head.kind, head.text = Kind.QUOTED, f'"sys:{fold(tail.text)}"'
            colon.text = tail.text = ""


def _prefixed(token: Token, prefix: str) -> str:
    return quote_name(prefix + (fold(user_name(token))))


def keep_users(tokens: list[Token], start: int, stops: tuple[str, ...] = ()) -> int:
    """Marks a comma list of user names; returns the position after it."""
    position = start
    while position < len(tokens) and tokens[position].word not in stops:
        tokens[position].keep = True
        if position + 1 >= len(tokens) or tokens[position + 1].text != ",":
            return position + 1
        position += 2
    return position


def _grantees(tokens: list[Token], start: int) -> None:
    position = start
    while position < len(tokens):
        word = tokens[position].word
        if word in ("GROUP", "ROLE"):
            name = _at(tokens, position + 1)
            tokens[position].text = ""
            name.text = _prefixed(name, GROUP_PREFIX if word == "GROUP" else ROLE_PREFIX)
            name.keep = True
            position += 2
        elif word == "USER":
            tokens[position].text = ""
            position += 1
            continue
        else:
            tokens[position].keep = True
            position += 1
        while position < len(tokens) and tokens[position].text != ",":
            position += 1  # WITH GRANT OPTION, CASCADE, RESTRICT
        position += 1


def translate_grant(tokens: list[Token]) -> None:
    """GRANT and REVOKE, also after ALTER DEFAULT PRIVILEGES."""
    join_system_roles(tokens)
    tokens = [token for token in tokens if token.text]
    words = [token.word for token in tokens]
    direction = "TO" if words[0] == "GRANT" else "FROM"
    if "ASSUMEROLE" in words:
        raise SqlError("0A000", "GRANT ASSUMEROLE is not supported by the sandbox")
    if direction not in words:
        raise _syntax(None)
    split = len(words) - 1 - words[::-1].index(direction)
    start = 4 if words[1:4] == ["ADMIN", "OPTION", "FOR"] else 1
    if words[start : start + 1] == ["ROLE"]:
        for position in range(start, split):
            if words[position] == "ROLE":
                tokens[position].text = ""
                name = _at(tokens, position + 1)
                name.text, name.keep = _prefixed(name, ROLE_PREFIX), True
    _grantees(tokens, split + 1)


def translate_default_privileges(tokens: list[Token]) -> None:
    """ALTER DEFAULT PRIVILEGES [FOR USER u, ...] [IN SCHEMA s, ...] GRANT ... TO ..."""
    words = [token.word for token in tokens]
    if words[3:5] in (["FOR", "USER"], ["FOR", "ROLE"]):
        keep_users(tokens, 5, ("IN", "GRANT", "REVOKE"))
    for position, word in enumerate(words):
        if word in ("GRANT", "REVOKE"):
            translate_grant(tokens[position:])
            return
    raise _syntax(None)


def _options(tokens: list[Token], position: int) -> tuple[list[str], bool]:
    """The user options from `position` on, as PostgreSQL writes them; and whether a password was among them."""
    out: list[str] = []
    password = False
    while position < len(tokens):
        word = tokens[position].word
        if word == "WITH":
            position += 1
        elif word == "PASSWORD":
            _at(tokens, position + 1)
            password, position = True, position + 2
        elif word in ("CREATEDB", "NOCREATEDB"):
            out.append(word)
            position += 1
        elif word in ("CREATEUSER", "NOCREATEUSER"):
            out.append("SUPERUSER" if word == "CREATEUSER" else "NOSUPERUSER")
            position += 1
        elif word == "IN" and _at(tokens, position + 1).word == "GROUP":
            position += 2
            groups = [_prefixed(_at(tokens, position), GROUP_PREFIX)]
            while position + 1 < len(tokens) and tokens[position + 1].text == ",":
                position += 2
                groups.append(_prefixed(_at(tokens, position), GROUP_PREFIX))
            out.append("IN ROLE " + ", ".join(groups))
            position += 1
        elif word == "VALID" and _at(tokens, position + 1).word == "UNTIL":
            out.append("VALID UNTIL " + _at(tokens, position + 2).text)
            position += 3
        elif word == "CONNECTION" and _at(tokens, position + 1).word == "LIMIT":
            limit = _at(tokens, position + 2)
            out.append("CONNECTION LIMIT " + ("-1" if limit.word == "UNLIMITED" else limit.text))
            position += 3
        elif word in ("SYSLOG", "SESSION"):  # SYSLOG ACCESS x, SESSION TIMEOUT n: nothing to keep
            position += 3
        elif word == "EXTERNALID":
            position += 2
        else:
            raise _syntax(tokens[position])
    return out, password


def create_user(tokens: list[Token]) -> str:
    name = user_name(_at(tokens, 2))
    options, password = _options(tokens, 3)
    if not password:
        # https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html: PASSWORD is not optional.
        raise _syntax(None)
    return " ".join([f"CREATE ROLE {quote_name(name)} LOGIN", *options])


def alter_user(tokens: list[Token]) -> str | None:
    """None: PostgreSQL reads it as it is."""
    name = _at(tokens, 2)
    name.keep = True
    if _at(tokens, 3).word in ("RENAME", "SET", "RESET"):
        if tokens[3].word == "RENAME":
            _at(tokens, 5).keep = True
        return None
    options, _ = _options(tokens, 3)
    return " ".join([f"ALTER ROLE {quote_name(user_name(name))}", *(options or ["LOGIN"])])


def create_group(tokens: list[Token]) -> str:
    sql = f"CREATE ROLE {_prefixed(_at(tokens, 2), GROUP_PREFIX)} NOLOGIN"
    position = 4 if len(tokens) > 3 and tokens[3].word == "WITH" else 3
    if position < len(tokens):
        if tokens[position].word != "USER":
            raise _syntax(tokens[position])
        names = [quote_name(user_name(token)) for token in tokens[position + 1 :] if token.text != ","]
        sql += " ROLE " + ", ".join(names)
    return sql


def alter_group(tokens: list[Token]) -> str:
    group, action = _prefixed(_at(tokens, 2), GROUP_PREFIX), _at(tokens, 3).word
    if action == "RENAME":
        return f"ALTER ROLE {group} RENAME TO {_prefixed(_at(tokens, 5), GROUP_PREFIX)}"
    if action not in ("ADD", "DROP") or _at(tokens, 4).word != "USER":
        raise _syntax(tokens[3])
    names = ", ".join(quote_name(user_name(token)) for token in tokens[5:] if token.text != ",")
    return f"ALTER GROUP {group} {action} USER {names}"


def create_role(tokens: list[Token]) -> str:
    return f"CREATE ROLE {_prefixed(_at(tokens, 2), ROLE_PREFIX)} NOLOGIN"


def alter_role(tokens: list[Token]) -> str:
    if _at(tokens, 3).word != "RENAME":
        raise _syntax(tokens[3])
    return f"ALTER ROLE {_prefixed(tokens[2], ROLE_PREFIX)} RENAME TO {_prefixed(_at(tokens, 5), ROLE_PREFIX)}"


def drop_principal(tokens: list[Token]) -> str | None:
    """DROP USER keeps its names; DROP GROUP and DROP ROLE name the prefixed role."""
    kind = tokens[1].word
    start = 4 if [token.word for token in tokens[2:4]] == ["IF", "EXISTS"] else 2
    if kind == "USER":
        keep_users(tokens, start)
        return None
    prefix = GROUP_PREFIX if kind == "GROUP" else ROLE_PREFIX
    exists = "IF EXISTS " if start == 4 else ""
    return f"DROP ROLE {exists}{_prefixed(_at(tokens, start), prefix)}"
