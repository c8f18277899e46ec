// What is chosen, where it lands, and the button that makes the pipeline.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { DestinationInput, DiscoverDocument, Pipeline, Stream } from '../api/types';
import { Busy, Dialog, Field } from '../components/form';
import { Icon } from '../components/icon';
import { useAction, useLoad } from '../components/load';
import { Failure } from '../components/states';
import { isElsewhere, useWrong, wrongOf } from '../components/wrong';
import { go } from '../router';
import { useSession } from '../session';
import { plural } from '../words/format';
import { allTables, type Choice, coveredBy, mergeInto, toStreams } from './choice';
import { NewDestination, placeOf, slug } from './destination';
import { FRESH, isWhole, QueryFields, SHOWN } from './query';

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
      <Queries choice={choice} onChange={(next) => (create.clear(), onChange(next))} error={create.error} />
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
      {isElsewhere(create.error, ofQueries(choice)) && <Failure error={create.error} />}
      <button class="button primary" disabled={none || create.busy || there.data === null} onClick={() => void create.run(true)}>
        <Busy when={create.busy}>Save and sync now</Busy>
      </button>
      <button class="button" disabled={none || create.busy || there.data === null} onClick={() => void create.run(false)}>
        Save only
      </button>
    </section>
  );
}

const isEmpty = (choice: Choice) => toStreams(choice).length === 0;

// Before each field of a query, as the service names it: its place among the streams.
const underOf = (choice: Choice, index: number) => `streams[${toStreams(choice).length - choice.queries.length + index}].`;
const ofQueries = (choice: Choice) => choice.queries.flatMap((_, index) => SHOWN.map((field) => underOf(choice, index) + field));

function Queries({ choice, onChange, error }: Pick<Props, 'choice' | 'onChange'> & { error: unknown }) {
  // Which is written; at the end of the list a new one.
  const [open, setOpen] = useState<number | null>(null);
  const put = (index: number, ...next: Stream[]) => {
    setOpen(null);
    onChange({ ...choice, queries: [...choice.queries.slice(0, index), ...next, ...choice.queries.slice(index + 1)] });
  };
  // A query that is wrong is opened, where its mistake is shown.
  const bad = choice.queries.findIndex((_, index) => Object.keys(wrongOf(error, underOf(choice, index))).length > 0);
  useEffect(() => {
    if (bad >= 0) setOpen(bad);
  }, [error]);
  return (
    <>
      {choice.queries.map((query, index) => (
        <p class="spread">
          <button class="button quiet compact wrap" aria-label={`Change the query ${query.name}`} onClick={() => setOpen(index)}>
            {query.name}
          </button>
          <button class="button quiet compact" aria-label={`Leave out ${query.name}`} onClick={() => put(index)}>
            <Icon name="cross" />
          </button>
        </p>
      ))}
      <p>
        <button class="button compact" onClick={() => setOpen(choice.queries.length)}>
          <Icon name="plus" /> Add a query
        </button>
      </p>
      {open !== null && (
        <Dialog wide title="A query" onClose={() => setOpen(null)}>
          <OneQuery was={choice.queries[open] ?? FRESH} error={open === bad ? error : null} under={underOf(choice, open)} onDone={(query) => put(open, query)} />
        </Dialog>
      )}
    </>
  );
}

function OneQuery({ was, error, under, onDone }: { was: Stream; error: unknown; under: string; onDone: (query: Stream) => void }) {
  const [stream, setStream] = useState(was);
  const form = useRef<HTMLFormElement>(null);
  const wrong = useWrong(form, error, under);
  return (
    <form class="stack" ref={form} onSubmit={(event) => (event.preventDefault(), onDone(stream))}>
      <QueryFields stream={stream} onChange={setStream} wrong={wrong} error={error} />
      <div class="row end">
        <button class="button primary" disabled={!isWhole(stream)}>
          Take the query
        </button>
      </div>
    </form>
  );
}

function Choices({ choice, document, onChange }: Pick<Props, 'choice' | 'document' | 'onChange'>) {
  const byPattern = allTables(document).filter((table) => coveredBy(choice, table) && !choice.tables[table.name]).length;
  const number = Object.keys(choice.tables).length + byPattern;
  const queries = choice.queries.length;
  const told = [(number > 0 || queries === 0) && plural(number, 'table'), queries > 0 && plural(queries, 'query', 'queries')].filter(Boolean).join(' and ');
  return (
    <>
      <h2>{isEmpty(choice) ? 'Nothing is chosen yet' : `${told} chosen`}</h2>
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
