// When a pipeline runs by itself.
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Pipeline, Schedule } from '../api/types';
import { Busy, Choice, Field } from '../components/form';
import { useAction } from '../components/load';
import { Failure } from '../components/states';
import { isElsewhere, wrongOf } from '../components/wrong';
import { mayWrite, useSession } from '../session';
import { nextRun } from '../words/format';

const PRESETS: readonly (readonly [string, string])[] = [
  ['', 'Only by hand'],
  ['*/15 * * * *', 'Every 15 minutes'],
  ['@hourly', 'Every hour'],
  ['30 6 * * *', 'Every day at 6:30'],
  ['30 6 * * 1-5', 'Monday to Friday at 6:30'],
  ['own', 'By cron…'],
];

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function ScheduleCard({ pipeline, onChange }: { pipeline: Pipeline; onChange: (pipeline: Pipeline) => void }) {
  const { tenant, me } = useSession();
  const was = pipeline.schedule;
  const known = PRESETS.some(([cron]) => cron === (was?.cron ?? ''));
  const [preset, setPreset] = useState(known ? (was?.cron ?? '') : 'own');
  const [cron, setCron] = useState(was?.cron ?? '0 * * * *');
  const [timeZone, setTimeZone] = useState(was?.time_zone ?? zone());
  const [paused, setPaused] = useState(was?.paused ?? false);
  const [saved, setSaved] = useState(false);
  const save = useAction(async () => {
    const next: Schedule | null = preset === '' ? null : { cron: preset === 'own' ? cron.trim() : preset, time_zone: timeZone.trim() || null, jitter: was?.jitter ?? null, paused };
    const changed = await api.putSchedule(tenant.id, await api.pipeline(tenant.id, pipeline.id), next);
    onChange(changed);
    setSaved(true);
  });
  const touched = <T,>(set: (value: T) => void) => (value: T) => (setSaved(false), set(value));
  const wrong = wrongOf(save.error, 'schedule.');
  return (
    <section class="card stack" aria-labelledby="schedule">
      <h2 id="schedule">Schedule</h2>
      <Field label="It runs" value={preset} options={PRESETS} onValue={touched(setPreset)} disabled={!mayWrite(me)} />
      {preset === 'own' && (
        <Field label="Cron" value={cron} mono onValue={touched(setCron)} wrong={wrong['cron']} hint="Minute, hour, day of the month, month, day of the week." />
      )}
      {preset !== '' && (
        <>
          <Field label="Time zone" value={timeZone} onValue={touched(setTimeZone)} wrong={wrong['time_zone']} />
          <Choice kind="checkbox" label="Paused" checked={paused} onPick={touched(setPaused)} />
        </>
      )}
      {isElsewhere(save.error, ['cron', 'time_zone'], 'schedule.') && <Failure error={save.error} />}
      {mayWrite(me) && (
        <div class="row">
          <button class="button" disabled={save.busy} onClick={() => void save.run()}>
            <Busy when={save.busy}>Save the schedule</Busy>
          </button>
          <span role="status" class="muted small">
            {saved && 'Saved. '}
            {was && nextRun(was, pipeline.status.next_run_at)}
          </span>
        </div>
      )}
    </section>
  );
}
