"""Redshift in front of the sandbox's database: wire protocol, SQL dialect, logins."""

from redshift_sandbox.gateway.service import Gateway

__all__ = ["Gateway"]
