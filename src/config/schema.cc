#include "config/schema.h"

namespace sluice::config {
namespace {

// A value may be a reference (${NAME}), so patterns of fields that are often given so allow it.
constexpr std::string_view kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "sluice.yaml",
  "description": "One connection: a Redshift Serverless workgroup, a staging bucket, a destination. ${NAME}, ${NAME:-default} and ${file:PATH} may stand in every text.",
  "type": "object",
  "additionalProperties": false,
  "required": ["name", "redshift", "staging", "auth", "destination"],
  "properties": {
    "name": {
      "description": "Name of the connection; part of the staging prefix.",
      "type": "string", "pattern": "^([A-Za-z0-9][A-Za-z0-9_-]{0,62}|.*\\$\\{.*)$"
    },
    "redshift": {
      "type": "object",
      "additionalProperties": false,
      "required": ["workgroup", "host", "database"],
      "properties": {
        "workgroup": {
          "description": "As the Redshift Serverless console shows it.",
          "type": "string", "pattern": "^([a-z0-9-]{3,64}|.*\\$\\{.*)$"
        },
        "host": {
          "description": "The workgroup's endpoint, in any form it can be copied.",
          "type": "string", "minLength": 1
        },
        "port": {"description": "Default: the host's, else 5439.", "type": ["integer", "string"], "minimum": 1, "maximum": 65535},
        "database": {"type": "string", "minLength": 1},
        "username": {
          "description": "The database user that was created. AWS derives the real one from the identity; check compares the two.",
          "type": "string", "minLength": 1
        },
        "login_api": {
          "description": "The AWS call that gives user and password. GetClusterCredentials is the older one: it logs in as `username` itself.",
          "enum": ["GetCredentials", "GetClusterCredentials"], "default": "GetCredentials"
        },
        "region": {
          "description": "Region of the workgroup. Default: the host's, else AWS_REGION.",
          "type": "string", "pattern": "^([a-z]{2}[a-z0-9]*(-[a-z0-9]+)+-[0-9]+|.*\\$\\{.*)$"
        },
        "sslrootcert": {
          "description": "PEM file of the authorities to trust for the database. Default: the system's.",
          "type": "string", "minLength": 1
        }
      }
    },
    "staging": {
      "type": "object",
      "additionalProperties": false,
      "required": ["bucket", "region"],
      "properties": {
        "bucket": {"type": "string", "pattern": "^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|.*\\$\\{.*)$"},
        "region": {
          "description": "Region of the bucket; it need not be the workgroup's.",
          "type": "string", "pattern": "^([a-z]{2}[a-z0-9]*(-[a-z0-9]+)+-[0-9]+|.*\\$\\{.*)$"
        },
        "root": {
          "description": "Folder in the bucket that belongs to Sluice alone. Nothing outside it is ever touched.",
          "type": "string", "minLength": 1, "default": "sluice/"
        },
        "kms_key": {
          "description": "SSE-KMS for staged files: auto for the bucket's own key, else a key's ARN. Default: SSE-S3.",
          "type": "string", "pattern": "^(auto|arn:aws[a-z-]*:kms:.+:key/.+|.*\\$\\{.*)$"
        },
        "unload_role": {
          "description": "UNLOAD writes with this role, attached to the namespace, instead of with keys in its text: default, an ARN, or ARNs with commas between them.",
          "type": "string", "pattern": "^(default|arn:aws[a-z-]*:iam::[0-9]{12}:role/.+|.*\\$\\{.*)$"
        }
      }
    },
    "auth": {
      "description": "Exactly one of role_arn, access_key_id with secret_access_key, profile, source.",
      "type": "object",
      "additionalProperties": false,
      "oneOf": [
        {"required": ["role_arn"], "not": {"required": ["allow_keys_in_unload"]}},
        {"required": ["access_key_id", "secret_access_key"]},
        {"required": ["profile"]},
        {"required": ["source"]}
      ],
      "dependentRequired": {
        "external_id": ["role_arn"],
        "session_name": ["role_arn"],
        "session_tags": ["role_arn"],
        "duration": ["role_arn"],
        "web_identity_token_file": ["role_arn"],
        "access_key_id": ["secret_access_key"],
        "secret_access_key": ["access_key_id"],
        "session_token": ["access_key_id"]
      },
      "properties": {
        "role_arn": {
          "description": "Role to assume, with the keys that the environment or a profile gives.",
          "type": "string", "pattern": "^(arn:aws[a-z-]*:iam::[0-9]{12}:role/.+|.*\\$\\{.*)$"
        },
        "external_id": {"description": "As in the role's trust policy.", "type": "string", "minLength": 2},
        "session_name": {"description": "Shows up in CloudTrail. Default: sluice-<name>.", "type": "string", "pattern": "^([A-Za-z0-9_+=,.@-]{2,64}|.*\\$\\{.*)$"},
        "duration": {"description": "Life of the role's session, 15m to 12h and not above the role's own maximum.", "type": "string", "pattern": "^([0-9]+[smhd]|.*\\$\\{.*)$", "default": "1h"},
        "session_tags": {
          "description": "Tags of the session, such as RedshiftDbUser or RedshiftDbRoles; the trust policy must allow sts:TagSession.",
          "type": "object", "additionalProperties": {"type": "string", "maxLength": 256}
        },
        "web_identity_token_file": {"description": "Assume the role with this file's token (AssumeRoleWithWebIdentity) instead of with keys.", "type": "string", "minLength": 1},
        "access_key_id": {"type": "string", "pattern": "^([A-Za-z0-9_]{16,128}|.*\\$\\{.*)$"},
        "secret_access_key": {"type": "string", "minLength": 1},
        "session_token": {"description": "Of temporary keys.", "type": "string", "minLength": 1},
        "allow_keys_in_unload": {
          "description": "Let the keys themselves stand in the text of an UNLOAD, which the server may log, if AWS gives no narrower ones for them.",
          "enum": [true, false, "true", "false"], "default": false
        },
        "profile": {"description": "A profile of the shared AWS files.", "type": "string", "minLength": 1},
        "source": {"description": "The keys that the standard AWS chain gives: environment, shared files, web identity, container, instance.", "enum": ["default_chain"]}
      }
    },
    "destination": {
      "type": "object",
      "additionalProperties": false,
      "required": ["type"],
      "oneOf": [
        {
          "properties": {"type": {"enum": ["duckdb"]}}, "required": ["path"],
          "propertyNames": {"enum": ["type", "path", "schema"]}
        },
        {
          "properties": {"type": {"enum": ["postgres"]}}, "required": ["host", "database", "user"],
          "propertyNames": {"enum": ["type", "schema", "host", "port", "database", "user", "password", "sslmode", "sslrootcert", "connections"]}
        },
        {
          "properties": {"type": {"enum": ["lake"]}}, "required": ["path"],
          "propertyNames": {"enum": ["type", "path", "schema", "region", "endpoint_url", "access_key_id", "secret_access_key", "session_token", "keep_versions", "keep_for"]}
        }
      ],
      "dependentRequired": {
        "access_key_id": ["secret_access_key"],
        "secret_access_key": ["access_key_id"],
        "session_token": ["access_key_id"]
      },
      "properties": {
        "type": {"description": "duckdb: a file. postgres: a database. lake: Parquet files with a commit file per version.", "enum": ["duckdb", "postgres", "lake"]},
        "path": {"description": "duckdb: the file. lake: a folder, or s3://bucket/prefix. A relative path is taken from the configuration's folder.", "type": "string", "minLength": 1},
        "schema": {"description": "Replaces the source's schemas. Default: each table keeps its own.", "type": "string", "minLength": 1},
        "host": {"description": "postgres: the server's name, or the folder of its socket.", "type": "string", "minLength": 1},
        "port": {"description": "postgres.", "type": ["integer", "string"], "minimum": 1, "maximum": 65535, "default": 5432},
        "database": {"description": "postgres.", "type": "string", "minLength": 1},
        "user": {"description": "postgres.", "type": "string", "minLength": 1},
        "password": {"description": "postgres; best as ${NAME}. Default: what libpq finds by itself.", "type": "string", "minLength": 1},
        "sslmode": {"description": "postgres; as libpq has it. Default: verify-full, for a socket disable.", "enum": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]},
        "sslrootcert": {"description": "postgres: PEM file with the authority of the server's certificate. Default: the system's.", "type": "string", "minLength": 1},
        "connections": {"description": "postgres: how many copy rows at a time, per stream.", "type": ["integer", "string"], "minimum": 1, "maximum": 16, "default": 2},
        "region": {"description": "lake in a bucket: the bucket's region. Default: that of the staging bucket.", "type": "string", "pattern": "^([a-z]{2}[a-z0-9]*(-[a-z0-9]+)+-[0-9]+|.*\\$\\{.*)$"},
        "endpoint_url": {"description": "lake in a bucket of another S3-compatible service: its address.", "type": "string", "pattern": "^(https?://.+|.*\\$\\{.*)$"},
        "access_key_id": {"description": "lake in a bucket. Default: as the connection logs in to AWS.", "type": "string", "pattern": "^([A-Za-z0-9_]{16,128}|.*\\$\\{.*)$"},
        "secret_access_key": {"type": "string", "minLength": 1},
        "session_token": {"type": "string", "minLength": 1},
        "keep_versions": {"description": "lake: how many versions of a table are kept.", "type": ["integer", "string"], "minimum": 1, "maximum": 10000, "default": 2},
        "keep_for": {"description": "lake: versions younger than this are kept too.", "type": "string", "pattern": "^([0-9]+[smhd]|.*\\$\\{.*)$", "default": "0s"}
      }
    },
    "defaults": {
      "description": "Hold for every stream that they can hold for and that says nothing else: incremental for those with a cursor.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "sync_mode": {"enum": ["full_refresh", "incremental"]},
        "write_mode": {"enum": ["overwrite", "append", "merge"]},
        "overlap": {"type": "string", "pattern": "^([0-9]+[smhd]|.*\\$\\{.*)$"},
        "future_cursor": {
          "description": "How far ahead of the server's clock an incremental stream follows a date or time. wait: not at all, rows dated in the future are read when their time comes. follow: any value, rows dated before it are then not read any more. Or a time, such as 14h for stamps in local time.",
          "type": "string", "pattern": "^(wait|follow|[0-9]+[smhd]|.*\\$\\{.*)$", "default": "wait"
        }
      }
    },
    "streams": {
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "oneOf": [{"required": ["table"]}, {"required": ["sql", "name"]}],
        "properties": {
          "name": {"description": "Unique. Default: the table's.", "type": "string", "minLength": 1},
          "table": {"description": "schema.table; a name that holds a dot stands in double quotes.", "type": "string", "minLength": 3},
          "sql": {"description": "One SELECT.", "type": "string", "minLength": 1},
          "sync_mode": {"enum": ["full_refresh", "incremental"], "default": "full_refresh"},
          "write_mode": {"description": "Default: overwrite for full_refresh; else merge if there is a primary_key, append if not.", "enum": ["overwrite", "append", "merge"]},
          "primary_key": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
          "cursor": {"description": "Column that grows with every change.", "type": "string", "minLength": 1},
          "columns": {"description": "Default: all.", "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
          "future_cursor": {
            "description": "How far ahead of the server's clock an incremental stream follows a date or time. Default: the one of defaults.",
            "type": "string", "pattern": "^(wait|follow|[0-9]+[smhd]|.*\\$\\{.*)$"
          },
          "null_cursor": {"description": "Rows without a cursor value: read in every run, in the first, or not at all. Default: read; append: first.", "enum": ["read", "first", "skip"]},
          "duplicate_keys": {"description": "Two rows with one key in a full read: refuse, or let the newest by cursor win.", "enum": ["refuse", "newest"], "default": "refuse"},
          "schema_changes": {"description": "When the source's columns change: follow (add, widen), freeze (bring the known ones) or fail.", "enum": ["follow", "freeze", "fail"], "default": "follow"},
          "split": {
            "description": "A large table in several UNLOADs of one snapshot, by a hash of the primary key or by ranges of a column.",
            "type": "object",
            "additionalProperties": false,
            "required": ["pieces"],
            "properties": {
              "column": {"description": "A number, date or timestamp. Default: the primary key, by hash.", "type": "string", "minLength": 1},
              "pieces": {"type": ["integer", "string"], "minimum": 2, "maximum": 1000}
            }
          },
          "overlap": {"description": "How far behind the watermark each run looks again.", "type": "string", "pattern": "^([0-9]+[smhd]|.*\\$\\{.*)$", "default": "5m"},
          "deletes": {
            "description": "How rows deleted at the source are noticed.",
            "anyOf": [
              {"enum": ["none"]},
              {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                  "column": {"description": "Soft delete: true here means deleted.", "type": "string", "minLength": 1},
                  "key_scan": {"description": "Hard deletes: compare all keys this often.", "type": "string", "pattern": "^[0-9]+[smhd]$"},
                  "keep": {"description": "Rows that `column` marks as deleted stay, with their mark.", "enum": [true, false, "true", "false"], "default": false},
                  "max_percent": {"description": "A run that would delete more than this share of the table stops, unless --allow-deletes. Unless it is set here, tables of fewer than 100 rows may lose any share.", "type": ["integer", "string"], "minimum": 0, "maximum": 100, "default": 50}
                }
              }
            ]
          }
        }
      }
    },
    "streams_parallel": {"description": "Streams synced at a time.", "type": ["integer", "string"], "minimum": 1, "maximum": 64, "default": 4},
    "limits": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "memory_mb": {"description": "Memory of the whole program, roughly.", "type": ["integer", "string"], "minimum": 128, "maximum": 1000000, "default": 400},
        "disk_mb": {"description": "Parts on local disk at one time.", "type": ["integer", "string"], "minimum": 64, "maximum": 100000000, "default": 2048},
        "work_dir": {"description": "Folder for parts. Default: $TMPDIR, else .sluice beside the configuration.", "type": "string", "minLength": 1}
      }
    },
    "history": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "keep": {"description": "How long `sluice history` tells of a run. What is needed to clean up, and each stream's last commit, is kept longer.", "type": "string", "pattern": "^([0-9]+[smhd]|.*\\$\\{.*)$", "default": "90d"}
      }
    },
    "aws": {
      "description": "Where a field is absent, the standard AWS variable counts: AWS_CA_BUNDLE, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, ...",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "ca_bundle": {"description": "PEM file of the authorities to trust for AWS.", "type": "string", "minLength": 1},
        "endpoint_url": {"type": "string", "pattern": "^(https?://[^ ]+|.*\\$\\{.*)$"},
        "endpoint_url_s3": {"type": "string", "pattern": "^(https?://[^ ]+|.*\\$\\{.*)$"},
        "endpoint_url_sts": {"type": "string", "pattern": "^(https?://[^ ]+|.*\\$\\{.*)$"},
        "endpoint_url_redshift_serverless": {"type": "string", "pattern": "^(https?://[^ ]+|.*\\$\\{.*)$"},
        "endpoint_url_redshift": {"description": "For login_api: GetClusterCredentials.", "type": "string", "pattern": "^(https?://[^ ]+|.*\\$\\{.*)$"},
        "allow_http": {"description": "Allows http:// addresses of other machines, that of a lake among them: keys and rows travel in the clear then.", "enum": [true, false, "true", "false"], "default": false},
        "use_fips": {"description": "Default: AWS_USE_FIPS_ENDPOINT.", "enum": [true, false, "true", "false"]},
        "use_dualstack": {"description": "Default: AWS_USE_DUALSTACK_ENDPOINT.", "enum": [true, false, "true", "false"]}
      }
    }
  }
}
)json";

}  // namespace

std::string_view JsonSchema() { return kSchema; }

}  // namespace sluice::config
