// The guide as a path of six steps on one screen.
import { api } from '../../api/client';
import type { Source } from '../../api/types';
import { Busy } from '../../components/form';
import { Icon } from '../../components/icon';
import { Show, useAction, useLoad } from '../../components/load';
import { Empty, Failure, Notice } from '../../components/states';
import { go, link } from '../../router';
import { mayWrite, useSession } from '../../session';
import { Findings } from './findings';
import { type Form, useConnect } from './form';
import { findingsOf, SAID, standing, STEPS, type Standing, type Step } from './steps';
import { STEP_BODIES } from './step_bodies';

export function Connect({ source }: { source: string | null }) {
  const { tenant, me } = useSession();
  const loaded = useLoad(`source ${source}`, async () => (source ? api.source(tenant.id, source) : null));
  if (!mayWrite(me)) {
    return (
      <div class="view">
        <h1>Connect your warehouse</h1>
        <Empty icon="shield" title="You may look, but not change">
          <p>This needs a token that may write. Ask an administrator of this service.</p>
        </Empty>
      </div>
    );
  }
  if (source === null) return <ConnectForm source={null} onSaved={(saved) => go('sources', saved.id, 'tables')} />;
  return (
    <>
      {loaded.data === null && <h1 class="hidden">Change the connection</h1>}
      <Show of={loaded} what="the connection">
        {(found) => <ConnectForm source={found} onSaved={() => go('sources')} />}
      </Show>
    </>
  );
}

export function ConnectForm({ source, onSaved }: { source: Source | null; onSaved: (source: Source) => void }) {
  const { tenant, me, embedded } = useSession();
  const form = useConnect(tenant.id, source);
  const stand = (step: Step) => standing(step, form.draft, form.test.findings, form.test.running);
  const title = source ? `Change “${source.name}”` : 'Connect your warehouse';
  return (
    <div class="view">
      <div class="spread">
        <div class="title">
          {!embedded && source && (
            <a class="back" href={link('sources')}>
              ← Sources
            </a>
          )}
          <h1 class="wrap">{title}</h1>
          <p class="muted">
            Six steps, {me.vendor ? `so that ${me.vendor} can read from` : 'from'} Amazon Redshift Serverless. What you fill in stays in this tab until you
            save it.
          </p>
        </div>
        <button class="button quiet compact" onClick={form.startAgain}>
          Start again
        </button>
      </div>
      <div class="connect">
        <nav class="steps" aria-label="Steps">
          {STEPS.map((step, index) => (
            <a
              href={`#step-${step.id}`}
              onClick={(event) => {
                event.preventDefault();
                const target = document.getElementById(`step-${step.id}`);
                target?.scrollIntoView({ behavior: 'smooth' });
                target?.querySelector<HTMLElement>('input,select,button,summary')?.focus({ preventScroll: true });
              }}
            >
              <Dot number={index + 1} standing={stand(step)} />
              <span>
                {step.title}
                <span class="hidden">, {SAID[stand(step)]}</span>
              </span>
            </a>
          ))}
        </nav>
        <div class="stack">
          {STEPS.map((step, index) => (
            <StepCard step={step} number={index + 1} standing={stand(step)} form={form} source={source} onSaved={onSaved} />
          ))}
        </div>
      </div>
    </div>
  );
}

function Dot({ number, standing: how }: { number: number; standing: Standing }) {
  return (
    <span class={`dot ${how}`} aria-hidden="true">
      {how === 'good' && <Icon name="check" />}
      {how === 'bad' && <Icon name="cross" />}
      {how === 'warn' && <Icon name="warning" />}
      {how === 'busy' && <Icon name="busy" spin />}
      {(how === 'open' || how === 'filled') && number}
    </span>
  );
}

interface CardProps {
  step: Step;
  number: number;
  standing: Standing;
  form: Form;
  source: Source | null;
  onSaved: (source: Source) => void;
}

function StepCard({ step, number, standing: how, form, source, onSaved }: CardProps) {
  const Body = STEP_BODIES[step.id]!;
  const findings = findingsOf(step, form.test.findings);
  const id = `step-${step.id}`;
  return (
    <section class="card step stack" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <Dot number={number} standing={how} />
        <div>
          <h2 id={`${id}-title`}>
            <span class="hidden">Step {number}: </span>
            {step.title}
          </h2>
          <p class="muted">{step.about}</p>
        </div>
      </header>
      <Body form={form} source={source} />
      {step.id === 'test' && <TestAndSave form={form} onSaved={onSaved} />}
      {findings.length > 0 && <Findings of={findings} />}
    </section>
  );
}

function verdict(form: Form): { kind: 'good' | 'warn' | 'bad'; title: string; text: string } | null {
  const { running, findings, ended } = form.test;
  if (running || findings.length === 0) return null;
  const failures = findings.filter((one) => one.severity === 'failure').length;
  const warnings = findings.filter((one) => one.severity === 'warning').length;
  if (failures > 0) {
    const text = 'The step that it belongs to says what to do. Fix it, then test again.';
    return { kind: 'bad', title: failures === 1 ? 'One thing must be fixed' : `${failures} things must be fixed`, text };
  }
  if (ended?.exit_code) return { kind: 'bad', title: 'The test did not come to its end', text: ended.error?.message ?? 'Test again.' };
  if (warnings > 0) return { kind: 'warn', title: 'It works, with a warning', text: 'Read it at its step before you go on.' };
  return { kind: 'good', title: 'Everything works', text: 'Each step is proven. Save the connection to go on.' };
}

function TestAndSave({ form, onSaved }: { form: Form; onSaved: (source: Source) => void }) {
  const save = useAction(async () => {
    const saved = await form.save();
    if (saved) onSaved(saved);
  });
  const told = verdict(form);
  const proven = told !== null && told.kind !== 'bad';
  return (
    <div class="stack">
      <div class="row">
        {form.test.running ? (
          <button class="button" onClick={form.stop}>
            <Icon name="stop" /> Stop the test
          </button>
        ) : (
          <button class={proven ? 'button' : 'button primary'} onClick={() => void form.run()}>
            <Icon name="play" /> {form.test.findings.length ? 'Test again' : 'Test the connection'}
          </button>
        )}
        <button class={proven ? 'button primary' : 'button'} disabled={save.busy || form.test.running} onClick={() => void save.run()}>
          <Busy when={save.busy}>{proven ? 'Save the connection' : 'Save without a test'}</Busy>
        </button>
      </div>
      <div aria-live="polite">
        {form.test.running && <p class="muted">Testing… {form.test.findings.length} things looked at. A workgroup that sleeps takes a moment to wake up.</p>}
      </div>
      {form.test.error !== null && <Failure error={form.test.error} />}
      {save.error !== null && <Failure error={save.error} />}
      {told && (
        <Notice kind={told.kind} title={told.title}>
          <p>{told.text}</p>
        </Notice>
      )}
    </div>
  );
}
