// What is chosen, where it lands, and the button that makes the pipeline.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { DestinationInput, DiscoverDocument, Pipeline } from '../api/types';
import { Busy, Field } from '../components/form';
import { Icon } from '../components/icon';
import { useAction, useLoad } from '../components/load';
import { Failure } from '../components/states';
import { go } from '../router';
import { useSession } from '../session';
import { plural } from '../words/format';
import { allTables, type Choice, coveredBy, mergeInto, toStreams } from './choice';
import { NewDestination, placeOf, slug } from './destination';

interface Props {
  choice: Choice;
  document: DiscoverDocument;
  source: string;
  name: string;
  onChange: (choice: Choice) => void;
}

export function Chosen({ choice, document, source, name, onChange }: Props) {
  const { tenant } = useSession();
  const [title, setTitle] = useState('');
  const [target, setTarget] = useState<string | null>(null);
  const [fresh, setFresh] = useState<DestinationInput>({ name: '', type: 'duckdb', path: `${slug(name)}.duckdb` });
  const there = useLoad(`destinations ${tenant.id}`, () => api.destinations(tenant.id));
  const picked = target ?? there.data?.[0]?.id ?? 'new';
  const create = useAction(async (run: boolean) => {
    let destination = picked;
    if (destination === 'new') {
      const made = await api.addDestination(tenant.id, { ...fresh, name: fresh.name || placeOf(fresh) });
      destination = made.id;
      // If what follows fails, the next try uses it instead of making another.
      there.set([...(there.data ?? []), made]);
      setTarget(made.id);
    }
    const pipeline = await api.addPipeline(tenant.id, { name: title.trim() || name, source, destination, streams: toStreams(choice) });
    if (run) go('runs', (await api.start(tenant.id, pipeline.id)).id);
    else go('pipelines', pipeline.id);
  });
  const none = isEmpty(choice);
  return (
    <section class="card stack chosen" aria-label="What is chosen">
      <Choices choice={choice} document={document} onChange={onChange} />
      {there.error ? (
        <Failure error={there.error} again={there.reload} />
      ) : (
        <Field
          label="Where they land"
          value={picked}
          onValue={setTarget}
          options={[...(there.data ?? []).map((one): [string, string] => [one.id, one.name]), ['new', 'A new destination…']]}
        />
      )}
      {picked === 'new' && <NewDestination value={fresh} onChange={setFresh} name={name} />}
      <Field label="Name of the pipeline" value={title} onValue={setTitle} placeholder={name} />
      <p class="muted small">Queries can be added afterwards, in the pipeline.</p>
      {create.error !== null && <Failure error={create.error} />}
      <button class="button primary" disabled={none || create.busy || there.data === null} onClick={() => void create.run(true)}>
        <Busy when={create.busy}>Save and sync now</Busy>
      </button>
      <button class="button" disabled={none || create.busy || there.data === null} onClick={() => void create.run(false)}>
        Save only
      </button>
    </section>
  );
}

const isEmpty = (choice: Choice) => Object.keys(choice.tables).length + choice.patterns.length === 0;

function Choices({ choice, document, onChange }: Pick<Props, 'choice' | 'document' | 'onChange'>) {
  const byPattern = allTables(document).filter((table) => coveredBy(choice, table) && !choice.tables[table.name]).length;
  const number = Object.keys(choice.tables).length + byPattern;
  return (
    <>
      <h2>{isEmpty(choice) ? 'Nothing is chosen yet' : `${plural(number, 'table')} chosen`}</h2>
      {choice.patterns.map((pattern) => (
        <p class="spread">
          <code class="wrap">{pattern}</code>
          <button
            class="button quiet compact"
            aria-label={`Leave out ${pattern}`}
            onClick={() => onChange({ ...choice, patterns: choice.patterns.filter((one) => one !== pattern) })}
          >
            <Icon name="cross" />
          </button>
        </p>
      ))}
    </>
  );
}

// The same for a pipeline that is there: its streams alone are changed.
export function Changed({ choice, document, pipeline, onChange }: Pick<Props, 'choice' | 'document' | 'onChange'> & { pipeline: Pipeline }) {
  const { tenant } = useSession();
  const save = useAction(async () => {
    const was = await api.pipeline(tenant.id, pipeline.id);
    await api.putPipeline(tenant.id, was, mergeInto(was.streams, choice));
    go('pipelines', pipeline.id);
  });
  return (
    <section class="card stack chosen" aria-label="What is chosen">
      <Choices choice={choice} document={document} onChange={onChange} />
      <p class="muted small">What is left out is not read any more; its table at the destination stays.</p>
      {save.error !== null && <Failure error={save.error} />}
      <button class="button primary" disabled={mergeInto(pipeline.streams, choice).length === 0 || save.busy} onClick={() => void save.run()}>
        <Busy when={save.busy}>Save the choice</Busy>
      </button>
    </section>
  );
}
