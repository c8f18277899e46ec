// What the audit log says, in plain words. An action that is not known here is shown as it is.
const THINGS = { tenant: 'tenant', source: 'source', destination: 'destination', pipeline: 'pipeline', alert: 'alert', token: 'token' } as const;
const DONE = { create: 'Made', update: 'Changed', delete: 'Removed' } as const;

const SPECIAL: Record<string, string> = {
  'token.create': 'Made a token',
  'token.delete': 'Revoked a token',
  'session.refused': 'Was refused: the token is wrong or over',
  'source.discover': 'Looked at the tables of a source',
  'pipeline.preview': 'Looked at rows of a pipeline',
  'pipeline.test': 'Tested a pipeline',
  'pipeline.import': 'Brought a pipeline in from a file',
  'run.start': 'Started a run',
  'run.stop': 'Stopped a run',
  'alert.test': 'Sent a test message',
  'alert.delivered': 'Delivered a message',
  'alert.given_up': 'Gave up a message that nobody took',
  'tenant.export': 'Wrote a tenant to files',
  'tenant.export_secrets': 'Wrote a tenant to files, with its secrets',
};

const article = (thing: string) => (/^[aeiou]/.test(thing) ? 'an' : 'a');

export function wordsOf(action: string): string {
  const [thing = '', done = ''] = action.split('.');
  const known = THINGS[thing as keyof typeof THINGS];
  const did = DONE[done as keyof typeof DONE];
  return SPECIAL[action] ?? (known && did ? `${did} ${article(known)} ${known}` : action);
}

// Where what it was done to can be seen, as the path of a view; null: nowhere.
export function placeOf(action: string, subject: string): string[] | null {
  if (action.endsWith('.delete')) return null;
  const [kind] = subject.split('_');
  if (kind === 'src') return ['connect', subject];
  if (kind === 'pip') return ['pipelines', subject];
  if (kind === 'run') return ['runs', subject];
  if (kind === 'alr') return ['alerts'];
  return null;
}
