// The form inside of a vendor's own page: nothing around it, and the page is told when it is done.
//   page -> form: postMessage({ type: 'sluice.theme', variables: { accent: '#c2410c', theme: 'dark' } })
//   form -> page: { type: 'sluice.ready' }, { type: 'sluice.connected', source: { id, name } }, { type: 'sluice.height', height }
// Only pages of the origins that the operator allowed (--allow-frame) are told, or listened to.
import { useEffect, useState } from 'preact/hooks';
import type { Source } from '../../api/types';
import { Icon } from '../../components/icon';
import { useSession } from '../../session';
import { setVariables } from '../../theme';
import { ConnectForm } from './connect';

export function Embedded() {
  const { me } = useSession();
  const [done, setDone] = useState<Source | null>(null);
  const tell = (message: object) => {
    if (window.parent === window) return;
    for (const origin of me.frame_origins) window.parent.postMessage(message, origin);
  };
  useEffect(() => {
    document.title = me.vendor ? `Connect your warehouse · ${me.vendor}` : 'Connect your warehouse';
    const hear = (event: MessageEvent) => {
      if (event.source !== window.parent || !me.frame_origins.includes(event.origin)) return;
      const data = event.data as { type?: unknown; variables?: unknown } | null;
      if (data?.type === 'sluice.theme') setVariables(data.variables);
    };
    addEventListener('message', hear);
    const height = new ResizeObserver(() => tell({ type: 'sluice.height', height: document.documentElement.scrollHeight }));
    height.observe(document.body);
    tell({ type: 'sluice.ready' });
    return () => {
      removeEventListener('message', hear);
      height.disconnect();
    };
  }, []);
  const saved = (source: Source) => {
    setDone(source);
    tell({ type: 'sluice.connected', source: { id: source.id, name: source.name } });
  };
  return (
    <main class="embedded">
      {done ? (
        <section class="card empty" role="status">
          <Icon name="check" />
          <h1>Connected</h1>
          <p>
            “{done.name}” is saved. {me.vendor ?? 'The service'} can read from it now. You can close this page.
          </p>
        </section>
      ) : (
        <ConnectForm source={null} onSaved={saved} />
      )}
    </main>
  );
}
