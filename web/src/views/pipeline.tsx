// One pipeline: run it, when it runs, its streams with their shape and preview, what it did.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Pipeline, Run, Stream } from '../api/types';
import { Bars } from '../components/chart';
import { Busy, Choice, Dialog } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useAction, useLoad } from '../components/load';
import { Failure, Loading } from '../components/states';
import { isElsewhere, wrongOf } from '../components/wrong';
import { go, link } from '../router';
import { mayWrite, useSession } from '../session';
import { plural } from '../words/format';
import { modeName } from './choice';
import { Ends } from './ends';
import { Preview } from './preview';
import { QueryEditor, RemoveQuery } from './query';
import { barsOf, formatOf, over, RunTable } from './run_words';
import { ScheduleCard } from './schedule';
import { EDITED, StreamEditor } from './stream_editor';

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
            <Ends pipeline={pipeline} />
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
  const [shown, setShown] = useState<{ index: number; what: 'shape' | 'preview' | 'remove' } | null>(null);
  const [adding, setAdding] = useState(false);
  const picked = shown && pipeline.streams[shown.index];
  const saved = (changed: Pipeline) => {
    setShown(null);
    setAdding(false);
    onChange(changed);
  };
  return (
    <section class="card stack" aria-labelledby="streams">
      <div class="spread">
        <h2 id="streams">{plural(pipeline.streams.length, 'stream')}</h2>
        {mayWrite(me) && (
          <div class="row">
            <a class="button compact" href={link('pipelines', pipeline.id, 'tables')}>
              Choose tables
            </a>
            <button class="button compact" onClick={() => setAdding(true)}>
              <Icon name="plus" /> Add a query
            </button>
          </div>
        )}
      </div>
      <ul>
        {pipeline.streams.map((stream, index) => (
          <li class="stream">
            <div class="spread">
              <div class="wrap">
                <strong>{titleOf(stream)}</strong>
                <div class="muted small">
                  {stream.sql && 'A query: '}
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
                  {mayWrite(me) && (
                    <button class="button compact" aria-label={`Change ${titleOf(stream)}`} onClick={() => setShown({ index, what: 'shape' })}>
                      Change
                    </button>
                  )}
                  {mayWrite(me) && stream.sql && (
                    <button class="button quiet compact" aria-label={`Remove ${titleOf(stream)}`} onClick={() => setShown({ index, what: 'remove' })}>
                      Remove
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
          {picked.sql ? <QueryEditor pipeline={pipeline} index={shown.index} onSaved={saved} /> : <Change pipeline={pipeline} index={shown.index} onSaved={saved} />}
        </Dialog>
      )}
      {shown && picked && shown.what === 'remove' && <RemoveQuery pipeline={pipeline} index={shown.index} onClose={() => setShown(null)} onGone={saved} />}
      {adding && (
        <Dialog wide title="Add a query" onClose={() => setAdding(false)}>
          <QueryEditor pipeline={pipeline} index={null} onSaved={saved} />
        </Dialog>
      )}
    </section>
  );
}

function Change({ pipeline, index, onSaved }: { pipeline: Pipeline; index: number; onSaved: (pipeline: Pipeline) => void }) {
  const { tenant } = useSession();
  const under = `streams[${index}].`;
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
        <>
          <p>The table’s columns could not be read. You can change the rest all the same.</p>
          <Failure error={loaded.error} />
        </>
      )}
      <StreamEditor stream={stream} table={table} onChange={setStream} wrong={wrongOf(save.error, under)} />
      {isElsewhere(save.error, EDITED, under) && <Failure error={save.error} />}
      <div class="row end">
        <button class="button primary" disabled={save.busy} onClick={() => void save.run()}>
          <Busy when={save.busy}>Save</Busy>
        </button>
      </div>
    </>
  );
}
