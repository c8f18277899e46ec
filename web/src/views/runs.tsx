// What ran: a timeline, bars over time, and the list.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Run } from '../api/types';
import { Bars, Timeline } from '../components/chart';
import { Busy, Field, Segments } from '../components/form';
import { Show, useAction, useLoad } from '../components/load';
import { Empty, Failure } from '../components/states';
import { link } from '../router';
import { useSession } from '../session';
import { when } from '../words/format';
import { barsOf, formatOf, type Metric, METRICS, over, RunTable, spansOf } from './run_words';

const EACH_MS = 4000;
const PAGE = 40;
const ROWS_MAX = 12;

const STATES: readonly (readonly [string, string])[] = [
  ['', 'Any state'],
  ['running', 'Running'],
  ['queued', 'Waiting'],
  ['succeeded', 'Verified'],
  ['partly', 'Partly done'],
  ['failed', 'Failed'],
  ['stopped', 'Stopped'],
];

export function RunsView() {
  const { tenant } = useSession();
  const [pipeline, setPipeline] = useState('');
  const [state, setState] = useState('');
  const [older, setOlder] = useState<{ items: Run[]; cursor: string | null } | null>(null);
  const pipelines = useLoad(`names ${tenant.id}`, () => api.pipelines(tenant.id));
  const loaded = useLoad(`runs ${tenant.id} ${pipeline} ${state}`, () => api.runs(tenant.id, { pipeline, state, limit: PAGE }), EACH_MS);
  const more = useAction(async (cursor: string) => {
    const next = await api.runs(tenant.id, { pipeline, state, cursor, limit: PAGE });
    setOlder((was) => ({ items: [...(was?.items ?? []), ...next.items], cursor: next.next_cursor }));
  });
  const filter = (set: (value: string) => void) => (value: string) => {
    setOlder(null);
    set(value);
  };
  return (
    <div class="view">
      <div class="title">
        <h1>Runs</h1>
        <p class="muted">Each is verified: what Redshift unloaded, what the files hold and what was loaded are counted and compared.</p>
      </div>
      <div class="filters">
        <Field
          label="Pipeline"
          value={pipeline}
          onValue={filter(setPipeline)}
          options={[['', 'All pipelines'], ...(pipelines.data ?? []).map((one): [string, string] => [one.id, one.name])]}
        />
        <Field label="State" value={state} onValue={filter(setState)} options={STATES} />
      </div>
      <Show of={loaded} what="runs">
        {(page) => {
          const known = new Set(page.items.map((run) => run.id));
          const runs = [...page.items, ...(older?.items ?? []).filter((run) => !known.has(run.id))];
          const cursor = older ? older.cursor : page.next_cursor;
          if (runs.length === 0) {
            return (
              <Empty icon="runs" title={pipeline || state ? 'No run is like that' : 'Nothing has run yet'}>
                <p>{pipeline || state ? 'Choose another pipeline or state.' : 'Start a pipeline by hand, or give it a schedule.'}</p>
                {!pipeline && !state && (
                  <a class="button primary" href={link('pipelines')}>
                    Go to pipelines
                  </a>
                )}
              </Empty>
            );
          }
          return (
            <>
              <Charts runs={runs} />
              <section class="card" aria-label="All runs">
                <RunTable runs={runs} named />
              </section>
              {more.error !== null && <Failure error={more.error} />}
              {cursor && (
                <button class="button" disabled={more.busy} onClick={() => void more.run(cursor)}>
                  <Busy when={more.busy}>Older runs</Busy>
                </button>
              )}
            </>
          );
        }}
      </Show>
    </div>
  );
}

function Charts({ runs }: { runs: Run[] }) {
  const [metric, setMetric] = useState<Metric>('rows');
  const ended = runs.filter(over).slice(0, PAGE);
  const now = Date.now();
  const all = spansOf(runs, now);
  const rows = new Set([...new Set(all.map((span) => span.row))].slice(0, ROWS_MAX));
  const spans = all.filter((span) => rows.has(span.row));
  const from = Math.min(...spans.map((span) => span.from), now - 60_000);
  return (
    <div class="pair">
      <section class="card stack" aria-labelledby="over-time">
        <div class="spread">
          <h2 id="over-time">Over time</h2>
          <Segments label="What the bars show" value={metric} options={METRICS} onPick={setMetric} />
        </div>
        {ended.length > 0 ? (
          <Bars title={`${METRICS.find(([one]) => one === metric)![1]} of the last runs`} bars={barsOf(ended, metric)} format={formatOf(metric, ended)} />
        ) : (
          <p class="muted">No run has ended yet.</p>
        )}
      </section>
      <section class="card stack" aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        {spans.length > 0 ? (
          <Timeline title="When each pipeline ran" spans={spans} from={from} to={now} label={(t) => when(new Date(t).toISOString())} />
        ) : (
          <p class="muted">No run has begun yet.</p>
        )}
      </section>
    </div>
  );
}
