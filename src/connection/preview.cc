#include "connection/preview.h"

#include <utility>

#include "redshift/catalog.h"
#include "redshift/select.h"

namespace sluice::connection {

Preview ReadPreview(redshift::Session& session, std::string_view database,
                    const model::Stream& stream, int limit, const base::Call& call) {
  Preview preview{.stream = stream.name,
                  .columns = redshift::DescribeStream(session, database, stream, call),
                  .rows = {}};
  const std::string select = redshift::BuildSelect(stream, preview.columns);
  auto result = session.Query(select + " LIMIT " + std::to_string(limit), call);
  preview.rows = std::move(result.rows);
  return preview;
}

}  // namespace sluice::connection
