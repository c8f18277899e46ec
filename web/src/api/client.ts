// The calls of the API by name.
import { call, etagOf } from './http';
import type * as T from './types';

const tenant = (id: string) => `/tenants/${encodeURIComponent(id)}`;
const at = (t: string, kind: string, id: string, rest = '') => `${tenant(t)}/${kind}/${encodeURIComponent(id)}${rest}`;

async function all<X>(path: string): Promise<X[]> {
  const items: X[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: T.List<X> = await call('GET', `${path}?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

export const api = {
  signIn: (token: string) => call<T.Me>('POST', '/session', { body: { token } }),
  signOut: () => call<void>('DELETE', '/session'),
  me: () => call<T.Me>('GET', '/me'),
  overview: () => call<T.Overview>('GET', '/overview'),
  tenants: () => all<T.Tenant>('/tenants'),
  addTenant: (name: string) => call<T.Tenant>('POST', '/tenants', { body: { name } }),
  connectLink: (t: string) => call<{ token: string; url: string }>('POST', `${tenant(t)}/connect-tokens`, { body: {} }),

  sources: (t: string) => all<T.Source>(`${tenant(t)}/sources`),
  source: (t: string, id: string) => call<T.Source>('GET', at(t, 'sources', id)),
  addSource: (t: string, body: T.SourceInput) => call<T.Source>('POST', `${tenant(t)}/sources`, { body }),
  putSource: (t: string, was: T.Source, body: T.SourceInput) =>
    call<T.Source>('PUT', at(t, 'sources', was.id), { body, ifMatch: etagOf(was) }),
  removeSource: (t: string, id: string) => call<void>('DELETE', at(t, 'sources', id)),
  setup: (t: string, body: T.SourceInput, signal: AbortSignal) =>
    call<T.SetupDocument>('POST', `${tenant(t)}/sources/setup`, { body, signal }),
  discover: (t: string, id: string) => call<T.DiscoverDocument>('POST', at(t, 'sources', id, '/discover')),
  testPath: (t: string, id: string | null) => (id ? at(t, 'sources', id, '/test') : `${tenant(t)}/sources/test`),

  destinations: (t: string) => all<T.Destination>(`${tenant(t)}/destinations`),
  destination: (t: string, id: string) => call<T.Destination>('GET', at(t, 'destinations', id)),
  addDestination: (t: string, body: T.DestinationInput) =>
    call<T.Destination>('POST', `${tenant(t)}/destinations`, { body }),
  putDestination: (t: string, was: T.Destination, body: T.DestinationInput) =>
    call<T.Destination>('PUT', at(t, 'destinations', was.id), { body, ifMatch: etagOf(was) }),
  testDestination: (t: string, id: string, body: T.DestinationInput) =>
    call<T.CheckDocument>('POST', at(t, 'destinations', id, '/test'), { body }),

  pipelines: (t: string) => all<T.Pipeline>(`${tenant(t)}/pipelines`),
  pipeline: (t: string, id: string) => call<T.Pipeline>('GET', at(t, 'pipelines', id)),
  addPipeline: (t: string, body: T.PipelineInput) => call<T.Pipeline>('POST', `${tenant(t)}/pipelines`, { body }),
  // Everything but its streams stays as it was.
  putPipeline: (t: string, was: T.Pipeline, streams: T.Stream[]) => {
    const { id, tenant: _, status: __, version: ___, created_at: ____, updated_at: _____, ...body } = was;
    return call<T.Pipeline>('PUT', at(t, 'pipelines', id), { body: { ...body, streams }, ifMatch: etagOf(was) });
  },
  removePipeline: (t: string, id: string) => call<void>('DELETE', at(t, 'pipelines', id)),
  putSchedule: (t: string, was: T.Pipeline, body: T.Schedule | null) =>
    call<T.Pipeline>('PUT', at(t, 'pipelines', was.id, '/schedule'), { body, ifMatch: etagOf(was) }),
  // `streams`: in place of those that are saved.
  preview: (t: string, id: string, stream: string, streams?: T.Stream[]) =>
    call<T.PreviewDocument>('POST', at(t, 'pipelines', id, '/preview'), { body: { stream, limit: 20, streams } }),

  alerts: (t: string) => all<T.Alert>(`${tenant(t)}/alerts`),
  alert: (t: string, id: string) => call<T.Alert>('GET', at(t, 'alerts', id)),
  addAlert: (t: string, body: T.AlertInput) => call<T.Alert>('POST', `${tenant(t)}/alerts`, { body }),
  putAlert: (t: string, was: T.Alert, body: T.AlertInput) =>
    call<T.Alert>('PUT', at(t, 'alerts', was.id), { body, ifMatch: etagOf(was) }),
  removeAlert: (t: string, id: string) => call<void>('DELETE', at(t, 'alerts', id)),
  testAlert: (t: string, id: string) => call<void>('POST', at(t, 'alerts', id, '/test')),

  tokens: () => all<T.Token>('/tokens'),
  addToken: (body: T.TokenInput) => call<T.NewToken>('POST', '/tokens', { body }),
  removeToken: (id: string) => call<void>('DELETE', `/tokens/${encodeURIComponent(id)}`),
  audit: (cursor: string | null, limit: number) =>
    call<T.List<T.AuditEntry>>('GET', `/audit?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`),

  start: (t: string, pipeline: string, body: { full?: boolean; streams?: string[]; allow_deletes?: boolean } = {}) =>
    call<T.Run>('POST', at(t, 'pipelines', pipeline, '/runs'), { body }),
  runs: (t: string, query: { pipeline?: string; state?: string; cursor?: string; limit?: number } = {}) => {
    const words = Object.entries(query)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
    return call<T.List<T.Run>>('GET', `${tenant(t)}/runs${words.length ? `?${words.join('&')}` : ''}`);
  },
  run: (t: string, id: string) => call<T.Run>('GET', at(t, 'runs', id)),
  stop: (t: string, id: string) => call<T.Run>('POST', at(t, 'runs', id, '/stop')),
  eventsPath: (t: string, id: string) => at(t, 'runs', id, '/events'),
};
