// What stands around every view: where one can go, whose tables these are, light or dark.
import type { RefObject } from 'preact';
import { useEffect, useErrorBoundary } from 'preact/hooks';
import { api } from './api/client';
import { Icon, type IconName } from './components/icon';
import { Notice } from './components/states';
import { link } from './router';
import { mayWrite, useSession } from './session';
import { useTheme } from './theme';
import { AlertsView } from './views/alerts';
import { AuditView } from './views/audit';
import { Connect } from './views/connect/connect';
import { MoreView } from './views/more';
import { OverviewView } from './views/overview';
import { PipelineView } from './views/pipeline';
import { PipelinesView } from './views/pipelines';
import { RunView } from './views/run';
import { RunsView } from './views/runs';
import { SourcesView } from './views/sources';
import { TablesView } from './views/tables';
import { TokensView } from './views/tokens';

type Place = readonly [string, string, IconName];
const PLACES: readonly Place[] = [
  ['', 'Overview', 'overview'],
  ['connect', 'Connect', 'connect'],
  ['sources', 'Sources', 'sources'],
  ['pipelines', 'Pipelines', 'flow'],
  ['runs', 'Runs', 'runs'],
];
// What one goes to less often: on a phone behind `more`.
const FURTHER: readonly Place[] = [
  ['alerts', 'Alerts', 'bell'],
  ['tokens', 'Tokens', 'key'],
  ['audit', 'Audit log', 'list'],
];
const MORE: Place = ['more', 'More', 'more'];

function view(path: string[]) {
  const [place, id, more] = path;
  if (place === undefined) return <OverviewView />;
  if (place === 'connect') return <Connect key={id ?? ''} source={id ?? null} />;
  if (place === 'sources' && id && more === 'tables') return <TablesView key={id} of={{ source: id }} />;
  if (place === 'pipelines' && id && more === 'tables') return <TablesView key={id} of={{ pipeline: id }} />;
  if (place === 'sources') return <SourcesView />;
  if (place === 'pipelines' && id) return <PipelineView key={id} id={id} />;
  if (place === 'pipelines') return <PipelinesView />;
  if (place === 'runs' && id) return <RunView key={id} id={id} />;
  if (place === 'runs') return <RunsView />;
  if (place === 'alerts') return <AlertsView />;
  if (place === 'tokens') return <TokensView />;
  if (place === 'audit') return <AuditView />;
  if (place === 'more') return <MoreView />;
  return (
    <div class="view">
      <h1>There is nothing here</h1>
      <p>
        <a href={link()}>Go to the overview</a>
      </p>
    </div>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path d="M8 6v20M24 6v20" stroke="var(--on-accent)" stroke-width="3" stroke-linecap="round" />
      <path d="M12 8h8v7h-8z" fill="var(--on-accent)" opacity=".75" />
      <path
        d="M11 20c2-2 3 2 5 0s3 2 5 0M11 25c2-2 3 2 5 0s3 2 5 0"
        stroke="var(--on-accent)"
        stroke-width="2"
        fill="none"
        stroke-linecap="round"
      />
    </svg>
  );
}

export function ThemeButton() {
  const [theme, toggle] = useTheme();
  return (
    <button class="button quiet compact" onClick={toggle} aria-label={theme === 'dark' ? 'Use light colours' : 'Use dark colours'}>
      <Icon name={theme === 'dark' ? 'sun' : 'moon'} />
    </button>
  );
}

function TenantPicker() {
  const { tenants, tenant, pick } = useSession();
  if (tenants.length < 2) return <span class="who small wrap">{tenant.name}</span>;
  return (
    <select class="bare" aria-label="Tenant" value={tenant.id} onChange={(event) => pick(event.currentTarget.value)}>
      {tenants.map((one) => (
        <option value={one.id} selected={one.id === tenant.id}>
          {one.name}
        </option>
      ))}
    </select>
  );
}

function To({ place: [place, label, icon], here, only }: { place: Place; here: string; only?: 'wide' | 'narrow' }) {
  return (
    <a class={only && `only-${only}`} href={place ? link(place) : link()} aria-current={here === place ? 'page' : undefined}>
      <Icon name={icon} />
      {label}
    </a>
  );
}

function Side({ here }: { here: string }) {
  const { me } = useSession();
  const further = FURTHER.filter(([place]) => place === 'alerts' || mayWrite(me));
  const leave = () => void api.signOut().finally(() => location.reload());
  return (
    <header class="side">
      <a class="brand" href={link()}>
        <Logo />
        <span>{me.vendor ?? 'Sluice'}</span>
      </a>
      <nav class="nav" aria-label="Views">
        {PLACES.map((place) => (
          <To place={place} here={here} />
        ))}
        {further.map((place) => (
          <To place={place} here={here} only="wide" />
        ))}
        <To place={MORE} here={further.some(([place]) => place === here) ? 'more' : here} only="narrow" />
      </nav>
      <div class="foot">
        <TenantPicker />
        <div class="row">
          <ThemeButton />
          <button class="button quiet compact" onClick={leave}>
            Sign out
          </button>
        </div>
        <span class="who muted small">Sluice {me.version}</span>
      </div>
    </header>
  );
}

// A view that fails in a way of its own takes nothing else with it.
function Guarded({ path }: { path: string[] }) {
  const [error, reset] = useErrorBoundary();
  useEffect(() => reset(), [path.join('/')]);
  if (error) {
    return (
      <div class="view">
        <h1>This view failed</h1>
        <Notice kind="bad" title="The page made a mistake">
          <p>
            <button class="button compact" onClick={reset}>
              Try again
            </button>
          </p>
        </Notice>
      </div>
    );
  }
  return view(path);
}

export function Frame({ path, main }: { path: string[]; main: RefObject<HTMLElement | null> }) {
  const here = path[0] ?? '';
  useEffect(() => {
    document.title = `${[...PLACES, ...FURTHER].find(([place]) => place === here)?.[1] ?? 'Sluice'} · Sluice`;
  }, [here]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Go to the content
      </a>
      <Side here={here} />
      <main class="main" id="main" ref={main} tabIndex={-1}>
        <Guarded path={path} />
      </main>
    </div>
  );
}
