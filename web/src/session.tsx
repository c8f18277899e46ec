// Who uses the page, and which tenant they look at.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Me, Tenant } from './api/types';

export interface Session {
  me: Me;
  tenants: Tenant[];
  tenant: Tenant;
  pick: (id: string) => void;
  added: (tenant: Tenant) => void;
  embedded: boolean;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('no session');
  return session;
}
export const mayWrite = (me: Me) => me.scope !== 'read';
