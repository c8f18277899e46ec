// What the service says of single fields, to stand at them.
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/http';
import type { FieldProblem } from '../api/types';

export const said = ({ problem, remedy }: FieldProblem) => `${problem.charAt(0).toUpperCase()}${problem.slice(1)}. ${remedy}`;

// By field; of `streams[2].sql` and the like, what stands after `under`. The first problem of each counts.
export function wrongOf(error: unknown, under = ''): Record<string, string> {
  const wrong: Record<string, string> = {};
  if (!(error instanceof ApiError)) return wrong;
  for (const one of error.problem.problems) if (one.field.startsWith(under)) wrong[one.field.slice(under.length)] ??= said(one);
  return wrong;
}

// Whether something of it stands at none of these fields, and must be told for itself.
export function isElsewhere(error: unknown, fields: readonly string[], under = ''): boolean {
  if (error === null) return false;
  if (!(error instanceof ApiError) || error.problem.problems.length === 0) return true;
  return error.problem.problems.some(({ field }) => !fields.some((known) => field === under + known));
}

export interface Wrong {
  at: Record<string, string>;
  touch: (...fields: string[]) => void;
}

// What is still said: nothing more of a field that was changed since. Whoever pressed the button is taken to the first
// field that is wrong.
export function useWrong(form: RefObject<HTMLElement | null>, error: unknown, under = ''): Wrong {
  // Changed since this error came; of another one they count for nothing.
  const [touched, setTouched] = useState<{ since: unknown; fields: string[] }>({ since: null, fields: [] });
  useEffect(() => {
    if (error !== null) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [error]);
  const over = touched.since === error ? touched.fields : [];
  const at = Object.fromEntries(Object.entries(wrongOf(error, under)).filter(([field]) => !over.includes(field)));
  return { at, touch: (...fields) => setTouched({ since: error, fields: [...over, ...fields] }) };
}
