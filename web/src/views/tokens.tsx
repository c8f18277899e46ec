// Who may use the service: tokens, each shown once when it is made.
import { useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { NewToken, Token, TokenInput } from '../api/types';
import { Busy, Code, Dialog, Field } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useAction, useLoad } from '../components/load';
import { Empty, Failure, Notice } from '../components/states';
import { isElsewhere, useWrong } from '../components/wrong';
import { useSession } from '../session';
import { ago, when } from '../words/format';

const SCOPES: Record<Token['scope'], string> = {
  admin: 'Everything',
  tenant: 'Everything of one tenant',
  read: 'Only look',
  connect: 'Only the form, for an hour',
};
const LIVES: readonly (readonly [string, string])[] = [
  ['', 'Never'],
  ['7', 'In a week'],
  ['30', 'In 30 days'],
  ['90', 'In 90 days'],
  ['365', 'In a year'],
];

export function TokensView() {
  const { me } = useSession();
  const loaded = useLoad('tokens', () => api.tokens());
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<NewToken | null>(null);
  const [leaving, setLeaving] = useState<Token | null>(null);
  return (
    <div class="view">
      <div class="spread">
        <div class="title">
          <h1>Tokens</h1>
          <p class="muted">{me.scope === 'admin' ? 'Who may use this service, by its page or its API.' : 'Who may use what is yours, by the page or the API.'}</p>
        </div>
        <button class="button primary" onClick={() => setMaking(true)}>
          <Icon name="plus" /> Make a token
        </button>
      </div>
      <Show of={loaded} what="tokens">
        {(tokens) =>
          tokens.length === 0 ? (
            <Empty icon="key" title="There is no token">
              <p>A token lets a person or a program use the service. Make one for each, so that you can revoke it alone.</p>
            </Empty>
          ) : (
            <section class="card" aria-label="All tokens">
              <TokenTable tokens={tokens} onRevoke={setLeaving} />
            </section>
          )
        }
      </Show>
      {making && (
        <Dialog title="Make a token" onClose={() => setMaking(false)}>
          <MakeToken
            onMade={(token) => {
              setMaking(false);
              setMade(token);
              loaded.reload();
            }}
          />
        </Dialog>
      )}
      {made && (
        <Dialog title={`The token “${made.name}”`} onClose={() => setMade(null)}>
          <Notice kind="warn" title="It is shown this once" live={false}>
            <p>Copy it now, and keep it like a password. If it is lost, revoke it and make another.</p>
          </Notice>
          <Code title="Token" who="for a program" text={made.token} />
          <Code title="Link" who="signs a person in" text={new URL(made.url, location.href).href} />
        </Dialog>
      )}
      {leaving && (
        <Revoke
          token={leaving}
          onClose={() => setLeaving(null)}
          onGone={() => {
            setLeaving(null);
            loaded.reload();
          }}
        />
      )}
    </div>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: Token[]; onRevoke: (token: Token) => void }) {
  const { me, tenants } = useSession();
  const admin = me.scope === 'admin';
  const over = (token: Token) => token.expires_at !== null && Date.parse(token.expires_at) < Date.now();
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Tokens, as a table">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">May</th>
            {admin && <th scope="col">Tenant</th>}
            <th scope="col">Last used</th>
            <th scope="col">Ends</th>
            <th scope="col">
              <span class="hidden">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id}>
              <td class="wrap">
                {token.name}
                <div class="muted small">Made {when(token.created_at)}</div>
              </td>
              <td>{SCOPES[token.scope]}</td>
              {admin && (
                <td class="wrap" data-label="Tenant">
                  {token.tenant ? (tenants.find((one) => one.id === token.tenant)?.name ?? token.tenant) : 'All'}
                </td>
              )}
              <td data-label="Last used" title={token.last_used_at ? when(token.last_used_at) : undefined}>
                {ago(token.last_used_at)}
              </td>
              <td data-label="Ends">{over(token) ? <span class="badge">Over</span> : token.expires_at ? when(token.expires_at) : 'Never'}</td>
              <td>
                <button class="button quiet compact" aria-label={`Revoke ${token.name}`} onClick={() => onRevoke(token)}>
                  Revoke
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const FIELDS = ['name', 'scope', 'tenant', 'expires_in_days'];

function MakeToken({ onMade }: { onMade: (token: NewToken) => void }) {
  const { me, tenants, tenant } = useSession();
  const admin = me.scope === 'admin';
  const [name, setName] = useState('');
  const [scope, setScope] = useState<TokenInput['scope']>('tenant');
  const [of, setOf] = useState(tenant.id);
  const [days, setDays] = useState('90');
  const form = useRef<HTMLFormElement>(null);
  const make = useAction(async () => {
    const all = scope === 'admin' || of === '';
    onMade(await api.addToken({ name: name.trim(), scope, tenant: all ? null : of, expires_in_days: days ? Number(days) : null }));
  });
  const wrong = useWrong(form, make.error);
  const scopes = (['tenant', 'read', 'admin'] as const).filter((one) => admin || one !== 'admin');
  const pick = (next: string) => {
    setScope(next as TokenInput['scope']);
    if (next === 'tenant' && of === '') setOf(tenant.id);
  };
  return (
    <form class="stack" ref={form} onSubmit={(event) => (event.preventDefault(), void make.run())}>
      <Field label="Name" value={name} onValue={(text) => (wrong.touch('name'), setName(text))} wrong={wrong.at['name']} placeholder="Anna, or nightly-report" hint="Who or what uses it. The audit log names it." />
      <Field label="It may" value={scope} options={scopes.map((one) => [one, SCOPES[one]] as const)} onValue={pick} wrong={wrong.at['scope']} />
      {admin && scope !== 'admin' && (
        <Field
          label="Of which tenant"
          value={of}
          options={[...(scope === 'read' ? [['', 'All tenants'] as const] : []), ...tenants.map((one) => [one.id, one.name] as const)]}
          onValue={setOf}
          wrong={wrong.at['tenant']}
        />
      )}
      <Field label="It ends" value={days} options={LIVES} onValue={setDays} wrong={wrong.at['expires_in_days']} hint={me.expires_at ? 'Not later than the token that you use now.' : undefined} />
      {scope === 'admin' && <p class="muted small">Whoever has it sees and changes everything of every tenant.</p>}
      {isElsewhere(make.error, FIELDS) && <Failure error={make.error} />}
      <div class="row end">
        <button class="button primary" disabled={make.busy}>
          <Busy when={make.busy}>Make the token</Busy>
        </button>
      </div>
    </form>
  );
}

function Revoke({ token, onClose, onGone }: { token: Token; onClose: () => void; onGone: () => void }) {
  const { me } = useSession();
  const revoke = useAction(async () => {
    await api.removeToken(token.id);
    onGone();
  });
  return (
    <Dialog title={`Revoke “${token.name}”?`} onClose={onClose}>
      <p>Whoever uses it is shut out at once. That cannot be undone; you can make another.</p>
      {token.name === me.name && token.scope === me.scope && (
        <Notice kind="warn" title="It may be the one that you use now" live={false}>
          <p>If it is, you are signed out. Have another one at hand.</p>
        </Notice>
      )}
      {revoke.error !== null && <Failure error={revoke.error} />}
      <div class="row end">
        <button class="button danger" disabled={revoke.busy} onClick={() => void revoke.run()}>
          <Busy when={revoke.busy}>Revoke</Busy>
        </button>
      </div>
    </Dialog>
  );
}
