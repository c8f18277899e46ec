"""Data sets: tables that a sandbox has from its first start."""
