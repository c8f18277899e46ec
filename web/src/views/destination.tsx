// Where tables land: what is said of it when it is made, and the form in which it is tested and changed.
import { useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { CheckDocument, Destination, DestinationInput, DestinationType } from '../api/types';
import { Busy, Field } from '../components/form';
import { useAction } from '../components/load';
import { Failure, Notice } from '../components/states';
import { isElsewhere, useWrong } from '../components/wrong';
import { useSession } from '../session';
import { Findings } from './connect/findings';

const KINDS: readonly (readonly [DestinationType, string])[] = [
  ['duckdb', 'DuckDB file'],
  ['postgres', 'PostgreSQL database'],
  ['lake', 'Lake of Parquet files'],
];

export const slug = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'warehouse';

export function placeOf(value: DestinationInput): string {
  return value.type === 'postgres' ? `${value.database ?? ''} at ${value.host ?? ''}` : (value.path ?? value.type);
}

export function NewDestination({ value, onChange, name }: { value: DestinationInput; onChange: (value: DestinationInput) => void; name: string }) {
  const kind = (type: DestinationType) => {
    const path = { duckdb: `${slug(name)}.duckdb`, lake: slug(name), postgres: undefined }[type];
    onChange(path === undefined ? { name: value.name, type } : { name: value.name, type, path });
  };
  return (
    <fieldset class="stack">
      <legend class="hidden">The new destination</legend>
      <Field label="Kind" value={value.type} options={KINDS} onValue={(type) => kind(type as DestinationType)} />
      <Fields value={value} set={(fields) => onChange({ ...value, ...fields })} />
    </fieldset>
  );
}

interface FieldsProps {
  value: DestinationInput;
  set: (fields: Partial<DestinationInput>) => void;
  wrong?: Record<string, string>;
  // A password is saved.
  kept?: boolean;
}

function Fields({ value, set, wrong = {}, kept = false }: FieldsProps) {
  if (value.type !== 'postgres') {
    return (
      <Field
        label={value.type === 'duckdb' ? 'File' : 'Folder or s3://bucket/prefix'}
        value={value.path ?? ''}
        mono
        onValue={(path) => set({ path })}
        wrong={wrong['path']}
        hint="A name in this tenant’s folder on the server."
      />
    );
  }
  return (
    <>
      <Field label="Host" value={value.host ?? ''} mono onValue={(host) => set({ host })} wrong={wrong['host']} />
      <Field label="Port" type="number" value={String(value.port ?? 5432)} onValue={(port) => set({ port: Number(port) })} wrong={wrong['port']} />
      <Field label="Database" value={value.database ?? ''} onValue={(database) => set({ database })} wrong={wrong['database']} />
      <Field label="User" value={value.user ?? ''} onValue={(user) => set({ user })} wrong={wrong['user']} />
      <Field
        label="Password"
        type="password"
        autocomplete="new-password"
        value={value.password ?? ''}
        onValue={(password) => set({ password })}
        wrong={wrong['password']}
        hint={kept ? 'One is saved. Leave this empty to keep it.' : 'Stored sealed, never shown again.'}
      />
    </>
  );
}

const SHOWN = ['name', 'path', 'host', 'port', 'database', 'user', 'password'];

// What the page does not show stays as it was; what the service alone says is not sent back.
function inputOf(was: Destination): DestinationInput {
  const { id, tenant, version, created_at, updated_at, password_set, secret_access_key_set, session_token_set, ...input } = was;
  return input;
}

export function DestinationForm({ was, onSaved }: { was: Destination; onSaved: (saved: Destination) => void }) {
  const { tenant } = useSession();
  const [value, setValue] = useState(() => inputOf(was));
  const [told, setTold] = useState<CheckDocument | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const body = () => ({ ...value, password: value.password || undefined });
  const test = useAction(async () => {
    save.clear();
    setTold(null);
    setTold(await api.testDestination(tenant.id, was.id, body()));
  });
  const save = useAction(async () => {
    test.clear();
    onSaved(await api.putDestination(tenant.id, await api.destination(tenant.id, was.id), body()));
  });
  const error = save.error ?? test.error;
  const wrong = useWrong(form, error);
  const set = (fields: Partial<DestinationInput>) => {
    wrong.touch(...Object.keys(fields));
    setTold(null);
    setValue({ ...value, ...fields });
  };
  return (
    <form class="stack" ref={form} onSubmit={(event) => (event.preventDefault(), void save.run())}>
      <Field label="Name" value={value.name} onValue={(name) => set({ name })} wrong={wrong.at['name']} />
      <Fields value={value} set={set} wrong={wrong.at} kept={was.password_set} />
      <p class="muted small">If it leads elsewhere, the next run reads everything into the new place. What is in the old one stays.</p>
      {isElsewhere(error, SHOWN) && <Failure error={error} />}
      <div class="row end">
        <button type="button" class="button" disabled={test.busy || save.busy} onClick={() => void test.run()}>
          <Busy when={test.busy}>Test the destination</Busy>
        </button>
        <button class="button primary" disabled={test.busy || save.busy}>
          <Busy when={save.busy}>Save the destination</Busy>
        </button>
      </div>
      {told && <Told document={told} />}
    </form>
  );
}

function Told({ document }: { document: CheckDocument }) {
  const findings = document.findings ?? [];
  const bad = document.exit_code !== 0;
  return (
    <>
      <Notice kind={bad ? 'bad' : 'good'} title={bad ? 'Something must be fixed' : 'It works'}>
        <p>{bad ? 'What is wrong stands below, with what to do.' : 'Tables can land there.'}</p>
      </Notice>
      <Findings of={findings} />
    </>
  );
}
