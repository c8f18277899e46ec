"""Redshift's side of the sandbox's database: wire dialect, SQL dialect, logins."""

from redshift_sandbox.gateway.service import Gateway

__all__ = ["Gateway"]
