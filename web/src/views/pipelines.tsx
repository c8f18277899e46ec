import { api } from '../api/client';
import { Show, useLoad } from '../components/load';
import { Empty } from '../components/states';
import { link } from '../router';
import { useSession } from '../session';
import { ago, count, nextRun, plural } from '../words/format';
import { StateBadge } from './run_words';

const EACH_MS = 5000;

export function PipelinesView() {
  const { tenant } = useSession();
  const loaded = useLoad(`pipelines ${tenant.id}`, () => api.pipelines(tenant.id), EACH_MS);
  return (
    <div class="view">
      <div class="title">
        <h1>Pipelines</h1>
        <p class="muted">Each brings tables of one source to one destination.</p>
      </div>
      <Show of={loaded} what="pipelines">
        {(pipelines) =>
          pipelines.length === 0 ? (
            <Empty icon="flow" title="No tables are brought over yet">
              <p>Choose tables of a source, and where they land. That makes a pipeline.</p>
              <a class="button primary" href={link('sources')}>
                Go to sources
              </a>
            </Empty>
          ) : (
            <ul class="grid">
              {pipelines.map((pipeline) => (
                <li>
                  <article class="card stack tight" aria-label={pipeline.name}>
                    <div class="spread">
                      <a class="linked wrap" href={link('pipelines', pipeline.id)}>
                        <h2>{pipeline.name}</h2>
                      </a>
                      {pipeline.status.late ? <span class="badge warn">Late</span> : pipeline.status.last_run && <StateBadge run={pipeline.status.last_run} />}
                    </div>
                    <p class="muted">
                      {plural(pipeline.streams.length, 'stream')}
                      {pipeline.status.last_run?.rows !== undefined && pipeline.status.last_run?.rows !== null && `, ${count(pipeline.status.last_run.rows)} rows last time`}
                    </p>
                    <p class="muted small">
                      Last success: {ago(pipeline.status.last_success_at)}.{' '}
                      {nextRun(pipeline.schedule, pipeline.status.next_run_at)}
                    </p>
                  </article>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </div>
  );
}
