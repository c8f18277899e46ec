// Who did what, newest first.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { AuditEntry } from '../api/types';
import { Busy } from '../components/form';
import { Show, useAction, useLoad } from '../components/load';
import { Empty, Failure } from '../components/states';
import { link } from '../router';
import { useSession } from '../session';
import { placeOf, wordsOf } from '../words/audit';
import { when } from '../words/format';

const PAGE = 50;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

// Names of what the tenant has now. What cannot be read goes by its id.
async function namesOf(tenant: string): Promise<Map<string, string>> {
  const asked = [api.sources(tenant), api.destinations(tenant), api.pipelines(tenant), api.alerts(tenant), api.tokens()];
  const lists = await Promise.allSettled<{ id: string; name: string }[]>(asked);
  return new Map(lists.flatMap((list) => (list.status === 'fulfilled' ? list.value.map((one) => [one.id, one.name] as const) : [])));
}

export function AuditView() {
  const { me, tenant } = useSession();
  const names = useLoad(`names ${tenant.id}`, () => namesOf(tenant.id));
  const loaded = useLoad('audit', () => api.audit(null, PAGE));
  const [older, setOlder] = useState<{ items: AuditEntry[]; cursor: string | null } | null>(null);
  const more = useAction(async (cursor: string) => {
    const next = await api.audit(cursor, PAGE);
    setOlder((was) => ({ items: [...(was?.items ?? []), ...next.items], cursor: next.next_cursor }));
  });
  return (
    <div class="view">
      <div class="title">
        <h1>Audit log</h1>
        <p class="muted">
          Who changed what{me.scope === 'admin' ? '' : ' of yours'}, and when{ZONE ? ` (times in ${ZONE})` : ''}.
        </p>
      </div>
      <Show of={loaded} what="the audit log">
        {(page) => {
          const entries = [...page.items, ...(older?.items ?? [])];
          const cursor = older ? older.cursor : page.next_cursor;
          if (entries.length === 0) {
            return (
              <Empty icon="list" title="Nothing was done yet">
                <p>What people and programs change, and what they look at, is written down here.</p>
              </Empty>
            );
          }
          return (
            <>
              <section class="card" aria-label="What was done">
                <Entries entries={entries} names={names.data} />
              </section>
              {more.error !== null && <Failure error={more.error} />}
              {cursor && (
                <button class="button" disabled={more.busy} onClick={() => void more.run(cursor)}>
                  <Busy when={more.busy}>Older entries</Busy>
                </button>
              )}
            </>
          );
        }}
      </Show>
    </div>
  );
}

type Names = Map<string, string> | null;

function Entries({ entries, names }: { entries: AuditEntry[]; names: Names }) {
  const { me, tenants } = useSession();
  const admin = me.scope === 'admin';
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="The audit log, as a table">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            {admin && <th scope="col">Tenant</th>}
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr>
              <td>
                <time dateTime={entry.at} title={entry.at}>
                  {when(entry.at)}
                </time>
              </td>
              <td class="wrap">{entry.token_name ?? (entry.action === 'session.refused' ? 'Somebody' : 'The service')}</td>
              <td class="wrap">
                {wordsOf(entry.action)}
                <Subject entry={entry} name={names?.get(entry.subject)} />
              </td>
              {admin && (
                <td class="wrap" data-label="Tenant">
                  {entry.tenant ? (tenants.find((one) => one.id === entry.tenant)?.name ?? entry.tenant) : '–'}
                </td>
              )}
              <td class="wrap" data-label="From">
                {entry.address ?? '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Subject({ entry: { action, subject, tenant: owner }, name }: { entry: AuditEntry; name: string | undefined }) {
  const { tenant, tenants, pick } = useSession();
  if (!subject) return null;
  const place = placeOf(action, subject);
  const told = name ?? tenants.find((one) => one.id === subject)?.name ?? subject;
  // Another tenant's is shown only after one has gone over to that tenant.
  const go = () => owner !== null && owner !== tenant.id && pick(owner);
  return (
    <div class={told === subject ? 'small mono muted' : 'small muted'} title={subject}>
      {place ? (
        <a href={link(...place)} onClick={go}>
          {told}
        </a>
      ) : (
        told
      )}
    </div>
  );
}
