import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Table } from '../api/types.ts';
import { coveredBy, found, mergeInto, proposed, toStreams, withMode } from './choice.ts';

const table = (name: string): Table => ({
  name: `sales.${name}`,
  schema: 'sales',
  table: name,
  type: 'TABLE',
  columns: [],
  unreadable_columns: [],
  hidden: null,
  primary_key: ['id'],
  proposed: { sync_mode: 'incremental', write_mode: 'merge', primary_key: ['id'], cursor: 'at', reason: '' },
  rows: 1,
  bytes: 1,
});

test('a stream is what was proposed, and changes with its mode', () => {
  const orders = table('orders');
  const stream = proposed(orders);
  assert.deepEqual(stream, { table: 'sales.orders', sync_mode: 'incremental', write_mode: 'merge', primary_key: ['id'], cursor: 'at' });
  const full = withMode(stream, 'full_refresh/overwrite', orders);
  assert.deepEqual(full, { table: 'sales.orders', sync_mode: 'full_refresh', write_mode: 'overwrite' });
  assert.deepEqual(withMode(full, 'incremental/merge', orders), stream);
});

test('a pattern takes tables in either case, and a search finds parts of names', () => {
  const choice = { tables: {}, patterns: ['SALES.ord*'], queries: [] };
  assert.equal(coveredBy(choice, table('orders')), 'SALES.ord*');
  assert.equal(coveredBy(choice, table('lines')), undefined);
  for (const search of ['', 'ORD', 'sales.', 'sales.*', 'o?ders']) assert.ok(found(table('orders'), search), search);
  for (const search of ['hr', 'hr.*', 'o?der']) assert.ok(!found(table('orders'), search), search);
});

test('what is not chosen here stays in a pipeline', () => {
  const query = { name: 'big', sql: 'SELECT 1' };
  const list = { tables: ['a.*', 'b.*'] };
  const pattern = { tables: 'sales.*', exclude: ['*_tmp'] };
  const choice = { tables: { 'hr.people': { table: 'hr.people' } }, patterns: ['sales.*', 'new.*'], queries: [] };
  assert.deepEqual(mergeInto([query, pattern, list, { table: 'gone.t' }], choice), [query, list, { table: 'hr.people' }, pattern, { tables: 'new.*' }]);
  assert.deepEqual(toStreams({ tables: {}, patterns: [], queries: [] }), []);
  assert.deepEqual(toStreams({ tables: {}, patterns: ['a.*'], queries: [query] }), [{ tables: 'a.*' }, query]);
});

