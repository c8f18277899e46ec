// What is said of runs in more than one view.
import type { Run, RunState } from '../api/types';
import { Icon, type IconName } from '../components/icon';
import type { Bar, Span } from '../components/chart';
import { link } from '../router';
import { bytes, cost, count, seconds, when } from '../words/format';

const STATES: Record<RunState, [string, string, IconName]> = {
  queued: ['Waiting', '', 'wait'],
  running: ['Running', 'busy', 'busy'],
  succeeded: ['Verified', 'good', 'check'],
  partly: ['Partly done', 'warn', 'warning'],
  failed: ['Failed', 'bad', 'cross'],
  stopped: ['Stopped', '', 'stop'],
};

export function StateBadge({ run }: { run: Pick<Run, 'state'> & { stopping?: boolean } }) {
  const [said, kind, icon] = STATES[run.state];
  return (
    <span class={`badge ${kind}`}>
      <Icon name={icon} spin={run.state === 'running'} />
      {run.stopping ? 'Stopping' : said}
    </span>
  );
}

export const over = (run: Pick<Run, 'state'>) => run.state !== 'queued' && run.state !== 'running';
export const TRIGGERS = { manual: 'by hand', schedule: 'by its schedule', retry: 'again, after a loss' } as const;

export type Metric = 'rows' | 'seconds' | 'lag' | 'cost';
export const METRICS: readonly (readonly [Metric, string])[] = [
  ['rows', 'Rows'],
  ['seconds', 'Duration'],
  ['lag', 'Lag'],
  ['cost', 'Cost'],
];

// How old the newest rows at the destination were when this run replaced them: from the start of the run that had
// brought those to the end of this one. `older`: the runs before it, newest first.
function lag(run: Run, older: Run[]): number {
  const before = older.find((one) => one.pipeline === run.pipeline && one.state === 'succeeded' && one.started_at);
  return before && run.ended_at ? Math.max(0, (Date.parse(run.ended_at) - Date.parse(before.started_at!)) / 1000) : 0;
}

const costOf = (run: Run) => run.cost?.amount ?? run.cost?.rpu_seconds ?? run.cost?.billed_seconds ?? 0;

export function formatOf(metric: Metric, runs: Run[]): (n: number) => string {
  if (metric === 'rows') return count;
  if (metric !== 'cost') return seconds;
  const priced = runs.some((run) => run.cost?.amount !== null && run.cost?.amount !== undefined);
  const sized = runs.some((run) => run.cost?.rpu_seconds !== null && run.cost?.rpu_seconds !== undefined);
  if (priced) return (n) => cost({ amount: n });
  return sized ? (n) => cost({ rpu_seconds: n }) : (n) => cost({ billed_seconds: n });
}

// Newest first in, oldest first out, as time goes.
export function barsOf(runs: Run[], metric: Metric): Bar[] {
  const format = formatOf(metric, runs);
  return runs
    .map((run, index) => {
      const value = { rows: run.rows ?? 0, seconds: run.seconds ?? 0, lag: lag(run, runs.slice(index + 1)), cost: costOf(run) }[metric];
      const label = when(run.started_at ?? run.queued_at);
      return { label, value, told: `${format(value)}, ${STATES[run.state][0].toLowerCase()}`, state: run.state, href: link('runs', run.id) };
    })
    .reverse();
}

export function spansOf(runs: Run[], now: number): Span[] {
  return runs
    .filter((run) => run.started_at)
    .map((run) => ({
      row: run.pipeline_name,
      from: Date.parse(run.started_at!),
      to: run.ended_at ? Date.parse(run.ended_at) : now,
      state: run.state,
      told: `${run.pipeline_name}, ${when(run.started_at)}: ${STATES[run.state][0].toLowerCase()}, ${seconds(run.seconds)}`,
      href: link('runs', run.id),
    }));
}

export function RunTable({ runs, named }: { runs: Run[]; named: boolean }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Runs, as a table">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Rows
            </th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col" class="number">
              Time
            </th>
            <th scope="col" class="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr>
              <td>
                <a href={link('runs', run.id)}>{named ? run.pipeline_name : when(run.started_at ?? run.queued_at)}</a>
                <div class="muted small">
                  {named && `${when(run.started_at ?? run.queued_at)}, `}
                  {TRIGGERS[run.trigger]}
                  {run.full && ', in full'}
                </div>
              </td>
              <td>
                <StateBadge run={run} />
              </td>
              <td class="number" data-label="Rows">
                {count(run.rows)}
              </td>
              <td class="number" data-label="Size">
                {bytes(run.bytes)}
              </td>
              <td class="number" data-label="Time">
                {seconds(run.seconds)}
              </td>
              <td class="number" data-label="Cost">
                {cost(run.cost)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
