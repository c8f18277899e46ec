-- Primary, unique and foreign keys are information for the planner, never enforced: tables may hold two rows of one key
-- (https://docs.aws.amazon.com/redshift/latest/dg/t_Defining_constraints.html). The constraint stays in the catalog; its
-- index is no longer unique, so nothing checks it and the planner does not rely on it. A foreign key needs a unique index
-- for the moment in which it is made; the triggers that would check it are switched off.
CREATE FUNCTION pg_sandbox.unique_for_references() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
  IF current_query() ~* '[[:<:]]references[[:>:]]' THEN
    UPDATE pg_index SET indisunique = true
     WHERE NOT indisunique AND indrelid <> 'pg_sandbox.long_names'::regclass AND EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexrelid AND c.contype IN ('p', 'u'));
  END IF;
END $$;
CREATE FUNCTION pg_sandbox.unenforce_keys() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  references_some boolean := current_query() ~* '[[:<:]]references[[:>:]]';
  checked regclass;
BEGIN
  UPDATE pg_index SET indisunique = false
   WHERE indisunique AND indrelid <> 'pg_sandbox.long_names'::regclass AND (references_some OR indrelid IN
           (SELECT d.objid FROM pg_event_trigger_ddl_commands() d WHERE d.classid = 'pg_class'::regclass))
     AND EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexrelid AND c.contype IN ('p', 'u'));
  FOR checked IN
    SELECT DISTINCT t.tgrelid::regclass FROM pg_trigger t JOIN pg_constraint c ON c.oid = t.tgconstraint
     WHERE references_some AND c.contype = 'f' AND t.tgenabled <> 'D' LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', checked);
  END LOOP;
END $$;
CREATE EVENT TRIGGER unique_for_references ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE')
  EXECUTE FUNCTION pg_sandbox.unique_for_references();
CREATE EVENT TRIGGER unenforce_keys ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE')
  EXECUTE FUNCTION pg_sandbox.unenforce_keys();
