// What stands in each of the six steps: its fields, and the texts that an administrator needs there.
import type { ComponentType } from 'preact';
import type { SetupDocument, Source } from '../../api/types';
import { Choice, Code, Field } from '../../components/form';
import { Failure } from '../../components/states';
import { useSession } from '../../session';
import type { TextField } from './draft';
import type { Form } from './form';

interface BodyProps {
  form: Form;
  source: Source | null;
}

const REGIONS = ['us-east-1', 'us-east-2', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-southeast-2'];

// A field of the draft by its name.
function Draft(props: { form: Form; field: TextField; label: string; hint?: string; placeholder?: string; mono?: boolean; lines?: number }) {
  const { form, field } = props;
  return (
    <Field
      label={props.label}
      value={form.draft[field]}
      onValue={(value) => form.change({ [field]: value })}
      wrong={form.wrong[field]}
      hint={props.hint}
      placeholder={props.placeholder}
      mono={props.mono}
      lines={props.lines}
    />
  );
}

// Texts of `sluice setup`, folded, because many who fill in this form are not those who run them.
function ForAdministrator(props: { form: Form; title: string; texts: (document: SetupDocument) => (readonly [string, string, string])[] }) {
  const { document, error } = props.form.setup;
  const texts = document ? props.texts(document).filter(([, text]) => text.trim() !== '') : [];
  const named = (document?.placeholders ?? []).filter(({ name }) => texts.some(([, text]) => text.includes(name)));
  return (
    <details>
      <summary>{props.title}</summary>
      <div class="stack tight">
        {error !== null && <Failure error={error} />}
        {!document && error === null && <p class="muted">Fill in the workgroup’s endpoint first: then the text stands here, ready to be copied.</p>}
        {document && texts.length === 0 && <p class="muted">With what is filled in so far there is nothing to run.</p>}
        {texts.map(([title, text, who]) => (
          <Code title={title} text={text} who={who} />
        ))}
        {named.length > 0 && (
          <dl class="stack tight small">
            {named.map(({ name, meaning, how }) => (
              <div>
                <dt>
                  Replace <code>{name}</code> with {meaning}.
                </dt>
                <dd class="muted wrap">To find it: {how}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </details>
  );
}

function Workgroup({ form }: BodyProps) {
  return (
    <>
      <Field
        label="Endpoint"
        value={form.draft.pasted}
        onValue={form.paste}
        wrong={form.wrong.pasted}
        mono
        placeholder="analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev"
        hint="Paste it as you copied it, also as a JDBC address. The fields below fill themselves in."
      />
      <div class="fields">
        <Draft form={form} field="workgroup" label="Workgroup" placeholder="analytics" />
        <Draft form={form} field="host" label="Host" mono />
        <Draft form={form} field="port" label="Port" placeholder="5439" />
        <Draft form={form} field="database" label="Database" placeholder="dev" />
      </div>
    </>
  );
}

function Network({ form }: BodyProps) {
  return (
    <>
      <p>Nothing to fill in. If the test cannot reach the workgroup, its security group lacks the inbound rule.</p>
      <ForAdministrator form={form} title="The inbound rule" texts={(d) => [['Inbound rule', d.network, 'AWS CLI']]} />
    </>
  );
}

function User({ form }: BodyProps) {
  return (
    <>
      <Draft
        form={form}
        field="username"
        label="Database user"
        placeholder="IAMR:sluice-reader"
        mono
        hint="AWS names it after the role (IAMR:…) or the user (IAM:…). The test compares it with what AWS says."
      />
      <ForAdministrator form={form} title="The SQL that makes the user" texts={(d) => [['SQL', d.sql, 'a superuser of the database']]} />
    </>
  );
}

function Bucket({ form }: BodyProps) {
  return (
    <>
      <div class="fields">
        <Draft form={form} field="bucket" label="Bucket" placeholder="acme-sluice-staging" hint="Its name alone, without s3://." />
        <Draft form={form} field="bucket_region" label="Region of the bucket" placeholder={REGIONS[0]} hint="It need not be the workgroup’s." />
      </div>
      <ForAdministrator form={form} title="The bucket, if there is none yet" texts={(d) => [['Bucket', d.bucket, 'AWS CLI']]} />
    </>
  );
}

function Access({ form, source }: BodyProps) {
  const { me } = useSession();
  const { how } = form.draft;
  const kept = source?.secret_access_key_set && form.draft.access_key_id === source.access_key_id;
  return (
    <>
      <fieldset class="stack tight">
        <legend class="legend">How this service signs in to AWS</legend>
        <Choice kind="radio" name="how" label="A role" hint="recommended" checked={how === 'role'} onPick={() => form.change({ how: 'role' })} />
        <Choice kind="radio" name="how" label="Access keys" checked={how === 'keys'} onPick={() => form.change({ how: 'keys' })} />
        {me.features.default_chain && me.scope === 'admin' && (
          <Choice kind="radio" name="how" label="The server’s own identity" checked={how === 'server'} onPick={() => form.change({ how: 'server' })} />
        )}
      </fieldset>
      {how === 'role' && (
        <div class="fields">
          <Draft form={form} field="role_arn" label="Role ARN" mono placeholder="arn:aws:iam::123456789012:role/sluice-reader" />
          <Draft form={form} field="external_id" label="External ID (optional)" hint="Leave it empty: the trust policy below asks for the one that this service sends for you." />
        </div>
      )}
      {how === 'keys' && (
        <div class="fields">
          <Draft form={form} field="access_key_id" label="Access key ID" mono placeholder="AKIA…" />
          <Field
            label="Secret access key"
            type="password"
            value={form.secret}
            onValue={form.setSecret}
            wrong={form.wrong.secret}
            autocomplete="new-password"
            hint={kept ? 'One is saved. Leave this empty to keep it.' : 'Stored sealed, never shown again. It is not kept in this tab: after a reload, give it again.'}
          />
        </div>
      )}
      <ForAdministrator
        form={form}
        title={how === 'role' ? 'The role and its policies' : 'The policy'}
        texts={(d) => [
          ['IAM policy', d.iam, 'what it may do'],
          ['Trust policy', d.trust, 'who may take the role'],
          ['Tag', d.tag, 'AWS CLI'],
          ['Role for UNLOAD', d.unload_role, 'AWS CLI'],
          ['Terraform', d.terraform, 'all steps in one file'],
        ]}
      />
      <details>
        <summary>Advanced settings</summary>
        <Draft form={form} field="advanced" label="Advanced settings (JSON)" lines={4} hint="Leave this empty unless you were told what to write here." />
      </details>
    </>
  );
}

function Last({ form }: BodyProps) {
  return <Draft form={form} field="name" label="Name of this connection" placeholder={form.draft.workgroup || 'warehouse'} hint="By which you will know it later." />;
}

export const STEP_BODIES: Record<string, ComponentType<BodyProps>> = {
  workgroup: Workgroup,
  network: Network,
  user: User,
  bucket: Bucket,
  access: Access,
  test: Last,
};
