// From where to where a pipeline brings its tables, and whether these are known to work.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Destination, Pipeline, Source } from '../api/types';
import { Dialog } from '../components/form';
import { useLoad } from '../components/load';
import { Notice, sentence } from '../components/states';
import { link } from '../router';
import { mayWrite, useSession } from '../session';
import { ago } from '../words/format';
import { DestinationForm } from './destination';

const KIND = { duckdb: 'DuckDB', postgres: 'PostgreSQL', lake: 'lake' } as const;

export function Ends({ pipeline }: { pipeline: Pipeline }) {
  const { tenant, me } = useSession();
  // Each for itself: that one cannot be read hides nothing of the other, nor of the pipeline.
  const source = useLoad(`source ${pipeline.source}`, () => api.source(tenant.id, pipeline.source));
  const destination = useLoad(`destination ${pipeline.destination}`, () => api.destination(tenant.id, pipeline.destination));
  const [open, setOpen] = useState(false);
  const last = pipeline.status.last_run;
  return (
    <>
      <div class="row">
        <p class="muted wrap">
          From <From source={source.data} lost={source.error !== null} id={pipeline.source} /> to <To destination={destination.data} lost={destination.error !== null} />
        </p>
        {mayWrite(me) && destination.data && (
          <button class="button quiet compact" onClick={() => setOpen(true)}>
            Test or change the destination
          </button>
        )}
      </div>
      {open && destination.data && (
        <Dialog title={`The destination “${destination.data.name}”`} onClose={() => setOpen(false)}>
          <DestinationForm
            was={destination.data}
            onSaved={(saved) => {
              destination.set(saved);
              setOpen(false);
            }}
          />
        </Dialog>
      )}
      {source.data?.last_test && !source.data.last_test.ok && (
        <Notice kind="warn" title="Its source failed the last test">
          <p>
            That was {ago(source.data.last_test.at)}. <a href={link('connect', pipeline.source)}>Test the connection again</a>; it shows what to fix.
          </p>
        </Notice>
      )}
      {last?.state === 'failed' && last.error && (
        <Notice kind="bad" title={`The last run failed: ${last.error.message}`} live={false}>
          {last.error.remedy && <p class="remedy">{sentence(last.error.remedy.split('\n')[0]!)}</p>}
          <p>
            <a href={link('runs', last.id)}>Look at the run</a>
          </p>
        </Notice>
      )}
    </>
  );
}

function From({ source, lost, id }: { source: Source | null; lost: boolean; id: string }) {
  if (lost) return <>a source that cannot be shown now</>;
  return <a href={link('connect', id)}>{source ? source.name : 'its source'}</a>;
}

function To({ destination, lost }: { destination: Destination | null; lost: boolean }) {
  if (lost) return <>a destination that cannot be shown now</>;
  if (!destination) return <>its destination</>;
  return (
    <>
      {destination.name} ({KIND[destination.type]})
    </>
  );
}
