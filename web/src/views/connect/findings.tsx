import type { Finding } from '../../api/types';
import { Code } from '../../components/form';
import { Icon, type IconName } from '../../components/icon';
import { sentence } from '../../components/states';

const ICON: Record<Finding['severity'], [IconName, string]> = {
  ok: ['check', 'Right'],
  advice: ['info', 'Advice'],
  warning: ['warning', 'Warning'],
  failure: ['cross', 'Wrong'],
  skipped: ['skip', 'Not looked at'],
};

const lines = (text: string) => text.split('\n').length;

export function Findings({ of }: { of: Finding[] }) {
  return (
    <ul class="findings">
      {of.map((one) => {
        const [icon, said] = ICON[one.severity];
        return (
          <li class={`finding is-${one.severity}`}>
            <Icon name={icon} />
            <div class="wrap">
              <span class="hidden">{said}: </span>
              {one.title && <strong>{sentence(one.title)}. </strong>}
              {sentence(one.seen)}
              {one.subject && <span class="muted"> ({one.subject})</span>}
              {one.severity !== 'ok' && one.why && <p class="muted">{sentence(one.why)}</p>}
              {one.remedy && <Cure text={one.remedy} />}
              {one.cause && one.severity === 'failure' && (
                <details>
                  <summary>What was answered</summary>
                  <p class="mono wrap">{one.cause}</p>
                </details>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

// The first line says what to do; lines behind it are what an administrator copies.
function Cure({ text }: { text: string }) {
  if (lines(text) < 2) return <p class="cure remedy">{sentence(text)}</p>;
  const [first = '', ...rest] = text.split('\n');
  return (
    <div class="cure stack tight">
      <p>{sentence(first)}</p>
      <Code title="What to run" text={rest.join('\n')} />
    </div>
  );
}
