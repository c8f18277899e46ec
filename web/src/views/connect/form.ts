// State of the form: the draft, what the service says of it, the texts for an administrator, the test.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { stream } from '../../api/events';
import { ApiError } from '../../api/http';
import type { CheckDocument, FieldProblem, Finding, SetupDocument, Source, SourceInput } from '../../api/types';
import { said } from '../../components/wrong';
import { forgetPrefill, prefilledDraft } from '../../prefill';
import { parseEndpoint } from '../../words/endpoint';
import { type Draft, EMPTY, forget, fromSource, keep, keyOf, recall, type TextField, toInput } from './draft';

// After this pause in typing the texts for an administrator are asked for.
const SETUP_PAUSE_MS = 600;

// The service names a field as it was sent; the advanced ones stand in a box of their own.
const FIELDS: Record<string, TextField | 'secret'> = {
  secret_access_key: 'secret',
  'advanced.external_id': 'external_id',
};

export function wrongFields(problems: FieldProblem[]): Partial<Record<TextField | 'secret', string>> {
  const wrong: Partial<Record<TextField | 'secret', string>> = {};
  for (const one of problems) {
    const name = FIELDS[one.field] ?? (one.field.startsWith('advanced') ? 'advanced' : (one.field as TextField));
    wrong[name] ??= said(one);
  }
  return wrong;
}

const isSaved = (source: Source | null, body: SourceInput) =>
  source !== null && JSON.stringify(toInput(fromSource(source), '')) === JSON.stringify(body);

export interface Test {
  running: boolean;
  findings: Finding[];
  ended: CheckDocument | null;
  error: unknown;
}

const NO_TEST: Test = { running: false, findings: [], ended: null, error: null };

export function useConnect(tenant: string, source: Source | null) {
  const key = keyOf(tenant, source?.id ?? null);
  const first = useRef(recall(key));
  const [draft, setDraft] = useState<Draft>(() => first.current?.draft ?? (source ? fromSource(source) : prefilledDraft()));
  const [secret, setSecret] = useState('');
  const [test, setTest] = useState<Test>({ ...NO_TEST, findings: first.current?.findings ?? [] });
  const [wrong, setWrong] = useState<Partial<Record<TextField | 'secret', string>>>({});
  const [setup, setSetup] = useState<{ document: SetupDocument | null; error: unknown }>({ document: null, error: null });
  const stopper = useRef<AbortController | null>(null);

  useEffect(() => keep(key, { draft, findings: test.running ? [] : test.findings }), [key, draft, test]);
  useEffect(() => () => stopper.current?.abort(), []);

  const change = (fields: Partial<Draft>) => {
    setDraft((was) => ({ ...was, ...fields }));
    setWrong((was) => Object.fromEntries(Object.entries(was).filter(([field]) => !(field in fields))));
    // What was proven was proven of other values.
    if (!test.running) setTest(NO_TEST);
  };

  const paste = (pasted: string) => {
    const parsed = parseEndpoint(pasted);
    if ('problem' in parsed) {
      change({ pasted });
      if (pasted.trim() !== '') setWrong((was) => ({ ...was, pasted: parsed.problem }));
      return;
    }
    const { host, port, database, workgroup, region } = parsed.endpoint;
    change({
      pasted,
      host,
      port: port ? String(port) : draft.port || '5439',
      database: database ?? (draft.database || 'dev'),
      ...(workgroup ? { workgroup } : {}),
      ...(region && !draft.bucket_region ? { bucket_region: region } : {}),
    });
  };

  // The input, or null with the reason at its field.
  const input = (): SourceInput | null => {
    try {
      return toInput(draft, secret);
    } catch {
      setWrong((was) => ({ ...was, advanced: 'This is no JSON. Write { "field": "value" }, or leave it empty.' }));
      return null;
    }
  };

  useEffect(() => {
    if (!draft.host || !draft.workgroup) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      let body: SourceInput;
      try {
        // The texts never need the key.
        body = toInput({ ...draft }, '');
      } catch {
        return;
      }
      api.setup(tenant, body, abort.signal).then(
        (document) => setSetup({ document, error: null }),
        (error: unknown) => abort.signal.aborted || setSetup({ document: null, error }),
      );
    }, SETUP_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [tenant, draft]);

  const explain = (error: unknown) => {
    if (error instanceof ApiError) setWrong(wrongFields(error.problem.problems));
  };

  const run = async () => {
    const body = input();
    if (!body) return;
    stopper.current?.abort();
    const abort = new AbortController();
    stopper.current = abort;
    setWrong({});
    setTest({ ...NO_TEST, running: true });
    let ended: CheckDocument | null = null;
    try {
      // What is saved already is tested as it stands there, so that the outcome is kept with it; a change with the key
      // that the service keeps, if no other is given.
      const same = isSaved(source, body);
      await stream(
        api.testPath(tenant, source?.id ?? null),
        same ? undefined : body,
        ({ event, data }) => {
          if (event === 'finding') setTest((was) => ({ ...was, findings: [...was.findings, data as Finding] }));
          if (event === 'end') ended = data as CheckDocument;
          if (event === 'problem') throw new ApiError(data as ApiError['problem']);
        },
        abort.signal,
      );
      if (abort.signal.aborted) return;
      const document = ended as CheckDocument | null;
      setTest((was) => ({ running: false, findings: document?.findings ?? was.findings, ended: document, error: null }));
    } catch (error) {
      if (abort.signal.aborted) return;
      explain(error);
      setTest((was) => ({ ...was, running: false, error }));
    }
  };

  const stop = () => {
    stopper.current?.abort();
    setTest((was) => ({ ...was, running: false }));
  };

  const save = async (): Promise<Source | null> => {
    const body = input();
    if (!body) return null;
    // To save what is saved already would only forget that it was proven.
    if (isSaved(source, body)) {
      forget(key);
      return source;
    }
    try {
      const saved = source ? await api.putSource(tenant, source, body) : await api.addSource(tenant, body);
      forget(key);
      if (!source) forgetPrefill();
      return saved;
    } catch (error) {
      explain(error);
      throw error;
    }
  };

  const startAgain = () => {
    forget(key);
    setSecret('');
    setTest(NO_TEST);
    setWrong({});
    forgetPrefill();
    setDraft(source ? fromSource(source) : EMPTY);
  };

  return { draft, change, paste, secret, setSecret, wrong, setup, test, run, stop, save, startAgain };
}

export type Form = ReturnType<typeof useConnect>;
