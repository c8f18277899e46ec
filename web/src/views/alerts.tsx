// Who is told when a run fails, and how: a webhook, e-mail or Slack.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Alert } from '../api/types';
import { Busy, Code, Dialog } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useAction, useLoad } from '../components/load';
import { Empty, Failure, Notice } from '../components/states';
import { mayWrite, useSession } from '../session';
import { AlertForm, EVENTS, KINDS } from './alert_form';

export function AlertsView() {
  const { tenant, me } = useSession();
  const loaded = useLoad(`alerts ${tenant.id}`, () => api.alerts(tenant.id));
  // 'new', or the one that is changed.
  const [form, setForm] = useState<Alert | 'new' | null>(null);
  const [secret, setSecret] = useState<Alert | null>(null);
  const add = (
    <button class="button primary" onClick={() => setForm('new')}>
      <Icon name="plus" /> Add an alert
    </button>
  );
  return (
    <div class="view">
      <div class="spread">
        <div class="title">
          <h1>Alerts</h1>
          <p class="muted wrap">Who is told when runs of “{tenant.name}” fail, and when they succeed again.</p>
        </div>
        {mayWrite(me) && loaded.data !== null && loaded.data.length > 0 && add}
      </div>
      <Show of={loaded} what="alerts">
        {(alerts) =>
          alerts.length === 0 ? (
            <Empty icon="bell" title="Nobody is told yet">
              <p>An alert sends a message when a run fails or does not begin: to a webhook, by e-mail or to a channel of Slack.</p>
              {mayWrite(me) && add}
            </Empty>
          ) : (
            <ul class="grid">
              {alerts.map((alert) => (
                <li key={alert.id}>
                  <AlertCard alert={alert} onChange={() => setForm(alert)} onGone={loaded.reload} />
                </li>
              ))}
            </ul>
          )
        }
      </Show>
      {form && (
        <Dialog title={form === 'new' ? 'Add an alert' : `Change “${form.name}”`} onClose={() => setForm(null)}>
          <AlertForm
            was={form === 'new' ? null : form}
            onSaved={(saved) => {
              setForm(null);
              if (saved.secret) setSecret(saved);
              loaded.reload();
            }}
          />
        </Dialog>
      )}
      {secret?.secret && (
        <Dialog title={`The secret of “${secret.name}”`} onClose={() => setSecret(null)}>
          <Notice kind="warn" title="It is shown this once" live={false}>
            <p>Give it to whoever receives the messages: with it they check that a message is yours, by any library of Standard Webhooks.</p>
          </Notice>
          <Code title="Secret" text={secret.secret} />
        </Dialog>
      )}
    </div>
  );
}

const kindOf = (alert: Alert) => KINDS.find(([kind]) => kind === alert.kind)?.[1] ?? alert.kind;

function placeOf(alert: Alert): string {
  if (alert.kind === 'email') return (alert.to ?? []).join(', ');
  return alert.url || 'A channel of Slack, whose address is not shown';
}

function AlertCard({ alert, onChange, onGone }: { alert: Alert; onChange: () => void; onGone: () => void }) {
  const { tenant, me } = useSession();
  const [asked, setAsked] = useState(false);
  const [arrived, setArrived] = useState(false);
  const test = useAction(async () => {
    setArrived(false);
    await api.testAlert(tenant.id, alert.id);
    setArrived(true);
  });
  const remove = useAction(async () => {
    await api.removeAlert(tenant.id, alert.id);
    setAsked(false);
    onGone();
  });
  return (
    <article class="card stack" aria-label={alert.name}>
      <div class="stack tight">
        <div class="spread">
          <h2 class="wrap">{alert.name}</h2>
          <span class={alert.paused ? 'badge warn' : 'badge'}>{alert.paused ? 'Paused' : kindOf(alert)}</span>
        </div>
        <p class="muted small wrap">
          {alert.paused && `${kindOf(alert)}: `}
          {placeOf(alert)}
        </p>
      </div>
      <ul class="stack tight">
        {EVENTS.filter(([event]) => alert.on.includes(event)).map(([, told]) => (
          <li>{told}</li>
        ))}
      </ul>
      {mayWrite(me) && (
        <div class="row">
          <button class="button compact" disabled={test.busy} onClick={() => void test.run()}>
            <Busy when={test.busy}>Send a test message</Busy>
          </button>
          <button class="button compact" onClick={onChange}>
            Change
          </button>
          <button class="button quiet compact" onClick={() => setAsked(true)}>
            Remove
          </button>
        </div>
      )}
      {arrived && (
        <Notice kind="good" title="The message was taken">
          <p>It says that it is a test. Look whether it is where you expect it.</p>
        </Notice>
      )}
      {test.error !== null && <Failure error={test.error} />}
      {asked && (
        <Dialog title={`Remove “${alert.name}”?`} onClose={() => setAsked(false)}>
          <p>No more messages are sent to it. Its secret is deleted here.</p>
          {remove.error !== null && <Failure error={remove.error} />}
          <div class="row end">
            <button class="button danger" disabled={remove.busy} onClick={() => void remove.run()}>
              <Busy when={remove.busy}>Remove</Busy>
            </button>
          </div>
        </Dialog>
      )}
    </article>
  );
}
