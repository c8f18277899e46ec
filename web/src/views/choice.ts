// Which tables are chosen, and how each is to be synced. Pure: the view shows it.
import type { DiscoverDocument, Pipeline, Stream, Table } from '../api/types';
import { matches } from '../words/pattern.ts';

export interface Choice {
  // By the name of the table, as discover writes it.
  tables: Record<string, Stream>;
  patterns: string[];
  // New ones; those of a pipeline that is there are changed in its view.
  queries: Stream[];
}

export function proposed(table: Table): Stream {
  const { sync_mode, write_mode, primary_key, cursor } = table.proposed;
  const stream: Stream = { table: table.name, sync_mode, write_mode };
  if (primary_key.length) stream.primary_key = primary_key;
  if (cursor) stream.cursor = cursor;
  return stream;
}

export const MODES: readonly (readonly [string, string])[] = [
  ['full_refresh/overwrite', 'Everything each time'],
  ['full_refresh/append', 'Everything, added each time'],
  ['incremental/merge', 'What changed, into its rows'],
  ['incremental/append', 'What is new, added'],
  ['incremental/history', 'What changed, every version kept'],
];
export const modeOf = (stream: Stream) => `${stream.sync_mode ?? 'full_refresh'}/${stream.write_mode ?? 'overwrite'}`;
export const modeName = (stream: Stream) => MODES.find(([mode]) => mode === modeOf(stream))?.[1] ?? modeOf(stream);

// The mode changed: what it does not use is left out, what it needs is taken from the proposal or the table.
export function withMode(stream: Stream, mode: string, table: Table | undefined): Stream {
  const [sync_mode, write_mode] = mode.split('/') as [string, string];
  const next: Stream = { ...stream, sync_mode, write_mode };
  const keyed = write_mode === 'merge' || write_mode === 'history';
  if (sync_mode === 'incremental') next.cursor ??= table?.proposed.cursor ?? '';
  else delete next.cursor;
  if (keyed) next.primary_key ??= table?.primary_key ?? [];
  else delete next.primary_key;
  return next;
}

export const allTables = (document: DiscoverDocument) => document.schemas.flatMap((schema) => schema.tables);

export const coveredBy = (choice: Choice, table: Table) => choice.patterns.find((pattern) => matches(pattern, table.schema, table.table));

// Words of a search: parts of names, or a pattern.
export function found(table: Table, search: string): boolean {
  const words = search.trim().toLowerCase();
  if (words === '') return true;
  if (/[*?]/.test(words)) return matches(words.includes('.') ? words : `*.${words}`, table.schema, table.table);
  return `${table.schema}.${table.table}`.toLowerCase().includes(words);
}

export const toStreams = (choice: Choice): Stream[] => [
  ...Object.values(choice.tables),
  ...choice.patterns.map((pattern) => ({ tables: pattern })),
  ...choice.queries,
];

export function ofPipeline(pipeline: Pipeline): Choice {
  const tables: Choice['tables'] = {};
  const patterns: string[] = [];
  for (const stream of pipeline.streams) {
    if (stream.table) tables[stream.table] = stream;
    else if (typeof stream.tables === 'string') patterns.push(stream.tables);
  }
  return { tables, patterns, queries: [] };
}

// The choice made a pipeline's streams: queries and lists of patterns, which are not chosen here, stay; so does what
// else is said of a pattern.
export function mergeInto(streams: Stream[], choice: Choice): Stream[] {
  const chosen = toStreams(choice).map((next) => (next.tables ? (streams.find((was) => was.tables === next.tables) ?? next) : next));
  return [...streams.filter((was) => !was.table && typeof was.tables !== 'string'), ...chosen];
}
export const EMPTY_CHOICE: Choice = { tables: {}, patterns: [], queries: [] };
