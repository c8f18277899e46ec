// How one table or query is synced: its mode, key and cursor, which columns and which rows.
import { useState } from 'preact/hooks';
import type { Column, Stream, Table } from '../api/types';
import { Choice, Field } from '../components/form';
import { listOf } from '../words/list';
import { modeOf, MODES, withMode } from './choice';

// What problems of the service can stand at.
export const EDITED = ['sync_mode', 'write_mode', 'cursor', 'primary_key', 'where'];

const left = (stream: Stream) => (stream.columns && !Array.isArray(stream.columns) ? stream.columns.exclude : []);

interface Props {
  stream: Stream;
  table?: Table | undefined;
  // Of a query, once they are known.
  columns?: Column[] | undefined;
  onChange: (stream: Stream) => void;
  reason?: string | undefined;
  wrong?: Record<string, string>;
}

export function StreamEditor(props: Props) {
  const { stream, table, onChange, wrong = {} } = props;
  const set = (fields: Partial<Stream>) => {
    const next: Stream = { ...stream, ...fields };
    for (const [name, value] of Object.entries(next)) if (value === undefined) delete next[name];
    onChange(next);
  };
  const known = (table?.columns ?? props.columns ?? []).map((column): [string, string] => [column.name, `${column.name} (${column.type})`]);
  const cursor = stream.cursor ?? '';
  // What is chosen stays, also where it is none of them.
  const names = cursor === '' || known.some(([name]) => name === cursor) ? known : [...known, [cursor, cursor] as [string, string]];
  return (
    <div class="stack">
      {props.reason && <p class="muted small">Proposed because {props.reason.charAt(0).toLowerCase() + props.reason.slice(1)}</p>}
      <div class="fields">
        <Field label="What each sync brings" value={modeOf(stream)} options={MODES} onValue={(mode) => onChange(withMode(stream, mode, table))} wrong={wrong['sync_mode'] ?? wrong['write_mode']} />
        {stream.cursor !== undefined && (
          <Field
            label="Cursor"
            value={cursor}
            options={known.length ? [['', 'Choose a column'], ...names] : undefined}
            onValue={(cursor) => set({ cursor })}
            wrong={wrong['cursor']}
            hint="A column that grows with each change."
          />
        )}
        {stream.primary_key !== undefined && <Key names={stream.primary_key} onNames={(primary_key) => set({ primary_key })} wrong={wrong['primary_key']} />}
        <Field
          label="Which rows (optional)"
          value={stream.where ?? ''}
          mono
          placeholder="status <> 'draft'"
          onValue={(where) => set({ where: where || undefined })}
          wrong={wrong['where']}
          hint="A condition, in Redshift’s SQL."
        />
      </div>
      {table && <Columns columns={table.columns} stream={stream} onLeft={(exclude) => set({ columns: exclude.length ? { exclude } : undefined })} />}
    </div>
  );
}

// What is typed stays as it is, so that a comma can be.
function Key({ names, onNames, wrong }: { names: string[]; onNames: (names: string[]) => void; wrong: string | undefined }) {
  const [text, setText] = useState(names.join(', '));
  const shown = listOf(text).join() === names.join() ? text : names.join(', ');
  const take = (typed: string) => {
    setText(typed);
    onNames(listOf(typed));
  };
  return <Field label="Key" value={shown} onValue={take} wrong={wrong} hint="Columns that tell one row from another, with commas between them." />;
}

function Columns({ columns, stream, onLeft }: { columns: Column[]; stream: Stream; onLeft: (names: string[]) => void }) {
  if (Array.isArray(stream.columns)) {
    return <p class="muted small">Only these columns: {stream.columns.join(', ')}</p>;
  }
  const out = left(stream);
  const toggle = (name: string, taken: boolean) => onLeft(taken ? out.filter((one) => one !== name) : [...out, name]);
  return (
    <fieldset>
      <legend class="legend">Columns</legend>
      <div class="columns">
        {columns.map((column) => (
          <Choice kind="checkbox" checked={!out.includes(column.name)} onPick={(taken) => toggle(column.name, taken)} label={column.name} hint={column.type} />
        ))}
      </div>
    </fieldset>
  );
}
