// How one table is synced: its mode, key and cursor, which columns and which rows.
import type { Column, Stream, Table } from '../api/types';
import { Choice, Field } from '../components/form';
import { modeOf, MODES, withMode } from './choice';

const list = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const left = (stream: Stream) => (stream.columns && !Array.isArray(stream.columns) ? stream.columns.exclude : []);

export function StreamEditor(props: { stream: Stream; table?: Table | undefined; onChange: (stream: Stream) => void; reason?: string | undefined }) {
  const { stream, table, onChange } = props;
  const set = (fields: Partial<Stream>) => {
    const next: Stream = { ...stream, ...fields };
    for (const [name, value] of Object.entries(next)) if (value === undefined) delete next[name];
    onChange(next);
  };
  const keyed = stream.primary_key !== undefined;
  const names = table?.columns.map((column): [string, string] => [column.name, `${column.name} (${column.type})`]) ?? [];
  return (
    <div class="stack">
      {props.reason && <p class="muted small">Proposed because {props.reason.charAt(0).toLowerCase() + props.reason.slice(1)}</p>}
      <div class="fields">
        <Field label="What each sync brings" value={modeOf(stream)} options={MODES} onValue={(mode) => onChange(withMode(stream, mode, table))} />
        {stream.cursor !== undefined && (
          <Field
            label="Cursor"
            value={stream.cursor}
            options={names.length ? [['', 'Choose a column'], ...names] : undefined}
            onValue={(cursor) => set({ cursor })}
            hint="A column that grows with each change."
          />
        )}
        {keyed && (
          <Field
            label="Key"
            value={stream.primary_key!.join(', ')}
            onValue={(text) => set({ primary_key: list(text) })}
            hint="Columns that tell one row from another."
          />
        )}
        <Field
          label="Which rows (optional)"
          value={stream.where ?? ''}
          mono
          placeholder="status <> 'draft'"
          onValue={(where) => set({ where: where || undefined })}
          hint="A condition, in Redshift’s SQL."
        />
      </div>
      {table && <Columns columns={table.columns} stream={stream} onLeft={(exclude) => set({ columns: exclude.length ? { exclude } : undefined })} />}
    </div>
  );
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
