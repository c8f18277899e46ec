import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser } from './event_parser.ts';

const STREAM = ': hello\n\nid: 7\nevent: finding\ndata: {"a":\ndata: 1}\n\nevent: end\r\ndata: []\r\n\r\n';

test('events are the same wherever the stream is cut', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new EventParser();
    const events = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
    assert.deepEqual(events, [
      { id: '7', event: 'finding', data: { a: 1 } },
      { id: '7', event: 'end', data: [] },
    ]);
  }
});

test('an event without its empty line is none yet', () => {
  assert.deepEqual(new EventParser().push('event: end\ndata: {}\n'), []);
});
