// Loading, empty and error, the same everywhere.
import type { ComponentChildren } from 'preact';
import { ApiError } from '../api/http';
import { Icon, type IconName } from './icon';

export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status" aria-label={`Loading ${what}`}>
      <div class="bone" />
      <div class="bone" />
      <div class="bone" />
    </div>
  );
}

export function Empty(props: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <section class="card empty">
      <Icon name={props.icon} />
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}

export function Notice(props: { kind: 'good' | 'warn' | 'bad' | 'busy'; title: string; live?: boolean; children?: ComponentChildren }) {
  const icon = { good: 'check', warn: 'warning', bad: 'warning', busy: 'info' } as const;
  return (
    <div class={`notice ${props.kind}`} role={props.live === false ? undefined : props.kind === 'bad' ? 'alert' : 'status'}>
      <Icon name={icon[props.kind]} />
      <div>
        <strong>{props.title}</strong>
        {props.children}
      </div>
    </div>
  );
}

// With a capital, unless it begins with a name: `acme-staging is …`, `localhost:5439 answers`.
export const sentence = (text: string) => (/^[a-z]+([ ,.]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text);

export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  if (!(error instanceof ApiError)) throw error;
  const { title, detail, remedy, problems } = error.problem;
  return (
    <Notice kind="bad" title={sentence(detail || title)}>
      {problems.map((one) => (
        <p class="wrap">
          <code>{one.field}</code> {one.problem}. <span class="remedy">{one.remedy}</span>
        </p>
      ))}
      {remedy && problems.length === 0 && <p class="remedy">{sentence(remedy)}</p>}
      {again && (
        <p>
          <button class="button compact" onClick={again}>
            Try again
          </button>
        </p>
      )}
    </Notice>
  );
}
