// What the service sends and takes: src/serve/api/openapi.yaml, in the words of docs/CLI_JSON.md.

export interface FieldProblem {
  field: string;
  problem: string;
  remedy: string;
}

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  operation: string;
  subject: string;
  remedy: string;
  retryable: boolean;
  problems: FieldProblem[];
}

export interface Fault {
  code: string;
  operation: string;
  subject: string;
  message: string;
  remedy: string;
  cause: string;
  retryable: boolean;
  in_doubt: boolean;
}

export interface List<T> {
  items: T[];
  next_cursor: string | null;
}

export type Scope = 'admin' | 'tenant' | 'read' | 'connect';

export interface Me {
  scope: Scope;
  tenant: { id: string; name: string } | null;
  name: string;
  expires_at: string | null;
  version: string;
  vendor: string | null;
  frame_origins: string[];
  features: { default_chain: boolean; any_path: boolean };
}

export interface Tenant {
  id: string;
  name: string;
}

export interface SourceInput {
  name?: string;
  workgroup?: string;
  host?: string;
  port?: number | null;
  database?: string;
  username?: string | null;
  bucket?: string;
  bucket_region?: string;
  role_arn?: string | null;
  access_key_id?: string | null;
  secret_access_key?: string | null;
  source?: 'default_chain' | null;
  advanced?: Record<string, unknown>;
}

export interface Source {
  id: string;
  tenant: string;
  name: string;
  workgroup: string;
  host: string;
  port: number | null;
  database: string;
  username: string | null;
  bucket: string;
  bucket_region: string;
  role_arn: string | null;
  access_key_id: string | null;
  secret_access_key_set: boolean;
  source: 'default_chain' | null;
  advanced: Record<string, unknown>;
  last_test: { at: string; ok: boolean } | null;
  version: number;
}

export type Severity = 'ok' | 'advice' | 'warning' | 'failure' | 'skipped';

export interface Finding {
  id: string;
  step: string;
  severity: Severity;
  subject: string;
  title: string;
  seen: string;
  why: string;
  remedy: string;
  cause: string;
  code: string | null;
}

export interface CheckDocument {
  exit_code: number;
  interrupted?: boolean;
  findings?: Finding[];
  counts?: Partial<Record<Severity, number>>;
  error: Fault | null;
}

export interface SetupDocument {
  pattern: string;
  network: string;
  bucket: string;
  tag: string;
  unload_role: string;
  sql: string;
  iam: string;
  trust: string;
  terraform: string;
  placeholders: { name: string; meaning: string; how: string }[];
  notes: string[];
}

export interface Column {
  name: string;
  type: string;
  nullable: boolean;
}

export interface Proposal {
  sync_mode: string;
  write_mode: string;
  primary_key: string[];
  cursor: string | null;
  reason: string;
}

export interface Table {
  name: string;
  schema: string;
  table: string;
  type: string;
  columns: Column[];
  unreadable_columns: { name: string; type: string }[];
  hidden: string | null;
  primary_key: string[];
  proposed: Proposal;
  rows: number | null;
  bytes: number | null;
}

export interface DiscoverDocument {
  schemas: { name: string; type: string; tables: Table[] }[];
}

export interface PreviewDocument {
  stream: string;
  columns: Column[];
  rows: (string | null)[][];
}

export type DestinationType = 'duckdb' | 'postgres' | 'lake';

export interface DestinationInput {
  name: string;
  type: DestinationType;
  path?: string;
  schema?: string;
  host?: string;
  port?: number;
  database?: string;
  user?: string;
  password?: string;
  sslmode?: string;
  region?: string;
}

// The fields of its type that are set, and of its secrets whether they are.
export interface Destination extends DestinationInput {
  id: string;
  tenant: string;
  password_set: boolean;
  secret_access_key_set: boolean;
  session_token_set: boolean;
  version: number;
  created_at: string;
  updated_at: string;
}

// An entry of `streams` in docs/CONFIGURATION.md: the fields that this page shows; others stay as they are.
export interface Stream {
  table?: string;
  tables?: string | string[];
  sql?: string;
  name?: string;
  exclude?: string[];
  sync_mode?: string;
  write_mode?: string;
  primary_key?: string[];
  cursor?: string;
  columns?: string[] | { exclude: string[] };
  where?: string;
  [field: string]: unknown;
}

export interface Schedule {
  cron: string;
  time_zone?: string | null;
  jitter?: string | null;
  paused?: boolean;
}

export interface PipelineInput {
  name: string;
  source: string;
  destination: string;
  defaults?: Record<string, unknown> | null;
  streams: Stream[];
  limits?: Record<string, unknown> | null;
  cost?: Record<string, unknown> | null;
  schedule?: Schedule | null;
}

export interface Pipeline extends PipelineInput {
  id: string;
  tenant: string;
  schedule: Schedule | null;
  status: { last_run: Run | null; last_success_at: string | null; next_run_at: string | null; late: boolean };
  version: number;
  created_at: string;
  updated_at: string;
}

export type RunState = 'queued' | 'running' | 'succeeded' | 'partly' | 'failed' | 'stopped';

export interface Counts {
  inserted: number;
  updated: number;
  unchanged: number;
  deleted: number;
  skipped: number;
}

export interface Cost {
  billed_seconds?: number | null;
  rpu_seconds?: number | null;
  amount?: number | null;
}

export interface Proof {
  agrees: boolean;
  notice_rows: number | null;
  manifest_rows: number;
  footer_rows: number;
  loaded_rows: number;
  parts: number;
}

export interface StreamResult {
  stream: string;
  target: string | null;
  status: 'done' | 'failed' | 'stopped';
  rows: number;
  bytes: number;
  seconds: number;
  proof: Proof | null;
  counts: Counts | null;
  watermark?: string | null;
  warnings: string[];
  error: Fault | null;
}

export interface Run {
  id: string;
  tenant: string;
  pipeline: string;
  pipeline_name: string;
  trigger: 'manual' | 'schedule' | 'retry';
  state: RunState;
  stopping: boolean;
  full: boolean;
  queued_at: string;
  started_at: string | null;
  ended_at: string | null;
  seconds: number | null;
  rows: number | null;
  bytes: number | null;
  counts: Counts | null;
  cost: Cost | null;
  streams: StreamResult[] | null;
  error: Fault | null;
}

export interface Overview {
  tenants: {
    tenant: string;
    name: string;
    pipelines: number;
    running: number;
    queued: number;
    failed: {
      pipeline: string;
      name: string;
      run: string;
      state: RunState;
      ended_at: string | null;
      error: { code: string; message: string; remedy: string } | null;
    }[];
    late: { pipeline: string; name: string; due_at: string; seconds: number }[];
    last_24h: {
      runs: number;
      succeeded: number;
      partly: number;
      failed: number;
      stopped: number;
      rows: number;
      bytes: number;
    };
    cost_30d: { runs: number; billed_seconds: number; rpu_seconds: number | null; amount: number | null };
  }[];
  queue: { running: number; queued: number; oldest_seconds: number | null };
}

export type AlertKind = 'webhook' | 'email' | 'slack';
export type AlertEvent = 'failed' | 'partly' | 'recovered' | 'late';

// Only the fields of its kind. A secret that is left out stays as it is.
export interface AlertInput {
  name: string;
  kind: AlertKind;
  url?: string;
  secret?: string;
  to?: string[];
  from?: string;
  smtp_url?: string;
  smtp_user?: string;
  smtp_password?: string;
  on: AlertEvent[];
  paused: boolean;
}

export interface Alert {
  id: string;
  name: string;
  kind: AlertKind;
  url?: string | null;
  // In the answer to the POST that had it made, and nowhere else.
  secret?: string;
  secret_set?: boolean;
  to?: string[];
  from?: string | null;
  smtp_url?: string | null;
  smtp_user?: string | null;
  smtp_password_set?: boolean;
  on: AlertEvent[];
  paused: boolean;
}

export interface TokenInput {
  name: string;
  scope: 'admin' | 'tenant' | 'read';
  tenant: string | null;
  expires_in_days: number | null;
}

export interface Token {
  id: string;
  name: string;
  scope: Scope;
  tenant: string | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface NewToken extends Token {
  token: string;
  url: string;
}

export interface AuditEntry {
  at: string;
  token: string | null;
  token_name: string | null;
  tenant: string | null;
  action: string;
  subject: string;
  address: string | null;
}
