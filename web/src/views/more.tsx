// On a phone there is room for the views that one goes to often; the others are here.
import { Icon, type IconName } from '../components/icon';
import { link } from '../router';
import { mayWrite, useSession } from '../session';

const ALERTS = ['alerts', 'bell', 'Alerts', 'Who is told when a run fails, and how.'] as const;
const PLACES: readonly (readonly [string, IconName, string, string])[] = [
  ALERTS,
  ['tokens', 'key', 'Tokens', 'Who may use this service.'],
  ['audit', 'list', 'Audit log', 'Who did what, and when.'],
];

export function MoreView() {
  const { me } = useSession();
  return (
    <div class="view">
      <h1>More</h1>
      <ul class="grid">
        {(mayWrite(me) ? PLACES : [ALERTS]).map(([place, icon, title, about]) => (
          <li class="card stack tight">
            <a class="row" href={link(place)}>
              <Icon name={icon} />
              <h2>{title}</h2>
            </a>
            <p class="muted">{about}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}
