-- Primary and unique keys are information for the planner, never enforced: tables may hold two rows of one key
-- (https://docs.aws.amazon.com/redshift/latest/dg/t_Defining_constraints.html). The constraint stays in the catalog; its
-- index is no longer unique, so nothing checks it and the planner does not rely on it.
CREATE FUNCTION pg_sandbox.unenforce_keys() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
  UPDATE pg_index SET indisunique = false
   WHERE indisunique AND indrelid IN (SELECT d.objid FROM pg_event_trigger_ddl_commands() d WHERE d.classid = 'pg_class'::regclass)
     AND EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexrelid AND c.contype IN ('p', 'u'));
END $$;
CREATE EVENT TRIGGER unenforce_keys ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE')
  EXECUTE FUNCTION pg_sandbox.unenforce_keys();
