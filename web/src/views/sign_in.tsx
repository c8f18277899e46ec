// By the link that the service printed, or by its token.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import { ApiError } from '../api/http';
import type { Me, Tenant } from '../api/types';
import { Busy, Field } from '../components/form';
import { useAction } from '../components/load';
import { Failure, Notice } from '../components/states';
import { Logo } from '../frame';
import { prefilled } from '../prefill';

export function SignIn({ error, onDone }: { error: unknown; onDone: () => void }) {
  const [text, setText] = useState('');
  const signIn = useAction(async () => {
    await api.signIn(/slc_[A-Za-z0-9]+/.exec(text)?.[0] ?? text.trim());
    onDone();
  });
  // Nobody has signed in yet: no reason for alarm.
  const fresh = error instanceof ApiError && error.problem.status === 401 && !signIn.error;
  return (
    <main class="gate">
      <form class="card stack" onSubmit={(event) => (event.preventDefault(), void signIn.run())}>
        <div class="brand">
          <Logo />
          <h1>Sign in to Sluice</h1>
        </div>
        {fresh ? (
          <p>Open the link that <code>sluice serve</code> printed when it started, or paste it here.</p>
        ) : (
          <Failure error={signIn.error ?? error} />
        )}
        <Field label="Link or token" type="password" value={text} onValue={setText} hint="It begins with slc_, or holds it." />
        <button class="button primary" disabled={signIn.busy || text === ''}>
          <Busy when={signIn.busy}>Sign in</Busy>
        </button>
        <p class="muted small">
          Lost the link? On the server, <code>sluice serve token</code> makes a new one.
        </p>
      </form>
    </main>
  );
}

export function FirstTenant({ me, onDone }: { me: Me; onDone: (tenant: Tenant) => void }) {
  const [name, setName] = useState(() => prefilled().tenant);
  const add = useAction(async () => onDone(await api.addTenant(name.trim())));
  return (
    <main class="gate">
      <form class="card stack" onSubmit={(event) => (event.preventDefault(), void add.run())}>
        <div class="brand">
          <Logo />
          <h1>Welcome to Sluice</h1>
        </div>
        {me.scope === 'admin' ? (
          <>
            <p>Whose tables will be brought over? Each tenant has sources, destinations and runs of its own, which no other tenant sees.</p>
            <Field label="Name of the first tenant" value={name} onValue={setName} placeholder="Acme" hint="Your company or team, or your first customer." />
            {add.error !== null && <Failure error={add.error} />}
            <button class="button primary" disabled={add.busy || name.trim() === ''}>
              <Busy when={add.busy}>Begin</Busy>
            </button>
          </>
        ) : (
          <Notice kind="warn" title="There is no tenant yet">
            <p>An administrator must make one first.</p>
          </Notice>
        )}
      </form>
    </main>
  );
}
