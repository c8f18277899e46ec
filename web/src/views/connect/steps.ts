// The six steps of the guide, which fields belong to each, and which steps of `check` prove it.
import type { Finding } from '../../api/types';
import type { Draft, TextField } from './draft';

export interface Step {
  id: string;
  title: string;
  about: string;
  fields: readonly TextField[];
  proves: readonly string[];
}

export const STEPS: readonly Step[] = [
  {
    id: 'workgroup',
    title: 'Workgroup',
    about: 'Where your tables are. The Redshift Serverless console shows the endpoint on the workgroup’s page.',
    fields: ['pasted', 'workgroup', 'host', 'port', 'database'],
    proves: ['configuration', 'login'],
  },
  {
    id: 'network',
    title: 'Network',
    about: 'Let this service reach the workgroup: one inbound rule of its security group.',
    fields: [],
    proves: ['network'],
  },
  {
    id: 'user',
    title: 'Database user',
    about: 'A user that may read the tables, and nothing else. It has no password.',
    fields: ['username'],
    proves: ['database_user', 'streams'],
  },
  {
    id: 'bucket',
    title: 'Staging bucket',
    about: 'Redshift writes files here, and each is deleted once its rows have arrived.',
    fields: ['bucket', 'bucket_region'],
    proves: ['bucket'],
  },
  {
    id: 'access',
    title: 'AWS access',
    about: 'A role that may log in to the workgroup and use the bucket.',
    fields: ['role_arn', 'external_id', 'access_key_id'],
    proves: ['identity', 'database_credentials', 'bucket_rights', 'unload'],
  },
  {
    id: 'test',
    title: 'Test and save',
    about: 'Every step is proven now, from here to the bucket and back. Nothing stays behind.',
    fields: ['name'],
    proves: ['local', 'destination'],
  },
];

export type Standing = 'open' | 'filled' | 'busy' | 'good' | 'warn' | 'bad';

export const findingsOf = (step: Step, findings: Finding[]) => findings.filter((one) => step.proves.includes(one.step));
// The last step stands as all of them do.
const deciding = (step: Step, findings: Finding[]) => (step.id === 'test' ? findings : findingsOf(step, findings));

export function filled(step: Step, draft: Draft): boolean {
  switch (step.id) {
    case 'workgroup':
      return !!(draft.host && draft.workgroup && draft.database);
    case 'bucket':
      return !!(draft.bucket && draft.bucket_region);
    case 'access':
      return draft.how === 'server' || !!(draft.how === 'role' ? draft.role_arn : draft.access_key_id);
    case 'user':
      return !!draft.username;
    default:
      return false;
  }
}

// What a test has told of a step, else whether it is filled in.
export function standing(step: Step, draft: Draft, findings: Finding[], testing: boolean): Standing {
  const own = deciding(step, findings);
  if (own.some((one) => one.severity === 'failure')) return 'bad';
  if (testing && (own.length === 0 || step.id === 'test')) return 'busy';
  if (own.some((one) => one.severity === 'warning')) return 'warn';
  if (own.some((one) => one.severity === 'ok' || one.severity === 'advice')) return 'good';
  return filled(step, draft) ? 'filled' : 'open';
}

export const SAID: Record<Standing, string> = {
  open: 'to do',
  filled: 'filled in',
  busy: 'being tested',
  good: 'proven',
  warn: 'works, with a warning',
  bad: 'needs a fix',
};
