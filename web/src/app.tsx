// Who is it, and which view do they want?
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from './api/client';
import { ApiError, useBearer } from './api/http';
import type { Me, Tenant } from './api/types';
import { Failure, Loading } from './components/states';
import { Frame } from './frame';
import { keepPrefill } from './prefill';
import { usePath } from './router';
import { SessionContext } from './session';
import { setVariables } from './theme';
import { Embedded } from './views/connect/embedded';
import { FirstTenant, SignIn } from './views/sign_in';

const EMBEDDED = location.pathname === '/connect';
const TOKEN_KEY = 'sluice.connect.token';
const TENANT_KEY = 'sluice.tenant';

// The token of a link, taken out of the address at once so that it stays in no history.
function takeToken(): string | null {
  const query = new URLSearchParams(EMBEDDED ? location.search || location.hash.slice(1) : location.hash.slice(1));
  const token = query.get('token');
  if (EMBEDDED) setVariables(Object.fromEntries(query));
  if (token) keepPrefill(query);
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}

async function whoAmI(): Promise<Me> {
  const token = takeToken();
  if (!EMBEDDED) return token ? api.signIn(token) : api.me();
  // In a frame of another site there are no cookies: the token goes with each call. It is kept for a reload, in this tab.
  if (token) sessionStorage.setItem(TOKEN_KEY, token);
  useBearer(token ?? sessionStorage.getItem(TOKEN_KEY));
  return api.me();
}

export function App() {
  const [me, setMe] = useState<Me | null>(null);
  const [tenants, setTenants] = useState<Tenant[] | null>(null);
  const [picked, setPicked] = useState(() => localStorage.getItem(TENANT_KEY));
  const [error, setError] = useState<unknown>(null);
  const begin = () => {
    setError(null);
    whoAmI()
      .then(async (who) => {
        setTenants(who.tenant ? [who.tenant] : await api.tenants());
        setMe(who);
      })
      .catch(setError);
  };
  useEffect(begin, []);
  // A link may be opened in the tab that shows the page already.
  useEffect(() => {
    const changed = () => location.hash.startsWith('#token=') && begin();
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);

  const refused = error instanceof ApiError && [401, 403].includes(error.problem.status);
  if (error && EMBEDDED) {
    return (
      <main class="embedded stack">
        <h1>Connect your warehouse</h1>
        <Failure error={error} />
        <p>Ask whoever gave you this form for a new link. A link holds for an hour.</p>
      </main>
    );
  }
  if (refused) return <SignIn error={error} onDone={begin} />;
  if (error) {
    return (
      <main class="gate">
        <h1 class="hidden">Sluice</h1>
        <Failure error={error} again={begin} />
      </main>
    );
  }
  if (!me || !tenants) {
    return (
      <main class="main">
        <h1 class="hidden">Sluice</h1>
        <Loading what="the page" />
      </main>
    );
  }
  const tenant = tenants.find((one) => one.id === picked) ?? tenants[0];
  if (!tenant) return <FirstTenant me={me} onDone={(made) => setTenants([made])} />;
  const pick = (id: string) => {
    localStorage.setItem(TENANT_KEY, id);
    setPicked(id);
  };
  const added = (made: Tenant) => {
    setTenants([...tenants, made]);
    pick(made.id);
  };
  const session = { me, tenants, tenant, pick, added, embedded: EMBEDDED };
  return <SessionContext.Provider value={session}>{EMBEDDED ? <Embedded /> : <Inside tenant={tenant.id} />}</SessionContext.Provider>;
}

function Inside({ tenant }: { tenant: string }) {
  const path = usePath();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // Another view: those who hear the page are taken to its heading.
  const where = path.slice(0, 3).join('/');
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [where]);
  return <Frame key={tenant} path={path} main={main} />;
}
