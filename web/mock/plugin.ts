// A made-up service in memory, with the answers of src/serve/api/openapi.yaml: enough to see each view. It proves
// nothing; tests/browser runs the real one.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { checkFindings, discover, runEvents, setup } from './made_up.ts';

type Json = Record<string, any>;
const now = (ago = 0) => new Date(Date.now() - ago * 1000).toISOString();

const world = {
  signedIn: true,
  tenants: [{ id: 'ten_1', name: 'Acme' }] as Json[],
  sources: [] as Json[],
  destinations: [] as Json[],
  pipelines: [] as Json[],
  runs: [] as Json[],
  alerts: [] as Json[],
  tokens: [{ id: 'tok_1', name: 'first', scope: 'admin', tenant: null, created_at: now(9000), expires_at: null, last_used_at: now(5) }] as Json[],
};
let next = 1;

function finish(run: Json, streams: string[], state = 'succeeded') {
  const ended = streams.map((stream, index) => runEvents(stream, index).result);
  Object.assign(run, {
    state,
    ended_at: now(),
    seconds: (Date.now() - Date.parse(run.started_at)) / 1000,
    rows: ended.reduce((sum, one) => sum + one.rows, 0),
    bytes: ended.reduce((sum, one) => sum + one.bytes, 0),
    counts: { inserted: 1, updated: 0, unchanged: 0, deleted: 0, skipped: 0 },
    cost: { billed_seconds: 60, rpu_seconds: 480, amount: 0.05 },
    streams: ended,
  });
}

const list = (items: Json[]) => ({ items, next_cursor: null });
const named = (pipeline: Json) => pipeline.streams.map((one: Json) => one.name ?? one.table ?? one.tables);

async function answer(method: string, path: string, body: Json, response: ServerResponse): Promise<unknown> {
  const [, first, , kind, id, more] = path.split('/');
  if (first === 'session') return (world.signedIn = method === 'POST') ? me() : undefined;
  if (!world.signedIn) return problem(response, 401, 'authentication', 'You are not signed in.', 'Open the link of sluice serve.');
  if (first === 'me') return me();
  if (first === 'overview') return overview();
  if (first === 'tenants' && !kind) return list(world.tenants);
  if (first === 'audit') return list([entry('run.start', 'run_1'), entry('alert.create', 'alr_1'), entry('token.create', 'tok_1')]);
  if (first === 'tokens' && method === 'GET') return list(world.tokens);
  if (first === 'tokens' && method === 'DELETE') return void (world.tokens = world.tokens.filter((one) => !path.endsWith(one['id'])));
  if (first === 'tokens') return token(body);
  const all = (world as Json)[kind!] as Json[] | undefined;
  if (kind === 'connect-tokens') return { token: 'slc_x', url: '/connect?token=slc_x' };
  if (kind === 'sources' && id === 'test') return events(response, checkFindings(!!body['role_arn']));
  if (kind === 'sources' && more === 'test') return events(response, checkFindings(true));
  if (kind === 'sources' && id === 'setup') return setup(body);
  if (more === 'discover') return discover();
  if (kind === 'alerts' && more === 'test') return undefined;
  const one = all?.find((thing) => thing.id === id);
  if (more === 'preview') return preview();
  if (more === 'runs') return start(one!);
  if (more === 'stop') return Object.assign(one!, { state: 'stopped', ended_at: now(), streams: [] });
  if (more === 'events') return live(one!, response);
  if (id && !one) return problem(response, 404, 'not_found', 'There is nothing with this id.', 'Look at the list.');
  if (method === 'GET') return one ?? list(all!);
  if (method === 'DELETE') return void all!.splice(all!.indexOf(one!), 1);
  if (method === 'PUT') return Object.assign(one!, more === 'schedule' ? { schedule: body } : body);
  const made = { id: `${kind!.slice(0, 3)}_${next++}`, tenant: 'ten_1', version: 1, advanced: {}, last_test: { at: now(90), ok: true }, schedule: null, ...body,
    status: { last_run: null, last_success_at: null, next_run_at: null, late: false } }; // prettier-ignore
  all!.push(made);
  return made;
}

const entry = (action: string, subject: string) => ({ at: now(60), token: 'tok_1', token_name: 'first', tenant: 'ten_1', action, subject, address: '127.0.0.1' });

function token(body: Json) {
  const made = { id: `tok_${next++}`, name: body['name'], scope: body['scope'], tenant: body['tenant'], created_at: now(), expires_at: null, last_used_at: null };
  world.tokens.push(made);
  return { ...made, token: 'slc_madeup', url: '/#token=slc_madeup' };
}

const me = () => ({
  scope: 'admin',
  tenant: null,
  name: 'first',
  expires_at: null,
  version: '0.2.0',
  vendor: null,
  frame_origins: [],
  features: { default_chain: false, any_path: false },
});

function overview() {
  return {
    tenants: world.tenants.map((tenant) => ({
      tenant: tenant.id,
      name: tenant.name,
      pipelines: world.pipelines.length,
      running: 0,
      queued: 0,
      failed: [],
      late: [],
      last_24h: { runs: world.runs.length, succeeded: 0, partly: 0, failed: 0, stopped: 0, rows: 43712, bytes: 1234567 },
      cost_30d: { runs: 3, billed_seconds: 180, rpu_seconds: null, amount: null },
    })),
    queue: { running: 0, queued: 0, oldest_seconds: null },
  };
}

function preview() {
  return { stream: 'sales.orders', columns: [{ name: 'o_orderkey', type: 'bigint', nullable: false }], rows: [['1'], [null]] };
}

function start(pipeline: Json) {
  const run = { id: `run_${next++}`, tenant: 'ten_1', pipeline: pipeline.id, pipeline_name: pipeline.name, trigger: 'manual', state: 'running', stopping: false,
    full: false, queued_at: now(), started_at: now(), ended_at: null, seconds: null, rows: null, bytes: null, counts: null, cost: null, streams: [], error: null }; // prettier-ignore
  world.runs.unshift(run);
  return run;
}

function problem(response: ServerResponse, status: number, code: string, detail: string, remedy: string) {
  response.statusCode = status;
  return { title: code, status, detail, code, operation: '', subject: '', remedy, retryable: false, problems: [] };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const begin = (response: ServerResponse) => response.writeHead(200, { 'Content-Type': 'text/event-stream' });
const put = (response: ServerResponse, event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

async function events(response: ServerResponse, findings: Json[]) {
  begin(response);
  for (const finding of findings) {
    await pause(150);
    put(response, 'finding', finding);
  }
  put(response, 'end', { exit_code: findings.some((one) => one['severity'] === 'failure') ? 1 : 0, findings, error: null });
  response.end();
}

async function live(run: Json, response: ServerResponse) {
  begin(response);
  const streams = named(world.pipelines.find((one) => one.id === run.pipeline)!);
  put(response, 'run_began', { run: run.id, streams });
  for (const [index, stream] of streams.entries()) {
    for (const { event, data } of runEvents(stream, index).events) {
      await pause(300);
      put(response, event, data);
    }
  }
  finish(run, streams);
  put(response, 'end', run);
  response.end();
}

async function handle(request: IncomingMessage, response: ServerResponse) {
  let text = '';
  for await (const piece of request) text += piece;
  const path = request.url!.replace(/\?.*/, '');
  const given = await answer(request.method!, path, text ? JSON.parse(text) : {}, response);
  if (response.headersSent) return;
  if (given === undefined) return void response.writeHead(204).end();
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(given));
}

export function mock(): Plugin {
  return {
    name: 'made-up-service',
    configureServer(server) {
      server.middlewares.use('/api/v1', (request, response) => void handle(request, response));
      server.middlewares.use((request, _, go) => {
        if (request.url?.startsWith('/connect')) request.url = `/index.html${request.url.slice(8)}`;
        go();
      });
    },
  };
}
