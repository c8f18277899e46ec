// The workgroups that are connected: whether they were proven, and what reads them.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Pipeline, Source } from '../api/types';
import { Busy, Code, Dialog } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useAction, useLoad } from '../components/load';
import { Empty, Failure } from '../components/states';
import { link } from '../router';
import { mayWrite, useSession } from '../session';
import { ago, when } from '../words/format';

export function SourcesView() {
  const { tenant, me } = useSession();
  const loaded = useLoad(`sources ${tenant.id}`, async () => {
    const [sources, pipelines] = await Promise.all([api.sources(tenant.id), api.pipelines(tenant.id)]);
    return { sources, pipelines };
  });
  return (
    <div class="view">
      <div class="spread">
        <div class="title">
          <h1>Sources</h1>
          <p class="muted">Workgroups of Redshift Serverless that tables are read from.</p>
        </div>
        {mayWrite(me) && (
          <div class="row">
            <InviteButton />
            <a class="button primary" href={link('connect')}>
              <Icon name="plus" /> Connect a workgroup
            </a>
          </div>
        )}
      </div>
      <Show of={loaded} what="sources">
        {({ sources, pipelines }) =>
          sources.length === 0 ? (
            <Empty icon="sources" title="No workgroup is connected yet">
              <p>Six steps, and most of them are filled in for you. You can also send the form to whoever knows the workgroup.</p>
              <a class="button primary" href={link('connect')}>
                Connect a workgroup
              </a>
            </Empty>
          ) : (
            <ul class="grid">
              {sources.map((source) => (
                <li>
                  <SourceCard source={source} pipelines={pipelines.filter((one) => one.source === source.id)} onGone={loaded.reload} />
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </div>
  );
}

function Tested({ source }: { source: Source }) {
  const test = source.last_test;
  if (!test) return null;
  return (
    <span class={`badge ${test.ok ? 'good' : 'bad'}`} title={when(test.at)}>
      <Icon name={test.ok ? 'check' : 'cross'} />
      {test.ok ? 'Proven' : 'Failed its test'} {ago(test.at)}
    </span>
  );
}

function SourceCard({ source, pipelines, onGone }: { source: Source; pipelines: Pipeline[]; onGone: () => void }) {
  const { tenant, me } = useSession();
  const [asked, setAsked] = useState(false);
  const remove = useAction(async () => {
    await api.removeSource(tenant.id, source.id);
    setAsked(false);
    onGone();
  });
  return (
    <article class="card stack" aria-label={source.name}>
      <div class="stack tight">
        <div class="spread">
          <h2 class="wrap">{source.name}</h2>
          <Tested source={source} />
        </div>
        <p class="muted small wrap mono">
          {source.workgroup} · {source.database} · {source.bucket}
        </p>
      </div>
      {pipelines.length > 0 ? (
        <ul class="stack tight">
          {pipelines.map((pipeline) => (
            <li>
              <a href={link('pipelines', pipeline.id)}>{pipeline.name}</a>
            </li>
          ))}
        </ul>
      ) : (
        <p class="muted">Nothing reads it yet.</p>
      )}
      {mayWrite(me) && (
        <div class="row">
          <a class={pipelines.length ? 'button compact' : 'button primary compact'} href={link('sources', source.id, 'tables')}>
            Choose tables
          </a>
          <a class="button compact" href={link('connect', source.id)}>
            Test or change
          </a>
          {pipelines.length === 0 && (
            <button class="button quiet compact" onClick={() => setAsked(true)}>
              Remove
            </button>
          )}
        </div>
      )}
      {asked && (
        <Dialog title={`Remove “${source.name}”?`} onClose={() => setAsked(false)}>
          <p>Its details and keys are deleted here. Nothing changes in AWS.</p>
          {remove.error !== null && <Failure error={remove.error} />}
          <div class="row end">
            <button class="button danger" disabled={remove.busy} onClick={() => void remove.run()}>
              <Busy when={remove.busy}>Remove</Busy>
            </button>
          </div>
        </Dialog>
      )}
    </article>
  );
}

// A link to the form alone, for somebody who shall fill it in and see nothing else.
function InviteButton() {
  const { tenant } = useSession();
  const [url, setUrl] = useState('');
  const make = useAction(async () => setUrl((await api.connectLink(tenant.id)).url));
  return (
    <>
      <button class="button" disabled={make.busy} onClick={() => void make.run()}>
        <Busy when={make.busy}>Send the form</Busy>
      </button>
      {make.error !== null && <Failure error={make.error} />}
      {url && (
        <Dialog title="A link to the form alone" onClose={() => setUrl('')}>
          <p>Whoever opens it can fill in and test a connection for “{tenant.name}”, and see nothing else. It holds for one hour.</p>
          <Code title="Link" text={new URL(url, location.href).href} />
        </Dialog>
      )}
    </>
  );
}
