// The one place that fetches. Throws ApiError, with a remedy in it, whatever goes wrong.
import type { Problem } from './types';

const BASE = '/api/v1';

export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

// What is told if no answer of the service's own came.
function made(status: number, title: string, detail: string, remedy: string): Problem {
  return {
    title,
    status,
    detail,
    code: 'unreachable',
    operation: '',
    subject: '',
    remedy,
    retryable: true,
    problems: [],
  };
}

export function unreachable(): ApiError {
  return new ApiError(
    made(0, 'The service does not answer', 'No answer came.', 'Is sluice serve running, and are you connected? Then try again.'),
  );
}

export async function problemOf(response: Response): Promise<ApiError> {
  const type = response.headers.get('content-type') ?? '';
  if (type.includes('json')) {
    try {
      const problem = (await response.json()) as Partial<Problem>;
      return new ApiError({ ...made(response.status, 'It did not work', '', ''), ...problem });
    } catch {
      // Not the service's own answer: a proxy's, cut short. Told below.
    }
  }
  return new ApiError(
    made(
      response.status,
      'It did not work',
      `The answer was HTTP ${response.status}.`,
      'Try again. If it stays so, look at the log of sluice serve and of the proxy before it.',
    ),
  );
}

// A connect token goes with each call; without one, the browser sends the cookie of the session.
let bearer: string | null = null;
export function useBearer(token: string | null): void {
  bearer = token;
}

export function headersOf(extra: Record<string, string> = {}): Record<string, string> {
  const headers: Record<string, string> = { 'X-Sluice-Request': '1', ...extra };
  if (bearer) headers['Authorization'] = `Bearer ${bearer}`;
  return headers;
}

export interface Options {
  body?: unknown;
  ifMatch?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers = headersOf(options.headers);
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.ifMatch) headers['If-Match'] = options.ifMatch;
  // A click that is sent twice makes one thing.
  if (method === 'POST') headers['Idempotency-Key'] ??= crypto.getRandomValues(new Uint32Array(4)).join('-');
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: bearer ? 'omit' : 'same-origin',
      cache: 'no-store',
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw unreachable();
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

const etags = new WeakMap<object, string>();
// What a PUT of a thing must say it has read. REQUIRES: the thing came from a call of its own, not from a list.
export const etagOf = (thing: object) => etags.get(thing) ?? '*';

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  const answer = await response.json();
  const etag = response.headers.get('etag');
  if (etag && typeof answer === 'object' && answer !== null) etags.set(answer, etag);
  return answer as T;
}
