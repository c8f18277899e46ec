// Values that a link brings along, so that nobody types what whoever made the link knows already:
// `/connect?token=…&bucket=acme-staging&bucket_region=eu-west-1`. They are filled in, and nothing more: nothing is
// sent before somebody presses a button. Never a secret: the access keys have no place here.
import { type Draft, EMPTY } from './views/connect/draft';

const KEY = 'sluice.prefill';
const FIELDS = ['name', 'pasted', 'workgroup', 'host', 'port', 'database', 'username', 'bucket', 'bucket_region', 'role_arn', 'external_id'] as const;

export interface Prefill {
  draft: Partial<Draft>;
  tenant: string;
}

export function keepPrefill(query: URLSearchParams): void {
  const draft: Partial<Draft> = {};
  for (const field of FIELDS) {
    const value = query.get(field);
    if (value) draft[field] = value.slice(0, 2000);
  }
  const tenant = query.get('tenant') ?? '';
  if (tenant || Object.keys(draft).length) sessionStorage.setItem(KEY, JSON.stringify({ draft, tenant }));
}

export function prefilled(): Prefill {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Prefill | null;
    return kept ?? { draft: {}, tenant: '' };
  } catch {
    return { draft: {}, tenant: '' };
  }
}

export const prefilledDraft = (): Draft => ({ ...EMPTY, ...prefilled().draft });
export const forgetPrefill = () => sessionStorage.removeItem(KEY);
