// What somebody has filled in, kept for a reload: in this tab, and never the secret key.
import type { Finding, Source, SourceInput } from '../../api/types';

export interface Draft {
  name: string;
  pasted: string;
  workgroup: string;
  host: string;
  port: string;
  database: string;
  username: string;
  bucket: string;
  bucket_region: string;
  how: 'role' | 'keys' | 'server';
  role_arn: string;
  external_id: string;
  access_key_id: string;
  advanced: string;
}

export type TextField = Exclude<keyof Draft, 'how'>;

export const EMPTY: Draft = {
  name: '',
  pasted: '',
  workgroup: '',
  host: '',
  port: '',
  database: '',
  username: '',
  bucket: '',
  bucket_region: '',
  how: 'role',
  role_arn: '',
  external_id: '',
  access_key_id: '',
  advanced: '',
};

export function fromSource(source: Source): Draft {
  const { external_id, ...rest } = source.advanced ?? {};
  const others = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  return {
    name: source.name,
    pasted: '',
    workgroup: source.workgroup,
    host: source.host,
    port: source.port ? String(source.port) : '',
    database: source.database,
    username: source.username ?? '',
    bucket: source.bucket,
    bucket_region: source.bucket_region,
    how: source.access_key_id ? 'keys' : source.source ? 'server' : 'role',
    role_arn: source.role_arn ?? '',
    external_id: typeof external_id === 'string' ? external_id : '',
    access_key_id: source.access_key_id ?? '',
    advanced: Object.keys(others).length ? JSON.stringify(others, null, 2) : '',
  };
}

// What goes up. Empty fields are left out, so that the service tells what is missing. Throws SyntaxError if the
// advanced settings are no JSON.
export function toInput(draft: Draft, secret: string): SourceInput {
  const input: SourceInput = {};
  for (const field of ['workgroup', 'host', 'database', 'bucket', 'bucket_region'] as const) {
    const value = draft[field].trim();
    if (value) input[field] = value;
  }
  input.name = draft.name.trim() || draft.workgroup.trim() || 'warehouse';
  if (draft.port.trim()) input.port = Number(draft.port);
  if (draft.username.trim()) input.username = draft.username.trim();
  const advanced: Record<string, unknown> = draft.advanced.trim() ? (JSON.parse(draft.advanced) as Record<string, unknown>) : {};
  if (draft.how === 'role') {
    if (draft.role_arn.trim()) input.role_arn = draft.role_arn.trim();
    if (draft.external_id.trim()) advanced['external_id'] = draft.external_id.trim();
  } else if (draft.how === 'keys') {
    if (draft.access_key_id.trim()) input.access_key_id = draft.access_key_id.trim();
    if (secret) input.secret_access_key = secret;
  } else {
    input.source = 'default_chain';
  }
  if (Object.keys(advanced).length) input.advanced = advanced;
  return input;
}

interface Kept {
  draft: Draft;
  findings: Finding[];
}

export const keyOf = (tenant: string, source: string | null) => `sluice.draft.${tenant}.${source ?? 'new'}`;

export function recall(key: string): Kept | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Kept | null;
    return kept && { draft: { ...EMPTY, ...kept.draft }, findings: kept.findings ?? [] };
  } catch {
    return null;
  }
}
export const keep = (key: string, kept: Kept) => sessionStorage.setItem(key, JSON.stringify(kept));
export const forget = (key: string) => sessionStorage.removeItem(key);
