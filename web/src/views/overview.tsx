// What is late, what failed, what it cost, per tenant.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Overview } from '../api/types';
import { Busy, Dialog, Field } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useAction, useLoad } from '../components/load';
import { Empty, Failure, Notice, sentence } from '../components/states';
import { go, link } from '../router';
import { useSession } from '../session';
import { ago, bytes, cost, count, plural, seconds } from '../words/format';

const EACH_MS = 5000;
type Row = Overview['tenants'][number];

export function OverviewView() {
  const { me, tenants, tenant } = useSession();
  const loaded = useLoad('overview', () => api.overview(), EACH_MS);
  return (
    <div class="view">
      <div class="spread">
        <div class="title">
          <h1>Overview</h1>
          <p class="muted wrap">{tenants.length > 1 ? `All ${tenants.length} tenants` : tenant.name}</p>
        </div>
        {me.scope === 'admin' && <AddTenant />}
      </div>
      <Show of={loaded} what="the overview">
        {(overview) => (
          <>
            <Attention rows={overview.tenants} />
            <Figures overview={overview} />
            {overview.tenants.every((one) => one.pipelines === 0) ? <Begin /> : overview.tenants.length > 1 && <Tenants rows={overview.tenants} />}
          </>
        )}
      </Show>
    </div>
  );
}

function AddTenant() {
  const { added } = useSession();
  const [name, setName] = useState<string | null>(null);
  const add = useAction(async () => added(await api.addTenant(name!.trim())));
  return (
    <>
      <button class="button" onClick={() => setName('')}>
        <Icon name="plus" /> Add a tenant
      </button>
      {name !== null && (
        <Dialog title="Add a tenant" onClose={() => setName(null)}>
          <form class="stack" onSubmit={(event) => (event.preventDefault(), void add.run())}>
            <Field label="Name" value={name} onValue={setName} hint="Its sources, destinations and runs are seen by no other tenant." />
            {add.error !== null && <Failure error={add.error} />}
            <div class="row end">
              <button class="button primary" disabled={add.busy || name.trim() === ''}>
                <Busy when={add.busy}>Add</Busy>
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

function Begin() {
  return (
    <Empty icon="connect" title="Nothing is brought over yet">
      <p>Connect a workgroup of Redshift Serverless, choose tables, and watch them arrive, every row counted.</p>
      <a class="button primary" href={link('connect')}>
        Connect your warehouse
      </a>
    </Empty>
  );
}

// Another tenant's run is shown only after one has gone over to that tenant.
function useGo() {
  const { pick, tenant } = useSession();
  return (to: string, ...path: string[]) => (event: Event) => {
    event.preventDefault();
    if (to !== tenant.id) pick(to);
    go(...path);
  };
}

function Attention({ rows }: { rows: Row[] }) {
  const goTo = useGo();
  const failed = rows.flatMap((row) => row.failed.map((one) => ({ row, one })));
  const late = rows.flatMap((row) => row.late.map((one) => ({ row, one })));
  const named = rows.length > 1;
  if (failed.length + late.length === 0) {
    if (rows.every((row) => row.pipelines === 0)) return null;
    return (
      <Notice kind="good" title="All is well" live={false}>
        <p>No pipeline is late, and the last run of each did not fail.</p>
      </Notice>
    );
  }
  return (
    <section class="card stack" aria-labelledby="attention">
      <h2 id="attention">To look at</h2>
      <ul>
        {failed.map(({ row, one }) => (
          <li class="stream">
            <div class="spread">
              <a href={link('runs', one.run)} onClick={goTo(row.tenant, 'runs', one.run)}>
                {one.name}
              </a>
              <span class={`badge ${one.state === 'failed' ? 'bad' : 'warn'}`}>
                <Icon name="warning" /> {one.state === 'failed' ? 'Failed' : one.state === 'partly' ? 'Partly done' : 'Stopped'} {ago(one.ended_at)}
              </span>
            </div>
            {named && <span class="muted small">{row.name}</span>}
            {one.error && <p class="wrap">{sentence(one.error.message)}</p>}
            {one.error?.remedy && <p class="muted remedy">{sentence(one.error.remedy.split('\n')[0]!)}</p>}
          </li>
        ))}
        {late.map(({ row, one }) => (
          <li class="stream">
            <div class="spread">
              <a href={link('pipelines', one.pipeline)} onClick={goTo(row.tenant, 'pipelines', one.pipeline)}>
                {one.name}
              </a>
              <span class="badge warn">
                <Icon name="wait" /> Late by {seconds(one.seconds)}
              </span>
            </div>
            {named && <span class="muted small">{row.name}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Figures({ overview }: { overview: Overview }) {
  const sum = (of: (row: Row) => number) => overview.tenants.reduce((total, row) => total + of(row), 0);
  const known = (of: (row: Row) => number | null) => (overview.tenants.some((row) => of(row) !== null) ? sum((row) => of(row) ?? 0) : null);
  const tiles: [string, string, string][] = [
    ['Running', count(overview.queue.running), overview.queue.queued ? `${count(overview.queue.queued)} waiting` : ''],
    ['Runs, last 24 hours', count(sum((row) => row.last_24h.runs)), `${count(sum((row) => row.last_24h.failed))} failed`],
    ['Rows, last 24 hours', count(sum((row) => row.last_24h.rows)), bytes(sum((row) => row.last_24h.bytes))],
    [
      'Cost, last 30 days',
      cost({ billed_seconds: sum((row) => row.cost_30d.billed_seconds), rpu_seconds: known((row) => row.cost_30d.rpu_seconds), amount: known((row) => row.cost_30d.amount) }),
      plural(sum((row) => row.cost_30d.runs), 'run'),
    ],
  ];
  return (
    <dl class="tiles">
      {tiles.map(([label, value, beside]) => (
        <div class="card tile">
          <dt>{label}</dt>
          <dd>
            {value} {beside && <small>{beside}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Tenants({ rows }: { rows: Row[] }) {
  const goTo = useGo();
  return (
    <section class="card" aria-label="Tenants">
      <div class="scroll" tabIndex={0} role="group" aria-label="Tenants, as a table">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Tenant</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Pipelines
              </th>
              <th scope="col" class="number">
                Rows, 24 h
              </th>
              <th scope="col" class="number">
                Cost, 30 days
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <td>
                  <a href={link('pipelines')} onClick={goTo(row.tenant, 'pipelines')}>
                    {row.name}
                  </a>
                </td>
                <td>
                  {row.failed.length > 0 ? (
                    <span class="badge bad">{row.failed.length} failed</span>
                  ) : row.late.length > 0 ? (
                    <span class="badge warn">{row.late.length} late</span>
                  ) : (
                    <span class="badge good">Well</span>
                  )}
                </td>
                <td class="number" data-label="Pipelines">
                  {count(row.pipelines)}
                </td>
                <td class="number" data-label="Rows, 24 h">
                  {count(row.last_24h.rows)}
                </td>
                <td class="number" data-label="Cost, 30 days">
                  {cost(row.cost_30d)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
