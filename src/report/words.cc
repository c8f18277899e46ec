#include "report/words.h"

#include <set>
#include <string>

#include "base/text.h"

namespace sluice::report {
namespace {

using Words = std::set<std::string_view>;

constexpr std::string_view kOfStatements = R"(
a abort access_key_id add alias all alter analyze and any application_name as asc at attisdropped
attname attnotnull attnum attrelid atttypid atttypmod auto begin below between beyond bigint bool
boolean both by c cancel case cast char character character_maximum_length character_set
charged_seconds client_encoding coalesce column column_default column_name column_type columns
columns_granted columns_missing commit compute_capacity compute_seconds conkey conname conrelid
contype count create credentials cross current_database current_schema current_user data_type
database database_name database_type date datestyle db db_user decimal deferrable delete desc
describe distinct diststyle double drop else enable_case_sensitive_identifier encoding encrypted
end end_time error_message escape estimated_visible_rows except exists explain extension external
external_schema extract false far_beyond first float float4 float8 following for format from full
func_sha1 function geography geometry global grant grants greatest group has_column_privilege
has_database_privilege has_schema_privilege has_table_privilege hash having header hidden high
hllsketch hour iam_role identity if ilike in indkey indrelid information_schema inner insert int
int2 int4 int8 integer intersect interval into is is_nullable is_superuser isnull iso isolation
join json json_serialize key keys kms_key_id last leading least left len length level like limit
loc local login low low_beyond lower manifest materialized max max_query_execution_time
maxfilesize mb md5 mdy min minute mod month n name ngrant not notnull nspname nspowner null
nullif nulls numeric numeric_precision numeric_scale nvl object object_name object_type of off
offset oid on only or order ordinal_position outer over owner parallel parquet partition
partitioned path pct_used pg_attribute pg_backend_pid pg_catalog pg_class pg_constraint
pg_database pg_description pg_get_userbyid pg_group pg_index pg_last_query_id
pg_last_unload_count pg_namespace pg_table_def pg_type pg_user preceding precision prepare
primary primary_key privileges procedure producer query query_group query_id query_text range
read real recursive region relacl relkind relname relnamespace relowner remarks reset restrict
right rollback row row_count row_number rows savepoint schema schema_name schema_option
schema_owner schema_type search_path second secret_access_key security select serializable
session session_id session_token session_user set sha2 share_name share_type show similar size
sluice_stream smallint snapshot some sortkey1 source_database st_ashexewkb start_time state
statement_timeout stats status string strtol stv_mv_info substring sum super svl_s3log
svv_all_columns svv_all_schemas svv_all_tables svv_columns svv_datashare_consumers
svv_datashare_objects svv_datashares svv_external_columns svv_external_schemas
svv_external_tables svv_mv_info svv_redshift_columns svv_redshift_databases svv_redshift_schemas
svv_redshift_tables svv_relation_privileges svv_role_grants svv_roles svv_schema_privileges
svv_table_info svv_tables svv_user_grants svv_user_info sys_external_query_error
sys_load_error_detail sys_query_detail sys_query_history sys_serverless_usage sys_unload_detail
sys_unload_history sysdate system table table_catalog table_id table_name table_schema table_type
tables tbl_rows temp temporary text then time timestamp timestamptz timetz timezone to to_hex
trailing transaction trim true try_cast type unbounded union unload unloaded_files_count
unloaded_location unloaded_rows unsorted update upper usage use usename user user_id user_name
usesuper using utc utf8 vacuum values varbyte varchar varying ver verbose version view
view_definition visible void went_back when where window with within without work write year zone
)";

constexpr std::string_view kOfMessages = R"(
able aborted about above accept accepted access accessdenied account accounts action actions
active actually administrator after again against aliases allocated allow allowed already also
amazon ambiguous an another api applied apply are argument arguments arn array assert assertion
assume assumed attached attempt attempted attribute authenticate authenticated authentication
authorization authorizationheadermalformed authorized available aws back bad badtoken batch
because been before being beneath binary block block_num blocked bucket buffer but bytes call
called caller calls can canceled cancelled cannot canretry catalog certificate change changed
check checksum clause client clock close closed cluster code codes cold command commands
compatible compile complete completed compression compute concurrency concurrent condition
conditional config configuration configured conflict conflicts connect connected connection
connections constant constraint contact contain contains context continue conversion convert copy
corrupt corrupted could credential curl curlcode curlerror currently cursor cut data databases
datashare datashares datetime day days ddl deadlock debug decompress decrypt default denied deny
dependent detail details detected different digit digits dimension direct directory disabled disconnect
disk distribution divide division do document does domain down due duplicate during dynamic each
either empty enable enabled encoded encountered encryption endpoint engine enough entity entry
equal error errors evaluate exceeded exceeds exception exclusive execute executed executing
execution exist expect expected expire expired expiredtoken explicit expression extended extrid
failed fails failure fatal fdisk_api feature federated fetch_ddl field fields file files filter
find finished fix flag folder found free fully gateway generate get given got granted groups
handle handshake has have headers here hint host hours however http https iam id identifier idle
ignored illegal implicit inactive include including inconsistent incorrect index info initialize
input insufficient interface interleaved internal internalerror interrupted invalid
invalidaccesskeyid invalidtoken io ip isn it item iteration its job kept kerberos kms
kmsdisabledexception known large larger later lax leader less library lifetime likely limits line
lines list listed listing loaded loading location lock locked locks log logged long longer lookup
lost mask masked masking match matched matches maximum may me member memory message metadata
method minimum minutes mismatch missing mode modified modify more most moved multi multiple must
names namespace need needs negative nested network never new next no node nodes non none
nonexistent nosuchbucket nosuchkey nothing notice now number objects occurred ok old once one
open opened operation operations operator option options organization original other otherwise
out outside overflow own owners padb page panic parameter parameters parent parse parser part
partial parts pass password paths pattern pause paused peer pending permanentredirect permission
permissions permitted physical pid place plan please policies policy pool port position positive
possible present previous principal privilege problem process processed processing profile
protected protocol provided provisioned proxy public queries queue quota quote quoted rate reach
reached readable reading ready reason received record records recover redirect redshift refer
reference referenced refused regexp registered rejected relation relations release remaining
remote remove removed rename replaced replica reply request requested requests
requesttimetooskewed require required requires reserved resource resources response restarted
restore result results resume retries retry return returned returns revoke rid rls role roles
rolled root rule rules run running runs runtime s3 s3serviceexception same scale scan scope
seconds secret secure see segment send sent sequence serialization server serverless service
services sessions several shape share shared shutdown sign signature signaturedoesnotmatch signed
single skipped sleep slice slot slow slowdown socket sort source specified specifies spectrum ssl
sso standard start started starting startup statement statements statistics step stop stopped
storage stored stream strings sts subject submit subquery succeeded success successful
successfully such suffix suggest superuser supplied support supported suspended switch symbolic
syntax tag tags take taken target task terminated terminating test than that the their them there
these they this those thread threshold throttled throttling through throughput timed timeout
times tls token tokens too total trace transfer trust trusted try trying types unable
unauthorized unavailable undefined unencrypted unexpected unhandled unique unit unknown unloaded
unprocessable unreachable unrecognized unsupported unterminated until up updated upgrade upload
uri url usable used users uses utf valid validate validation value variable versions via violated
violates violation virtual vpc wait waited waiting warehouse warn warning was web were which
while who whose will wlm word words worker workgroup workgroups would wrong x509 xml xx yet you
your zero
)";

Words WordsIn(std::string_view text) {
  constexpr std::string_view kBlank = " \n";
  Words words;
  for (auto at = text.find_first_not_of(kBlank); at != std::string_view::npos;
       at = text.find_first_not_of(kBlank, at)) {
    const auto end = text.find_first_of(kBlank, at);
    words.insert(text.substr(at, end - at));
    at = end;
  }
  return words;
}

bool Holds(const Words& words, std::string_view word) { return words.contains(word); }

const Words& OfStatements() {
  static const Words words = WordsIn(kOfStatements);
  return words;
}

}  // namespace

bool IsKnownInStatements(std::string_view word) { return Holds(OfStatements(), base::Lower(word)); }

bool IsKnownInMessages(std::string_view word) {
  static const Words words = WordsIn(kOfMessages);
  return IsKnownInStatements(word) || Holds(words, base::Lower(word));
}

}  // namespace sluice::report
