// Which tables the patterns of a configuration stand for: the one place where a pattern becomes
// streams. Every command works with what stands here, so a stream that came from a pattern is in
// all of them the stream that it would be if somebody had written it down. Any thread.
#pragma once
#include <string>
#include <vector>

#include "config/config.h"
#include "redshift/catalog.h"
#include "sync/chosen_streams.h"

namespace sluice::connection {

// Of the tables that the workgroup lists, and of what the ledger knew before. Pure. Throws
// kInvalidConfig (reason "one_name") for two tables that would be streams of one name.
sync::ChosenStreams Choose(const config::Config& config,
                           const std::vector<redshift::TableInfo>& listed,
                           const std::vector<sync::KnownTable>& known);

// As the last sync chose them, from the ledger, without contacting anybody. Errors: those of
// sync::ReadKnownTables.
std::vector<model::Stream> KnownStreams(const config::Config& config);

// The streams that `reset` may be asked to forget: those, and of a table that a pattern would take
// or once took, and of whatever the ledger has a commit of, by name alone.
std::vector<std::string> ResettableStreams(const config::Config& config,
                                           const std::vector<std::string>& asked);

// Whether a pattern of the configuration means such a table.
bool IsMeant(const config::Config& config, const redshift::TableInfo& table);

// Schemas that patterns name without a sign.
std::vector<std::string> SchemasOfPatterns(const config::Config& config);

// Throws kNotFound (reason "no_match"): the configuration has patterns, and no stream came of it.
void RequireStreams(const config::Config& config, const sync::ChosenStreams& chosen,
                    const std::vector<redshift::TableInfo>& listed);

}  // namespace sluice::connection
