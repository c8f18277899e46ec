#include "connection/preview.h"

#include <utility>

#include "redshift/catalog.h"
#include "redshift/select.h"
#include "redshift/shape.h"

namespace sluice::connection {

Preview ReadPreview(redshift::Session& session, std::string_view database,
                    const model::Stream& stream, int limit, const base::Call& call) {
  const auto columns = redshift::DescribeStream(session, database, stream, call);
  const model::Stream shaped = redshift::ApplyShape(stream, columns, stream.name);
  Preview preview{
      .stream = stream.name, .columns = redshift::ColumnsLanding(shaped, columns), .rows = {}};
  // Without the salt: a hash is shown as one, of another salt.
  const std::string select = redshift::BuildSelect(shaped, redshift::ColumnsRead(shaped, columns));
  auto result = session.Query(select + " LIMIT " + std::to_string(limit), call);
  preview.rows = std::move(result.rows);
  return preview;
}

}  // namespace sluice::connection
