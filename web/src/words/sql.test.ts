import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeIn } from './sql.ts';

const SQL = 'SELECT a\nFROM t;\nDROP TABLE t';

test('a mistake is found at its line', () => {
  assert.deepEqual(placeIn(SQL, 'A second statement (line 2, column 7 of the query). Leave it out.'), { line: 2, column: 7, text: 'FROM t;', offset: 15 });
  assert.equal(SQL[15], ';');
});

test('what is told of no place, or of one that is not there, is no place', () => {
  for (const told of ['', 'It is empty', '(line 9, column 1 of the query)', '(line 0, column 1 of the query)']) assert.equal(placeIn(SQL, told), null, told);
  assert.equal(placeIn('x', '(line 1, column 99 of the query)')?.offset, 1);
});
