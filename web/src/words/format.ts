// Numbers and times for people. Whole and exact beside it, in `title`, where something is shortened.
const number = new Intl.NumberFormat('en');
const time = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

export const count = (n: number | null | undefined) => (n === null || n === undefined ? '–' : number.format(n));
export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${unit === 0 ? n : n.toFixed(n < 10 ? 1 : 0)} ${units[unit]}`;
}

export function seconds(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  if (n < 10) return `${n.toFixed(1)} s`;
  if (n < 90) return `${Math.round(n)} s`;
  const minutes = Math.round(n / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = n / 3600;
  return hours < 36 ? `${hours.toFixed(1)} h` : `${Math.round(hours / 24)} days`;
}

export const when = (at: string | null | undefined) => (at ? time.format(new Date(at)) : '–');

export function ago(at: string | null | undefined, now = Date.now()): string {
  if (!at) return 'never';
  const past = (now - Date.parse(at)) / 1000;
  if (past < 0) return `in ${seconds(Math.max(-past, 10))}`;
  return past < 10 ? 'just now' : `${seconds(past)} ago`;
}

// What a run cost, in the best unit that is known.
export function cost(of: { billed_seconds?: number | null; rpu_seconds?: number | null; amount?: number | null } | null): string {
  if (!of) return '–';
  if (of.amount !== null && of.amount !== undefined) return of.amount.toFixed(of.amount < 1 ? 4 : 2);
  if (of.rpu_seconds !== null && of.rpu_seconds !== undefined) return `${count(Math.round(of.rpu_seconds))} RPU s`;
  return of.billed_seconds === null || of.billed_seconds === undefined ? '–' : `${seconds(of.billed_seconds)} billed`;
}

// When it runs by itself. Right after a change of the schedule the service has not worked out yet when that is.
export function nextRun(schedule: { paused?: boolean } | null, at: string | null): string {
  if (!schedule) return 'It has no schedule.';
  if (schedule.paused) return 'Its schedule is paused.';
  return at ? `Next: ${when(at)}` : 'The next time is being worked out.';
}
