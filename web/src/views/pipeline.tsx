// One pipeline: run it, when it runs, its streams with their shape and preview, what it did.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Pipeline, Run, Stream } from '../api/types';
import { Bars } from '../components/chart';
import { Busy, Choice, Dialog } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useAction, useLoad } from '../components/load';
import { Failure, Loading, Notice } from '../components/states';
import { go, link } from '../router';
import { mayWrite, useSession } from '../session';
import { plural } from '../words/format';
import { modeName } from './choice';
import { barsOf, formatOf, over, RunTable } from './run_words';
import { ScheduleCard } from './schedule';
import { StreamEditor } from './stream_editor';

const EACH_MS = 4000;

export function PipelineView({ id }: { id: string }) {
  const { tenant } = useSession();
  const loaded = useLoad(`pipeline ${id}`, () => api.pipeline(tenant.id, id), EACH_MS);
  const runs = useLoad(`runs of ${id}`, async () => (await api.runs(tenant.id, { pipeline: id, limit: 20 })).items, EACH_MS);
  return (
    <div class="view">
      <div class="title">
        <a class="back" href={link('pipelines')}>
          ← Pipelines
        </a>
        <h1 class="wrap">{loaded.data?.name ?? 'Pipeline'}</h1>
      </div>
      <Show of={loaded} what="the pipeline">
        {(pipeline) => (
          <>
            <Actions pipeline={pipeline} runs={runs.data ?? []} />
            <div class="chooser">
              <div class="stack">
                <Streams pipeline={pipeline} onChange={loaded.set} />
                <section class="card stack" aria-labelledby="history">
                  <h2 id="history">Runs</h2>
                  <Show of={runs} what="runs">
                    {(list) =>
                      list.length === 0 ? (
                        <p class="muted">It has not run yet.</p>
                      ) : (
                        <>
                          <Bars title="Rows of the last runs" bars={barsOf(list.filter(over), 'rows')} format={formatOf('rows', list)} />
                          <RunTable runs={list} named={false} />
                        </>
                      )
                    }
                  </Show>
                </section>
              </div>
              <ScheduleCard pipeline={pipeline} onChange={loaded.set} />
            </div>
          </>
        )}
      </Show>
    </div>
  );
}

function Actions({ pipeline, runs }: { pipeline: Pipeline; runs: Run[] }) {
  const { tenant, me } = useSession();
  const [asked, setAsked] = useState<'full' | 'remove' | null>(null);
  const [deletes, setDeletes] = useState(false);
  const start = useAction(async (full: boolean) => {
    go('runs', (await api.start(tenant.id, pipeline.id, { full, allow_deletes: deletes })).id);
  });
  const remove = useAction(async () => {
    await api.removePipeline(tenant.id, pipeline.id);
    go('pipelines');
  });
  const active = runs.find((run) => !over(run));
  if (!mayWrite(me)) return null;
  return (
    <div class="stack tight">
      <div class="row">
        {active ? (
          <a class="button primary" href={link('runs', active.id)}>
            <Icon name="busy" spin /> Watch the run
          </a>
        ) : (
          <button class="button primary" disabled={start.busy} onClick={() => void start.run(false)}>
            <Icon name="play" /> Sync now
          </button>
        )}
        <button class="button" onClick={() => setAsked('full')}>
          Read everything again
        </button>
        <button class="button quiet" onClick={() => setAsked('remove')}>
          Remove
        </button>
      </div>
      {start.error !== null && !asked && <Failure error={start.error} />}
      {asked === 'full' && (
        <Dialog title="Read everything again?" onClose={() => setAsked(null)}>
          <p>Every stream is read from its beginning, as by sluice sync --full. That costs as much as the first time did.</p>
          <Choice
            kind="checkbox"
            label="Let many rows be deleted"
            hint="if they are gone at the source; else such a sync stops to ask"
            checked={deletes}
            onPick={setDeletes}
          />
          {start.error !== null && <Failure error={start.error} />}
          <div class="row end">
            <button class="button primary" disabled={start.busy} onClick={() => void start.run(true)}>
              <Busy when={start.busy}>Read everything again</Busy>
            </button>
          </div>
        </Dialog>
      )}
      {asked === 'remove' && (
        <Dialog title={`Remove “${pipeline.name}”?`} onClose={() => setAsked(null)}>
          <p>Its schedule and history are deleted. The tables at the destination stay.</p>
          {remove.error !== null && <Failure error={remove.error} />}
          <div class="row end">
            <button class="button danger" disabled={remove.busy} onClick={() => void remove.run()}>
              <Busy when={remove.busy}>Remove</Busy>
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

const titleOf = (stream: Stream) => stream.name ?? stream.table ?? (Array.isArray(stream.tables) ? stream.tables.join(', ') : stream.tables) ?? 'query';

function Streams({ pipeline, onChange }: { pipeline: Pipeline; onChange: (pipeline: Pipeline) => void }) {
  const { me } = useSession();
  const [shown, setShown] = useState<{ index: number; what: 'shape' | 'preview' } | null>(null);
  const picked = shown && pipeline.streams[shown.index];
  return (
    <section class="card stack" aria-labelledby="streams">
      <div class="spread">
        <h2 id="streams">{plural(pipeline.streams.length, 'stream')}</h2>
        {mayWrite(me) && (
          <a class="button compact" href={link('pipelines', pipeline.id, 'tables')}>
            Choose tables
          </a>
        )}
      </div>
      <ul>
        {pipeline.streams.map((stream, index) => (
          <li class="stream">
            <div class="spread">
              <div class="wrap">
                <strong>{titleOf(stream)}</strong>
                <div class="muted small">
                  {stream.tables ? 'All tables that match, new ones too' : modeName(stream)}
                  {stream.cursor && `, by ${stream.cursor}`}
                  {stream.where && `, where ${stream.where}`}
                </div>
              </div>
              {!stream.tables && (
                <div class="row">
                  <button class="button compact" aria-label={`Preview ${titleOf(stream)}`} onClick={() => setShown({ index, what: 'preview' })}>
                    Preview
                  </button>
                  {mayWrite(me) && !stream.sql && (
                    <button class="button compact" aria-label={`Change ${titleOf(stream)}`} onClick={() => setShown({ index, what: 'shape' })}>
                      Change
                    </button>
                  )}
                </div>
              )}
            </div>
          </li>
        ))}
      </ul>
      {shown && picked && shown.what === 'preview' && (
        <Dialog wide title={`First rows of ${titleOf(picked)}`} onClose={() => setShown(null)}>
          <Preview pipeline={pipeline.id} stream={titleOf(picked)} />
        </Dialog>
      )}
      {shown && picked && shown.what === 'shape' && (
        <Dialog wide title={`How ${titleOf(picked)} is synced`} onClose={() => setShown(null)}>
          <Change
            pipeline={pipeline}
            index={shown.index}
            onSaved={(changed) => {
              setShown(null);
              onChange(changed);
            }}
          />
        </Dialog>
      )}
    </section>
  );
}

function Preview({ pipeline, stream }: { pipeline: string; stream: string }) {
  const { tenant } = useSession();
  const loaded = useLoad(`preview ${stream}`, () => api.preview(tenant.id, pipeline, stream));
  return (
    <Show of={loaded} what="rows">
      {({ columns, rows }) =>
        rows.length === 0 ? (
          <p>There is no row in it.</p>
        ) : (
          <div class="scroll" tabIndex={0} role="group" aria-label="Rows">
            <table>
              <thead>
                <tr>
                  {columns.map((column) => (
                    <th scope="col">
                      {column.name}
                      <div class="small mono">{column.type}</div>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr>
                    {row.map((value) => (
                      <td>{value ?? <span class="muted">null</span>}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Show>
  );
}

function Change({ pipeline, index, onSaved }: { pipeline: Pipeline; index: number; onSaved: (pipeline: Pipeline) => void }) {
  const { tenant } = useSession();
  const [stream, setStream] = useState<Stream>(pipeline.streams[index]!);
  // Its columns, to choose from; without them the fields are there all the same.
  const loaded = useLoad(`discover ${pipeline.source}`, () => api.discover(tenant.id, pipeline.source));
  const table = loaded.data?.schemas.flatMap((schema) => schema.tables).find((one) => one.name === stream.table);
  const save = useAction(async () => {
    const was = await api.pipeline(tenant.id, pipeline.id);
    onSaved(await api.putPipeline(tenant.id, was, was.streams.map((one, at) => (at === index ? stream : one))));
  });
  if (loaded.data === null && !loaded.error) return <Loading what="columns" />;
  return (
    <>
      {loaded.error !== null && (
        <Notice kind="warn" title="The table’s columns could not be read">
          <p>You can change the rest all the same.</p>
        </Notice>
      )}
      <StreamEditor stream={stream} table={table} onChange={setStream} />
      {save.error !== null && <Failure error={save.error} />}
      <div class="row end">
        <button class="button primary" disabled={save.busy} onClick={() => void save.run()}>
          <Busy when={save.busy}>Save</Busy>
        </button>
      </div>
    </>
  );
}
