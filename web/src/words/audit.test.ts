import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOf, wordsOf } from './audit.ts';
import { listOf } from './list.ts';

test('what was done is told in words', () => {
  for (const [action, words] of [
    ['alert.create', 'Made an alert'],
    ['tenant.update', 'Changed a tenant'],
    ['destination.delete', 'Removed a destination'],
    ['token.delete', 'Revoked a token'],
    ['alert.given_up', 'Gave up a message that nobody took'],
    ['one.day', 'one.day'],
    ['', ''],
  ] as const) {
    assert.equal(wordsOf(action), words);
  }
});

test('what is still there can be gone to', () => {
  assert.deepEqual(placeOf('run.start', 'run_1'), ['runs', 'run_1']);
  assert.deepEqual(placeOf('source.update', 'src_1'), ['connect', 'src_1']);
  assert.equal(placeOf('source.delete', 'src_1'), null);
  assert.equal(placeOf('token.create', 'tok_1'), null);
});

test('a list is what stands between commas', () => {
  assert.deepEqual(listOf(' a, b ,,c'), ['a', 'b', 'c']);
  assert.deepEqual(listOf(' , '), []);
});
