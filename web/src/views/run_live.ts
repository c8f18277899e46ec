// A run as its events tell it. Pure.
import type { ServerEvent } from '../api/event_parser';
import type { Run, StreamResult } from '../api/types';

export interface LiveStream {
  stream: string;
  phase: string;
  rows_loaded: number;
  rows_total: number | null;
  bytes_fetched: number;
  bytes_total: number | null;
  result: StreamResult | null;
}

export interface Live {
  run: Run | null;
  streams: LiveStream[];
  lost: boolean;
}

export const PHASES: Record<string, string> = {
  waiting: 'Waiting for its turn',
  plan: 'Planning',
  login: 'Logging in',
  unload: 'Redshift writes files',
  load: 'Loading',
  commit: 'Committing',
  clean: 'Cleaning up',
};

const fresh = (stream: string): LiveStream => ({ stream, phase: 'waiting', rows_loaded: 0, rows_total: null, bytes_fetched: 0, bytes_total: null, result: null });

function update(streams: LiveStream[], name: string, change: Partial<LiveStream>): LiveStream[] {
  const known = streams.some((one) => one.stream === name);
  return (known ? streams : [...streams, fresh(name)]).map((one) => (one.stream === name ? { ...one, ...change } : one));
}

export function reduce(live: Live, { event, data }: ServerEvent): Live {
  const body = data as Record<string, unknown>;
  const name = typeof body['stream'] === 'string' ? body['stream'] : '';
  switch (event) {
    case 'state':
    case 'end':
      return { ...live, run: data as Run };
    case 'run_began':
      return { ...live, streams: (body['streams'] as string[]).map((one) => live.streams.find((was) => was.stream === one) ?? fresh(one)) };
    case 'stream_phase':
      return { ...live, streams: update(live.streams, name, { phase: String(body['phase']) }) };
    case 'stream_progress':
      return {
        ...live,
        streams: update(live.streams, name, {
          phase: String(body['phase']),
          rows_loaded: Number(body['rows_loaded']),
          rows_total: body['rows_total'] as number | null,
          bytes_fetched: Number(body['bytes_fetched']),
          bytes_total: body['bytes_total'] as number | null,
        }),
      };
    case 'stream_ended':
      return { ...live, streams: update(live.streams, name, { result: data as StreamResult }) };
    default:
      return live;
  }
}

// At its end the document of the run says all, also what the events did not.
export function settled(live: Live): LiveStream[] {
  const results = live.run?.streams ?? null;
  if (!results) return live.streams;
  return results.reduce((streams, result) => update(streams, result.stream, { result }), live.streams);
}

// Share that is done, 0 to 1; null: nobody knows yet.
export function share(stream: LiveStream): number | null {
  if (stream.result) return 1;
  if (stream.rows_total) return Math.min(1, stream.rows_loaded / stream.rows_total);
  return null;
}
