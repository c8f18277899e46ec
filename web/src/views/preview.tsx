// The first rows of a stream.
import { api } from '../api/client';
import type { PreviewDocument } from '../api/types';
import { Show, useLoad } from '../components/load';
import { useSession } from '../session';

export function Preview({ pipeline, stream }: { pipeline: string; stream: string }) {
  const { tenant } = useSession();
  const loaded = useLoad(`preview ${stream}`, () => api.preview(tenant.id, pipeline, stream));
  return (
    <Show of={loaded} what="rows">
      {(document) => <Rows of={document} />}
    </Show>
  );
}

export function Rows({ of: { columns, rows } }: { of: PreviewDocument }) {
  if (rows.length === 0) return <p>There is no row in it.</p>;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Rows">
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col">
                {column.name}
                <div class="small mono">{column.type}</div>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.map((value) => (
                <td>{value ?? <span class="muted">null</span>}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
