// Choose tables from a tree, see how each would be synced, say where they land.
import { useMemo, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { DiscoverDocument, Pipeline, Stream, Table } from '../api/types';
import { Field } from '../components/form';
import { Icon } from '../components/icon';
import { Show, useLoad } from '../components/load';
import { Empty } from '../components/states';
import { link } from '../router';
import { useSession } from '../session';
import { bytes, count, plural } from '../words/format';
import { isPattern } from '../words/pattern';
import { allTables, type Choice, coveredBy, EMPTY_CHOICE, found, modeName, ofPipeline, proposed } from './choice';
import { Changed, Chosen } from './chosen';
import { StreamEditor } from './stream_editor';

// Of a source, for a new pipeline; or of a pipeline that is there.
export function TablesView({ of }: { of: { source: string } | { pipeline: string } }) {
  const { tenant } = useSession();
  const loaded = useLoad(`tables ${JSON.stringify(of)}`, async () => {
    const pipeline = 'pipeline' in of ? await api.pipeline(tenant.id, of.pipeline) : null;
    const source = 'source' in of ? of.source : pipeline!.source;
    const [about, document] = await Promise.all([api.source(tenant.id, source), api.discover(tenant.id, source)]);
    return { about, document, pipeline };
  });
  return (
    <div class="view">
      <div class="title">
        {'pipeline' in of ? (
          <a class="back" href={link('pipelines', of.pipeline)}>
            ← Pipeline
          </a>
        ) : (
          <a class="back" href={link('sources')}>
            ← Sources
          </a>
        )}
        <h1>Choose tables</h1>
        <p class="muted">{loaded.data ? `What “${loaded.data.about.name}” may read, and how each table would best be synced.` : 'Asking the workgroup what there is…'}</p>
      </div>
      <Show of={loaded} what="tables">
        {({ about, document, pipeline }) =>
          allTables(document).length === 0 ? (
            <Empty icon="sources" title="The user may read no table yet">
              <p>Grant it USAGE on a schema and SELECT on its tables. The step “Database user” of the connection has the SQL.</p>
              <a class="button primary" href={link('connect', about.id)}>
                Go to the connection
              </a>
            </Empty>
          ) : (
            <Chooser document={document} source={about.id} name={about.name} pipeline={pipeline} />
          )
        }
      </Show>
    </div>
  );
}

function Chooser({ document, source, name, pipeline }: { document: DiscoverDocument; source: string; name: string; pipeline: Pipeline | null }) {
  const [choice, setChoice] = useState<Choice>(() => (pipeline ? ofPipeline(pipeline) : EMPTY_CHOICE));
  const [search, setSearch] = useState('');
  const shown = useMemo(
    () =>
      document.schemas
        .map((schema) => ({ ...schema, tables: schema.tables.filter((table) => found(table, search)) }))
        .filter((schema) => schema.tables.length > 0),
    [document, search],
  );
  const total = shown.reduce((sum, schema) => sum + schema.tables.length, 0);
  const pick = (tables: Table[], taken: boolean) =>
    setChoice((was) => {
      const next = { ...was.tables };
      for (const table of tables) {
        if (taken) next[table.name] ??= proposed(table);
        else delete next[table.name];
      }
      return { ...was, tables: next };
    });
  const change = (stream: Stream) => setChoice((was) => ({ ...was, tables: { ...was.tables, [stream.table!]: stream } }));
  const addPattern = () => {
    setChoice((was) => ({ ...was, patterns: [...new Set([...was.patterns, search.trim()])] }));
    setSearch('');
  };
  return (
    <div class="chooser">
      <section class="card stack" aria-label="Tables">
        <Field label="Search" type="search" value={search} onValue={setSearch} placeholder="orders, or sales.*" hint="A part of a name, or a pattern with * and ?." />
        <p class="muted small" role="status">
          {search ? `${plural(total, 'table')} found.` : plural(total, 'table')}
        </p>
        {isPattern(search) && (
          <p>
            <button class="button compact" onClick={addPattern}>
              <Icon name="plus" /> Take all of {search.trim()}, new tables too
            </button>
          </p>
        )}
        <ul class="tree">
          {shown.map((schema) => (
            <SchemaNode key={schema.name} name={schema.name} type={schema.type} tables={schema.tables} open={shown.length === 1 || total < 40 || search !== ''} choice={choice} pick={pick} change={change} />
          ))}
        </ul>
      </section>
      {pipeline ? (
        <Changed choice={choice} document={document} pipeline={pipeline} onChange={setChoice} />
      ) : (
        <Chosen choice={choice} document={document} source={source} name={name} onChange={setChoice} />
      )}
    </div>
  );
}

interface NodeProps {
  name: string;
  type: string;
  tables: Table[];
  open: boolean;
  choice: Choice;
  pick: (tables: Table[], taken: boolean) => void;
  change: (stream: Stream) => void;
}

function SchemaNode({ name, type, tables, open, choice, pick, change }: NodeProps) {
  const [asked, setAsked] = useState<boolean | null>(null);
  const unfolded = asked ?? open;
  const free = tables.filter((table) => !coveredBy(choice, table));
  const taken = free.filter((table) => choice.tables[table.name]).length;
  return (
    <li>
      <div class="line">
        <button class="button quiet compact" aria-expanded={unfolded} aria-label={`Tables of ${name}`} onClick={() => setAsked(!unfolded)}>
          <Icon name={unfolded ? 'down' : 'right'} />
        </button>
        <label class="schema">
          <input
            type="checkbox"
            disabled={free.length === 0}
            checked={taken === free.length}
            ref={(box) => {
              if (box) box.indeterminate = taken > 0 && taken < free.length;
            }}
            onChange={(event) => pick(free, event.currentTarget.checked)}
          />
          {name}
        </label>
        <span class="muted small">
          {type !== 'local' && `${type}, `}
          {plural(tables.length, 'table')}
        </span>
      </div>
      {unfolded && (
        <ul class="tables">
          {tables.map((table) => (
            <TableNode key={table.name} table={table} choice={choice} pick={pick} change={change} />
          ))}
        </ul>
      )}
    </li>
  );
}

function TableNode({ table, choice, pick, change }: { table: Table; choice: Choice; pick: NodeProps['pick']; change: NodeProps['change'] }) {
  const [open, setOpen] = useState(false);
  const stream = choice.tables[table.name];
  const pattern = coveredBy(choice, table);
  const mode = pattern ? `by ${pattern}` : modeName(stream ?? proposed(table));
  return (
    <li>
      <div class="line">
        <label>
          <input type="checkbox" checked={!!stream || !!pattern} disabled={!!pattern} onChange={(event) => pick([table], event.currentTarget.checked)} />
          <span>
            {table.table}
            {table.type !== 'TABLE' && <span class="muted small"> {table.type.toLowerCase()}</span>}
          </span>
        </label>
        <span class="muted small number" title={table.bytes === null ? undefined : bytes(table.bytes)}>
          {table.rows === null ? '' : `${count(table.rows)} rows`}
        </span>
        <button class="button quiet compact" aria-expanded={open} aria-label={`${mode}, details of ${table.name}`} onClick={() => setOpen(!open)}>
          {mode}
          <Icon name={open ? 'down' : 'right'} />
        </button>
      </div>
      {open && (
        <div class="shape stack">
          {table.hidden && <p class="muted">{table.hidden}</p>}
          {table.unreadable_columns.length > 0 && (
            <p class="muted">Not brought over: {table.unreadable_columns.map((column) => `${column.name} (${column.type})`).join(', ')}.</p>
          )}
          {stream ? (
            <StreamEditor stream={stream} table={table} onChange={change} reason={table.proposed.reason} />
          ) : (
            <>
              <p class="muted small">{table.proposed.reason}</p>
              <p class="columns small">
                {table.columns.map((column) => (
                  <span>
                    {column.name} <span class="muted">{column.type}</span>
                  </span>
                ))}
              </p>
            </>
          )}
        </div>
      )}
    </li>
  );
}
