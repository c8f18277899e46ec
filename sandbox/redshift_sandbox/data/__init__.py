"""Data sets: tables that a sandbox holds from its first start."""
