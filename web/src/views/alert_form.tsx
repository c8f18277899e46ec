// What an alert is: only the fields of its kind are there, and only they are sent.
import { useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Alert, AlertEvent, AlertInput, AlertKind } from '../api/types';
import { Busy, Choice, Field } from '../components/form';
import { useAction } from '../components/load';
import { Failure } from '../components/states';
import { isElsewhere, useWrong } from '../components/wrong';
import { useSession } from '../session';
import { listOf } from '../words/list';

export const KINDS: readonly (readonly [AlertKind, string])[] = [
  ['webhook', 'Webhook'],
  ['email', 'E-mail'],
  ['slack', 'Slack'],
];
export const EVENTS: readonly (readonly [AlertEvent, string])[] = [
  ['failed', 'A run failed'],
  ['partly', 'Some streams of a run failed'],
  ['recovered', 'A run succeeded after one that had not'],
  ['late', 'A run was due five minutes ago and has not begun'],
];

const FIELDS: Record<AlertKind, readonly (keyof AlertInput)[]> = {
  webhook: ['url', 'secret'],
  slack: ['url'],
  email: ['to', 'from', 'smtp_url', 'smtp_user', 'smtp_password'],
};
const KEPT = 'One is saved. Leave this empty to keep it.';

// As typed. Secrets begin empty: they never come back.
const draftOf = (was: Alert | null) => ({
  name: was?.name ?? '',
  kind: was?.kind ?? ('webhook' as AlertKind),
  url: was?.kind === 'webhook' ? (was.url ?? '') : '',
  secret: '',
  to: (was?.to ?? []).join(', '),
  from: was?.from ?? '',
  smtp_url: was?.smtp_url ?? '',
  smtp_user: was?.smtp_user ?? '',
  smtp_password: '',
  on: was?.on ?? (['failed', 'partly', 'recovered'] as AlertEvent[]),
  paused: was?.paused ?? false,
});
type AlertDraft = ReturnType<typeof draftOf>;

function inputOf(draft: AlertDraft): AlertInput {
  const { name, kind, on, paused } = draft;
  const input: Record<string, unknown> = { name: name.trim(), kind, on, paused };
  for (const field of FIELDS[kind]) {
    const text = String(draft[field]).trim();
    if (text !== '') input[field] = field === 'to' ? listOf(text) : text;
  }
  return input as unknown as AlertInput;
}

export function AlertForm({ was, onSaved }: { was: Alert | null; onSaved: (saved: Alert) => void }) {
  const { tenant } = useSession();
  const [draft, setDraft] = useState(() => draftOf(was));
  const form = useRef<HTMLFormElement>(null);
  const save = useAction(async () => {
    const body = inputOf(draft);
    onSaved(was ? await api.putAlert(tenant.id, await api.alert(tenant.id, was.id), body) : await api.addAlert(tenant.id, body));
  });
  const shown = ['name', 'on', ...FIELDS[draft.kind]];
  const wrong = useWrong(form, save.error);
  const set = (fields: Partial<AlertDraft>) => {
    wrong.touch(...Object.keys(fields));
    setDraft({ ...draft, ...fields });
  };
  const text = (field: Exclude<keyof AlertDraft, 'on' | 'paused' | 'kind'>) => ({
    value: draft[field],
    onValue: (value: string) => set({ [field]: value }),
    wrong: wrong.at[field],
  });
  const tick = (event: AlertEvent, taken: boolean) =>
    set({ on: EVENTS.map(([one]) => one).filter((one) => (one === event ? taken : draft.on.includes(one))) });
  return (
    <form class="stack" ref={form} onSubmit={(event) => (event.preventDefault(), void save.run())}>
      <Field label="Name" {...text('name')} hint="By which you will know it later." />
      {!was && <Field label="How" value={draft.kind} options={KINDS} onValue={(kind) => set({ kind: kind as AlertKind })} />}
      {draft.kind === 'webhook' && (
        <>
          <Field label="Address" mono {...text('url')} placeholder="https://example.com/hook" />
          <Field
            label="Secret (optional)"
            type="password"
            autocomplete="new-password"
            {...text('secret')}
            hint={was?.secret_set ? KEPT : 'It signs each message. Leave it empty: one is made, and shown once.'}
          />
        </>
      )}
      {draft.kind === 'slack' && (
        <Field
          label="Address of the incoming webhook"
          type="password"
          autocomplete="new-password"
          {...text('url')}
          placeholder="https://hooks.slack.com/services/…"
          hint={was ? KEPT : 'Whoever has it can post to the channel, so it is stored sealed and never shown again.'}
        />
      )}
      {draft.kind === 'email' && <Mail text={text} kept={was?.smtp_password_set ?? false} />}
      <fieldset class="stack tight">
        <legend class="legend">It tells when</legend>
        {EVENTS.map(([event, told]) => (
          <Choice kind="checkbox" label={told} checked={draft.on.includes(event)} onPick={(taken) => tick(event, taken)} />
        ))}
        {draft.on.length === 0 && <p class="muted small">Choose at least one.</p>}
      </fieldset>
      <Choice kind="checkbox" label="Paused" hint="nothing is sent" checked={draft.paused} onPick={(paused) => set({ paused })} />
      {isElsewhere(save.error, shown) && <Failure error={save.error} />}
      <div class="row end">
        <button class="button primary" disabled={save.busy || draft.on.length === 0}>
          <Busy when={save.busy}>Save the alert</Busy>
        </button>
      </div>
    </form>
  );
}

type MailField = 'to' | 'from' | 'smtp_url' | 'smtp_user' | 'smtp_password';

function Mail({ text, kept }: { text: (field: MailField) => { value: string; onValue: (value: string) => void; wrong: string | undefined }; kept: boolean }) {
  return (
    <>
      <Field label="To" {...text('to')} placeholder="data@example.com" hint="Several with commas between them." />
      <Field label="From" {...text('from')} placeholder="sluice@example.com" />
      <Field label="Mail server" mono {...text('smtp_url')} placeholder="smtps://mail.example.com" hint="smtps://, or smtp:// where the server knows STARTTLS." />
      <Field label="User (optional)" {...text('smtp_user')} />
      <Field
        label="Password (optional)"
        type="password"
        autocomplete="new-password"
        {...text('smtp_password')}
        hint={kept ? KEPT : 'Stored sealed, never shown again.'}
      />
    </>
  );
}
