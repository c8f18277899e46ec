// A stream of SQL: one SELECT with a name, tried out before it is saved.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Column, Pipeline, PreviewDocument, Stream } from '../api/types';
import { Busy, Dialog, Field } from '../components/form';
import { useAction } from '../components/load';
import { Failure } from '../components/states';
import { isElsewhere, useWrong, type Wrong } from '../components/wrong';
import { useSession } from '../session';
import { placeIn } from '../words/sql';
import { Rows } from './preview';
import { EDITED, StreamEditor } from './stream_editor';

export const FRESH: Stream = { name: '', sql: '', sync_mode: 'full_refresh', write_mode: 'overwrite' };
export const SHOWN = ['name', 'sql', ...EDITED];

// `index`: which stream is changed; null: a new one.
export function QueryEditor({ pipeline, index, onSaved }: { pipeline: Pipeline; index: number | null; onSaved: (pipeline: Pipeline) => void }) {
  const { tenant } = useSession();
  const [stream, setStream] = useState<Stream>(index === null ? FRESH : pipeline.streams[index]!);
  const [rows, setRows] = useState<PreviewDocument | null>(null);
  // Where this stream stands in what was sent: so its problems are named.
  const [under, setUnder] = useState('');
  const form = useRef<HTMLFormElement>(null);
  const look = useAction(async () => {
    save.clear();
    setRows(null);
    setUnder('streams[0].');
    setRows(await api.preview(tenant.id, pipeline.id, stream.name!, [stream]));
  });
  const save = useAction(async () => {
    look.clear();
    const was = await api.pipeline(tenant.id, pipeline.id);
    const at = index ?? was.streams.length;
    setUnder(`streams[${at}].`);
    onSaved(await api.putPipeline(tenant.id, was, [...was.streams.slice(0, at), stream, ...was.streams.slice(at + 1)]));
  });
  const error = save.error ?? look.error;
  const wrong = useWrong(form, error, under);
  const ready = isWhole(stream) && !save.busy && !look.busy;
  return (
    <form class="stack" ref={form} onSubmit={(event) => (event.preventDefault(), void save.run())}>
      <QueryFields stream={stream} onChange={setStream} wrong={wrong} columns={rows?.columns} error={error} />
      {error !== null && isElsewhere(error, SHOWN, under) && <Failure error={error} />}
      <div class="row end">
        <button type="button" class="button" disabled={!ready} onClick={() => void look.run()}>
          <Busy when={look.busy}>Preview</Busy>
        </button>
        <button class="button primary" disabled={!ready}>
          <Busy when={save.busy}>Save the query</Busy>
        </button>
      </div>
      <div role="status">{rows && <Rows of={rows} />}</div>
    </form>
  );
}

export const isWhole = (stream: Stream) => (stream.name ?? '').trim() !== '' && (stream.sql ?? '').trim() !== '';

interface FieldsProps {
  stream: Stream;
  onChange: (stream: Stream) => void;
  wrong: Wrong;
  columns?: Column[] | undefined;
  error: unknown;
}

export function QueryFields({ stream, onChange, wrong, columns, error }: FieldsProps) {
  const change = (next: Stream) => {
    wrong.touch(...SHOWN.filter((field) => next[field] !== stream[field]));
    onChange(next);
  };
  return (
    <>
      <Field
        label="Name"
        value={stream.name ?? ''}
        onValue={(name) => change({ ...stream, name })}
        wrong={wrong.at['name']}
        placeholder="orders_by_day"
        hint="Of the table at the destination, too."
      />
      <Sql sql={stream.sql ?? ''} onSql={(sql) => change({ ...stream, sql })} wrong={wrong.at['sql']} error={error} />
      <StreamEditor stream={stream} columns={columns} onChange={change} wrong={wrong.at} />
    </>
  );
}

function Sql({ sql, onSql, wrong, error }: { sql: string; onSql: (sql: string) => void; wrong: string | undefined; error: unknown }) {
  const box = useRef<HTMLDivElement>(null);
  const place = wrong === undefined ? null : placeIn(sql, wrong);
  // The cursor is put where the mistake is.
  useEffect(() => {
    if (place) box.current?.querySelector('textarea')?.setSelectionRange(place.offset, place.offset + 1);
  }, [error]);
  return (
    <div class="stack tight" ref={box}>
      <Field label="Query" lines={8} value={sql} onValue={onSql} wrong={wrong} placeholder={'SELECT order_date, sum(amount) AS amount\nFROM sales.orders\nGROUP BY order_date'} hint="One SELECT, in Redshift’s SQL." />
      {place && (
        <pre class="cite" tabIndex={0} aria-label={`Line ${place.line}`}>
          {`${place.line}  ${place.text}\n${' '.repeat(String(place.line).length + 1 + place.column)}^`}
        </pre>
      )}
    </div>
  );
}

export function RemoveQuery({ pipeline, index, onClose, onGone }: { pipeline: Pipeline; index: number; onClose: () => void; onGone: (pipeline: Pipeline) => void }) {
  const { tenant } = useSession();
  const name = pipeline.streams[index]!.name ?? '';
  const remove = useAction(async () => {
    const was = await api.pipeline(tenant.id, pipeline.id);
    onGone(await api.putPipeline(tenant.id, was, was.streams.filter((one) => !(one.sql && one.name === name))));
  });
  return (
    <Dialog title={`Remove “${name}”?`} onClose={onClose}>
      <p>It is not read any more; its table at the destination stays.</p>
      {remove.error !== null && <Failure error={remove.error} />}
      <div class="row end">
        <button class="button danger" disabled={remove.busy} onClick={() => void remove.run()}>
          <Busy when={remove.busy}>Remove</Busy>
        </button>
      </div>
    </Dialog>
  );
}
