// One run: live while it lasts, then its proof, counts and cost; what failed, with its remedy.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api/client';
import { follow } from '../api/events';
import type { Fault, Run, StreamResult } from '../api/types';
import { Busy, Code } from '../components/form';
import { Icon } from '../components/icon';
import { useAction } from '../components/load';
import { Failure, Loading, Notice, sentence } from '../components/states';
import { go, link } from '../router';
import { mayWrite, useSession } from '../session';
import { bytes, cost, count, plural, seconds, when } from '../words/format';
import { over, StateBadge, TRIGGERS } from './run_words';
import { type Live, type LiveStream, PHASES, reduce, settled, share } from './run_live';

function useRun(id: string) {
  const { tenant } = useSession();
  const [live, setLive] = useState<Live>({ run: null, streams: [], lost: false });
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    // The whole run first, because events of a run that is long over may not be there any more.
    api
      .run(tenant.id, id)
      .then(async (run) => {
        if (abort.signal.aborted) return;
        setLive({ run, streams: [], lost: false });
        if (over(run)) return;
        await follow(
          api.eventsPath(tenant.id, id),
          'end',
          (event) => setLive((was) => reduce(was, event)),
          (lost) => setLive((was) => ({ ...was, lost })),
          abort.signal,
        );
        const whole = await api.run(tenant.id, id);
        if (!abort.signal.aborted) setLive((was) => ({ ...was, run: whole }));
      })
      .catch((caught: unknown) => abort.signal.aborted || setError(caught));
    return () => abort.abort();
  }, [tenant.id, id, turn]);
  return { live, error, again: () => setTurn((n) => n + 1), set: (run: Run) => setLive((was) => ({ ...was, run })) };
}

export function RunView({ id }: { id: string }) {
  const { live, error, again, set } = useRun(id);
  const { run } = live;
  return (
    <div class="view">
      <div class="title">
        <a class="back" href={link('runs')}>
          ← Runs
        </a>
        <div class="row">
          <h1 class="wrap">{run ? run.pipeline_name : 'Run'}</h1>
          <span role="status">{run && <StateBadge run={run} />}</span>
        </div>
        {run && (
          <p class="muted">
            {when(run.started_at ?? run.queued_at)}, {TRIGGERS[run.trigger]}
            {run.full && ', everything read again'}
          </p>
        )}
      </div>
      {error !== null && <Failure error={error} again={again} />}
      {!run && error === null && <Loading what="the run" />}
      {run && (
        <>
          <Actions run={run} onChange={set} />
          {live.lost && (
            <Notice kind="warn" title="The connection to the service is lost">
              <p>The run goes on. This page tries again by itself.</p>
            </Notice>
          )}
          {run.state === 'queued' && (
            <Notice kind="busy" title="It waits for its turn">
              <p>Another run of this tenant, or of this destination, comes first.</p>
            </Notice>
          )}
          {run.error && <FaultNotice fault={run.error} />}
          {over(run) && <Totals run={run} />}
          <Streams streams={settled(live)} run={run} />
        </>
      )}
    </div>
  );
}

function Actions({ run, onChange }: { run: Run; onChange: (run: Run) => void }) {
  const { tenant, me } = useSession();
  const stop = useAction(async () => onChange(await api.stop(tenant.id, run.id)));
  const start = useAction(async (full: boolean) => go('runs', (await api.start(tenant.id, run.pipeline, { full })).id));
  return (
    <div class="stack tight">
      <div class="row">
        {mayWrite(me) && !over(run) && (
          <button class="button danger" disabled={stop.busy || run.stopping} onClick={() => void stop.run()}>
            <Icon name="stop" />
            {run.stopping ? 'Stopping…' : 'Stop'}
          </button>
        )}
        {mayWrite(me) && over(run) && (
          <>
            <button class="button primary" disabled={start.busy} onClick={() => void start.run(false)}>
              <Busy when={start.busy}>Run again</Busy>
            </button>
            <button class="button" disabled={start.busy} onClick={() => void start.run(true)}>
              Run again in full
            </button>
          </>
        )}
        <a class="button" href={link('pipelines', run.pipeline)}>
          Go to the pipeline
        </a>
      </div>
      {stop.error !== null && <Failure error={stop.error} />}
      {start.error !== null && <Failure error={start.error} />}
    </div>
  );
}

function FaultNotice({ fault }: { fault: Fault }) {
  const [first = '', ...rest] = fault.remedy.split('\n');
  return (
    <Notice kind="bad" title={sentence(fault.message)}>
      <p class="muted small wrap">
        {fault.subject && `${sentence(fault.subject)}. `}
        {fault.operation && `While doing: ${fault.operation}.`}
      </p>
      {first && (
        <p>
          <strong>What to do: </strong>
          {sentence(first)}
        </p>
      )}
      {rest.length > 0 && <Code title="What to run" text={rest.join('\n')} />}
      {fault.retryable && <p class="small">Running it again may be enough.</p>}
      {fault.cause && (
        <details>
          <summary>What was answered</summary>
          <p class="mono wrap">{fault.cause}</p>
        </details>
      )}
    </Notice>
  );
}

function Totals({ run }: { run: Run }) {
  const verified = run.streams?.length && run.streams.every((one) => one.proof?.agrees);
  const tiles: [string, string][] = [
    ['Rows', count(run.rows)],
    ['Size', bytes(run.bytes)],
    ['Time', seconds(run.seconds)],
    ['Cost', cost(run.cost)],
  ];
  return (
    <>
      {verified ? (
        <Notice kind="good" title={`${plural(run.rows ?? 0, 'row')} verified`}>
          <p>What Redshift unloaded, what the manifest lists, what the files hold and what was loaded agree, row for row.</p>
        </Notice>
      ) : null}
      <dl class="tiles">
        {tiles.map(([label, value]) => (
          <div class="card tile">
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Streams({ streams, run }: { streams: LiveStream[]; run: Run }) {
  if (streams.length === 0) return over(run) || run.state === 'queued' ? null : <Loading what="streams" />;
  const done = streams.filter((one) => one.result).length;
  return (
    <section class="card" aria-labelledby="streams">
      <header class="spread">
        <h2 id="streams">Streams</h2>
        <span class="muted" role="status">
          {done} of {plural(streams.length, 'stream')} ended
        </span>
      </header>
      <ul>
        {streams.map((one) => (
          <li class="stream" key={one.stream}>
            {one.result ? <Ended result={one.result} /> : <Progress stream={one} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Progress({ stream }: { stream: LiveStream }) {
  const part = share(stream);
  const percent = part === null ? undefined : Math.round(part * 100);
  const waits = stream.phase === 'waiting';
  return (
    <>
      <div class="spread">
        <strong class="wrap">{stream.stream}</strong>
        <span class="muted">
          {PHASES[stream.phase] ?? stream.phase}
          {stream.rows_loaded > 0 && `: ${count(stream.rows_loaded)}${stream.rows_total ? ` of ${count(stream.rows_total)}` : ''} rows`}
        </span>
      </div>
      <div
        class={part === null && !waits ? 'bar open' : 'bar'}
        role="progressbar"
        aria-label={stream.stream}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={percent === undefined ? (PHASES[stream.phase] ?? stream.phase) : undefined}
      >
        <i style={part === null ? undefined : { width: `${percent}%` }} />
      </div>
    </>
  );
}

const STATUS = { done: ['Verified', 'good', 'check'], failed: ['Failed', 'bad', 'cross'], stopped: ['Stopped', '', 'stop'] } as const;

function Ended({ result }: { result: StreamResult }) {
  const [said, kind, icon] = STATUS[result.status];
  const { proof, counts } = result;
  return (
    <>
      <div class="spread">
        <div class="wrap">
          <strong>{result.stream}</strong>
          {result.target && <span class="muted small"> → {result.target}</span>}
        </div>
        <div class="row">
          <span class="number muted">
            {count(result.rows)} rows · {bytes(result.bytes)} · {seconds(result.seconds)}
          </span>
          <span class={`badge ${kind}`}>
            <Icon name={icon} />
            {said}
          </span>
        </div>
      </div>
      {result.status === 'done' && (
        <details>
          <summary>Proof and counts</summary>
          <div class="stack tight">
            {proof && (
              <dl class="proof" aria-label="Proof">
                {(
                  [
                    ['Redshift unloaded', proof.notice_rows],
                    ['Manifest lists', proof.manifest_rows],
                    ['Files hold', proof.footer_rows],
                    ['Loaded', proof.loaded_rows],
                  ] as const
                ).map(([label, value]) => (
                  <div>
                    <dt>{label}</dt>
                    <dd>{count(value)}</dd>
                  </div>
                ))}
              </dl>
            )}
            {counts && (
              <dl class="proof" aria-label="Counts">
                {(['inserted', 'updated', 'unchanged', 'deleted', 'skipped'] as const).map((name) => (
                  <div>
                    <dt>{sentence(name)}</dt>
                    <dd>{count(counts[name])}</dd>
                  </div>
                ))}
              </dl>
            )}
            {result.watermark && <p class="small muted wrap">Read up to {result.watermark}</p>}
          </div>
        </details>
      )}
      {result.warnings.map((text) => (
        <Notice kind="warn" title={sentence(text)} live={false} />
      ))}
      {result.error && <FaultNotice fault={result.error} />}
    </>
  );
}
