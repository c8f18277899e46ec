"""Removes the credentials of an UNLOAD, for logs and sys_query_history.

AWS's replay tool looks for exactly this form in logged text: ACCESS_KEY_ID '' SECRET_ACCESS_KEY ''.
https://github.com/aws/redshift-test-drive
"""

from __future__ import annotations

import re

# A value is a literal, a literal whose end is missing, or a bare word: wrong statements are logged too.
_SECRET = re.compile(
    r"\b(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|CREDENTIALS|IAM_ROLE|MASTER_SYMMETRIC_KEY)\b"
    r"(\s+AS\b)?\s*(?:=\s*)?(?:'(?:[^'\\]|''|\\.)*(?:'|\Z)|[^\s';]+)",
    re.IGNORECASE | re.DOTALL,
)


def blank_credentials(sql: str) -> str:
    """The statement with each credential replaced by ''. Never fails, for any text."""
    return _SECRET.sub(lambda m: f"{m.group(1)}{m.group(2) or ''} ''", sql)
