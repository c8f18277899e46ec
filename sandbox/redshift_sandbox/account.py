"""The account, workgroup and buckets of every sandbox: names that its parts, its tests and its users share."""

from __future__ import annotations

ACCOUNT = "123456789012"  # the customer's
BASE_ACCOUNT = "210987654321"  # of whoever runs the client: another account, as in the setup guide
REGION = "us-east-1"
OTHER_REGION = "eu-west-1"
WORKGROUP = "analytics"
DATABASE = "dev"
BUCKET = "acme-sluice-staging"
OTHER_BUCKET = "acme-sluice-staging-eu"
ROOT = "sluice"
ROLE = "sluice-reader"
BASE_USER = "sluice-base"
KEYS_USER = "sluice-keys"
ROLE_DB_USER = f"IAMR:{ROLE}"
KEYS_DB_USER = f"IAM:{KEYS_USER}"

# Of the set-up for other programs' tests: one user who may do everything, and a role for COPY and UNLOAD.
DEVELOPER = "developer"
DEVELOPER_DB_USER = f"IAM:{DEVELOPER}"
DEVELOPER_BUCKET = "redshift-sandbox"
DEVELOPER_ROLE = "redshift-s3"
