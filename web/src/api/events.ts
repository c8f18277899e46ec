// Server-sent events by fetch, because EventSource can neither POST nor send a header.
import { EventParser, type ServerEvent } from './event_parser';
import { ApiError, headersOf, problemOf, send, unreachable } from './http';

async function read(response: Response, each: (event: ServerEvent) => void, signal: AbortSignal): Promise<void> {
  const parser = new EventParser();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    for (const event of parser.push(value)) each(event);
  }
}

// One answer of events: returns at its end. Throws ApiError.
export async function stream(
  path: string,
  body: unknown,
  each: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await send('POST', path, { body, signal, headers: { Accept: 'text/event-stream' } });
  try {
    await read(response, each, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof ApiError ? error : unreachable();
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });

// Follows until event `last`: after a loss of the connection it goes on behind the last event that came.
// Throws ApiError if the service refuses.
export async function follow(
  path: string,
  last: string,
  each: (event: ServerEvent) => void,
  lost: (lost: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  let id = '';
  let over = false;
  for (let tries = 0; !over && !signal.aborted; ) {
    try {
      const headers = headersOf({ Accept: 'text/event-stream', ...(id ? { 'Last-Event-ID': id } : {}) });
      const response = await fetch(`/api/v1${path}`, { headers, signal, cache: 'no-store' });
      if (!response.ok && response.status < 500 && response.status !== 429) throw await problemOf(response);
      if (response.ok) {
        lost(false);
        await read(
          response,
          (event) => {
            tries = 0;
            if (event.id) id = event.id;
            each(event);
            over ||= event.event === last;
          },
          signal,
        );
      }
    } catch (error) {
      if (error instanceof ApiError) throw error;
    }
    if (over || signal.aborted) return;
    lost(true);
    await pause(Math.min(10_000, 500 * 2 ** tries++), signal);
  }
}
